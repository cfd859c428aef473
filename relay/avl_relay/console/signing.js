/**
 * Signing what a plan of the relay's asks for (POST /matrix/plan): with the key that this browser has, where it is the
 * owner's. The relay proposes, keys decide.
 */

import { ROLES } from "../account/roles.js";
import { ending, grant, policy, revocation } from "../account/statements.js";
import { OWNER } from "../rights/effective.js";
import { publicOf } from "../rights/jws.js";
import { t } from "./words.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** @typedef {{ key: string, person: string, name: string, revoke: string[], give: { audience: string, person: string,
 * permissions: number, expires: number }[], limit: { audience: string, permissions: number }[] }} Signature */

/** @typedef {{ id: string, end: number }} Taken  a grant by its name, and when it ends by itself */

/** How many statements that is. @param {Signature} one */
export function statementsOf(one) {
  return one.revoke.length + one.give.length + one.limit.length;
}

/** Whether this browser has the key that has to sign. @param {Desk} desk @param {Signature} one */
export function canSign(desk, one) {
  return desk.ownKey !== null && desk.ownKey.thumbprint === one.key;
}

/** Sign all of it. What is taken back comes last: a session that stood on it goes on by the smaller permission that there is
 * by then. @param {Desk} desk @param {Signature} one @returns {Promise<(() =>
 * Promise<void>) | undefined>} what undoes it, where that is possible: what was taken back can't be had back */
export async function sign(desk, one) {
  const key = desk.ownKey;
  if (!key || !canSign(desk, one)) throw new Error(t("key.short"));
  /** @type {(() => Promise<void>)[]} */
  const undoing = [];
  for (const { audience, permissions } of one.limit) {
    const last = await desk.lastPolicy(audience);
    const before = last?.p;
    await limit(desk, audience, permissions);
    undoing.push(() => limit(desk, audience, before ?? -1));
  }
  /** @type {Taken[]} */
  const given = [];
  for (const { audience, person, permissions, expires } of one.give) {
    const { jwk, name } = await desk.api.call("GET", `/people/${encodeURIComponent(person)}`);
    const role = ROLES.find((each) => each.permissions === permissions)?.name ?? "";
    const made = await grant(key, { audience, permissions, holder: publicOf(jwk), now: desk.now, expires, role, name });
    await desk.api.make("/grants", { chain: [made.token] });
    given.push({ id: made.id, end: expires });
  }
  await desk.freshen();
  if (one.revoke.length) {
    const tokens = new Map((await desk.api.all("/grants?revoked=false")).map((each) => [each.jti, each.token]));
    await takeBack(desk, await Promise.all(one.revoke.map((id) => ending(key, id, tokens.get(id) ?? ""))));
    return undefined;
  }
  if (given.length) undoing.push(() => takeBack(desk, given));
  return async () => {
    for (const act of undoing) await act();
  };
}

/** @param {Desk} desk @param {Taken[]} grants */
async function takeBack(desk, grants) {
  const key = desk.ownKey;
  if (!key) throw new Error(t("key.short"));
  const token = await revocation(key, await desk.lastRevocation(), desk.now, grants);
  await desk.api.call("POST", "/statements", { token });
}

/** @param {Desk} desk @param {string} audience @param {number} permissions  -1: whatever was permitted */
async function limit(desk, audience, permissions) {
  const key = desk.ownKey;
  if (!key) throw new Error(t("key.short"));
  const changed = permissions < 0 ? { p: OWNER } : { p: permissions };
  const token = await policy(key, audience, await desk.lastPolicy(audience), changed);
  await desk.api.call("POST", "/statements", { token });
}
