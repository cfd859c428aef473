/**
 * What a person signs on these pages: statements (rights/statements.js) with the times and limits that the pages give.
 */

import { randomBytes } from "../crypto/webcrypto.js";
import { OWNER } from "../rights/effective.js";
import { decode, digest, encode } from "../rights/jws.js";
import { ENROLMENT, GRANT, KEY_LINK, POLICY, read, REVOCATION, sign } from "../rights/statements.js";
import { MAX } from "../wire/registry.js";

/** @typedef {import("./personkey.js").PersonKey} Signer */

/** All permissions that there are and will be. */
const NO_LIMIT = 2 ** 32 - 1;
/** Seconds for which "this device is mine" is said at a time. */
export const KEY_LINK_SECONDS = 30 * 86_400;

/** The claims of a token, whoever signed it: for show, never to decide by. @param {string} token @returns {any} null
 * where it can't be read */
export function claimsOf(token) {
  try {
    return JSON.parse(new TextDecoder().decode(decode(token.split(".")[1])));
  } catch {
    return null;
  }
}

/** "This viewer is mine." @param {Signer} signer @param {Uint8Array} holder  the viewer's public key @param {number}
 * now  Unix seconds @param {string} name @param {boolean} browser  whether it is a page */
export function keyLink(signer, holder, now, name, browser) {
  const link = { cnf: holder, nbf: now - MAX.CLOCK_SKEW, exp: now + KEY_LINK_SECONDS, ...(browser ? { browser } : {}), ...shown("sub", name) };
  return sign(signer.identity, KEY_LINK, link);
}

/** "This host is mine." @param {Signer} signer @param {string} audience @param {number} now @param {string} name @param
 * {string[]} groups */
export function enrolment(signer, audience, now, name, groups) {
  return sign(signer.identity, ENROLMENT, { aud: audience, iat: now, ...(groups.length ? { groups } : {}), ...shown("name", name) });
}

/**
 * @typedef {object} Given
 * @property {string} audience
 * @property {number} permissions
 * @property {Uint8Array} holder  public key
 * @property {number} now  Unix seconds
 * @property {number} expires  Unix seconds
 * @property {string} [role]
 * @property {string} [name]
 * @property {number | null} [uses]
 * @property {number | null} [longest]  seconds of a session
 * @property {string} [consent]
 * @property {boolean} [share]
 * @property {{ zone: string, rows: number[][] } | null} [hours]
 * @property {string} [parent]  token of the grant that it stands on
 */

/** A grant of this key's, and its name. @param {Signer} signer @param {Given} given @returns {Promise<{ token: string,
 * id: string }>} */
export async function grant(signer, given) {
  const id = encode(randomBytes(16));
  const token = await sign(signer.identity, GRANT, {
    aud: given.audience,
    p: given.permissions,
    nbf: given.now - MAX.CLOCK_SKEW,
    exp: given.expires,
    jti: id,
    cnf: given.holder,
    ...(given.parent ? { prt: await digest(given.parent) } : {}),
    ...(given.hours ? { win: given.hours.rows, tz: given.hours.zone } : {}),
    ...(given.longest ? { max_s: given.longest } : {}),
    ...(given.uses ? { n: given.uses } : {}),
    ...(given.consent && given.consent !== "never" ? { consent: given.consent } : {}),
    ...shown("role", given.role ?? ""),
    ...shown("sub", given.name ?? ""),
    ...(given.share ? { share: true } : {}),
  });
  return { token, id };
}

/** The revocation list that follows `last` (its claims; null: there was none): with all of it but the grants that have
 * ended meanwhile, and what is taken back now. Rejects with Error where no list is that long.
 * @param {Signer} signer @param {any} last @param {number} now @param {{ id: string, end: number }[]} [grants]  by name,
 * and when each ends by itself (Unix seconds; 0: not known) */
export async function revocation(signer, last, now, grants = []) {
  /** @type {[string, number][]} */
  const before = (last?.jti ?? []).map((/** @type {string} */ id, /** @type {number} */ at) => [id, last.ends?.[at] ?? 0]);
  const left = before.filter(([, end]) => !end || end > now);
  const known = new Map([...left, ...grants.map(({ id, end }) => /** @type {[string, number]} */ ([id, end]))]);
  const jti = [...known.keys()].sort();
  const ends = jti.map((id) => known.get(id));
  const token = await sign(signer.identity, REVOCATION, {
    seq: (last?.seq ?? 0) + 1,
    iat: now,
    ...(last?.gep && Object.keys(last.gep).length ? { gep: last.gep } : {}),
    ...(jti.length ? { jti } : {}),
    ...(ends.some(Boolean) ? { ends } : {}),
    ...(last?.keys?.length ? { keys: last.keys } : {}),
  });
  if (token.length > MAX.STATEMENT) {
    throw new Error(`${jti.length - 1} permissions that have not ended yet were taken back, and there is room for no more: shut people out by a limit of the device, or let permissions end sooner.`);
  }
  return token;
}

/** A grant that is to be taken back, and when it ends by its owner's signature, whatever a relay says. @param {Signer}
 * signer @param {string} id @param {string} token @returns {Promise<{ id: string, end: number }>} */
export async function ending(signer, id, token) {
  const found = await read(GRANT, token, signer.identity.public).catch(() => null);
  return { id, end: found?.jti === id ? found.exp : 0 };
}

/** @typedef {{ p: number, max_s: number | null, consent: string, browser: boolean, max_stale: number | null, groups:
 * string[] | null }} Decided  what a policy says, by its claims */

/** What a policy says before anything was decided. @type {Decided} */
export const UNDECIDED = Object.freeze({ p: OWNER, max_s: null, consent: "never", browser: true, max_stale: null, groups: null });

/** The policy that follows `last` (what it said; null: there was none): with all of it but what changes now.
 * @param {Signer} signer @param {string} audience @param {(Decided & { seq: number }) | null} last @param
 * {Partial<Decided>} changed */
export function policy(signer, audience, last, changed) {
  const { p, max_s, consent, browser, max_stale, groups } = { ...(last ?? UNDECIDED), ...changed };
  return sign(signer.identity, POLICY, {
    aud: audience,
    seq: (last?.seq ?? 0) + 1,
    p: p === OWNER ? NO_LIMIT : p,
    ...(groups ? { groups } : {}),
    ...(consent !== "never" ? { consent } : {}),
    ...(max_s ? { max_s } : {}),
    ...(browser ? {} : { browser }),
    ...(max_stale ? { max_stale } : {}),
  });
}

/** A name, where there is one, as long as one may be. @param {string} claim @param {string} name */
function shown(claim, name) {
  const fits = [...name].slice(0, MAX.SHOWN_NAME).join("");
  return fits ? { [claim]: fits } : {};
}
