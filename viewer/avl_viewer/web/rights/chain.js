/**
 * Chain: the statements with which a viewer comes, verified as a host does it (spec 11, 11.4). A page checks with it what
 * it was given, and what it is about to sign; what counts is the host's word.
 */

import { equal } from "../wire/bytes.js";
import { GrantRefused } from "../wire/errors.js";
import { GRANT_REFUSAL, MAX, PERMISSION } from "../wire/registry.js";
import { allows, OWNER, strictest } from "./effective.js";
import * as jws from "./jws.js";
import { NotSigned } from "./jws.js";
import { GRANT, KEY_LINK, read } from "./statements.js";

/**
 * @typedef {object} Trust  What a host decides with.
 * @property {Uint8Array} owner  the pinned key
 * @property {string[]} audiences  what the device is called, by itself and by its groups
 * @property {Record<string, any>} revocation  the newest list
 * @property {number} staleness  seconds for which it is good
 * @property {Record<string, any>} [delegates]  newest lists of others, by the thumbprint of who signed each: they take
 * back what they have handed on
 */

/** What a chain gives to the viewer that proved to have the identity `holder` (32 bytes), at `wall` (Unix seconds).
 * Rejects with GrantRefused.
 * @param {readonly string[]} tokens @param {Trust} trust @param {Uint8Array} holder @param {number} wall @param {(grant:
 * string) => number} [used]  sessions that a grant (what it is counted by) has begun */
export async function verifyChain(tokens, trust, holder, wall, used = () => 0) {
  const { grants, link } = await readAll(tokens, trust.owner);
  for (const [place, grant] of grants.entries()) {
    if (place) await attenuates(grants[place - 1], tokens[place - 1], grant);
    else refuseIf(grant.prt, GRANT_REFUSAL.FORGED);
  }
  const links = link ? [...grants, link] : grants;
  refuseIf(!equal(links[links.length - 1].cnf, holder), GRANT_REFUSAL.WRONG_HOLDER);
  refuseIf(grants.some(({ aud }) => !trust.audiences.includes(aud)), GRANT_REFUSAL.WRONG_DEVICE);
  const { revocation } = trust;
  const keys = await Promise.all(links.map(({ cnf }) => jws.thumbprint(cnf)));
  const theirs = grants.slice(1).map((grant, place) => ({ grant, list: trust.delegates?.[keys[place]] }));
  const revoked =
    grants.some(({ jti, aud, gep }) => revocation.jti.includes(jti) || gep < (revocation.gep[aud] ?? 0)) ||
    keys.some((key) => revocation.keys.includes(key)) ||
    theirs.some(({ grant, list }) => list?.jti.includes(grant.jti));
  refuseIf(revoked, GRANT_REFUSAL.REVOKED);
  refuseIf(wall - revocation.iat > trust.staleness, GRANT_REFUSAL.STALE);
  refuseIf(links.some(({ exp }) => wall >= exp), GRANT_REFUSAL.EXPIRED);
  refuseIf(links.some(({ nbf }) => wall < nbf - MAX.CLOCK_SKEW), GRANT_REFUSAL.NOT_YET);
  refuseIf(grants.some(({ hours }) => hours && !hours.openAt(wall)), GRANT_REFUSAL.OUTSIDE_HOURS);
  const counted = await Promise.all(grants.map(async ({ jti }, place) => (place ? `${await jws.thumbprint(grants[place - 1].cnf)} ${jti}` : jti)));
  refuseIf(grants.some(({ n }, place) => n !== null && used(counted[place]) >= n), GRANT_REFUSAL.USED_UP);
  const last = grants[grants.length - 1];
  return {
    permissions: last ? last.p : OWNER,
    expires: Math.min(...links.map(({ exp }) => exp)),
    longest: least(grants.map(({ max_s: longest }) => longest)),
    consent: strictest(grants.map(({ consent }) => consent)),
    role: last ? last.role : "Owner",
    owner: !last,
    person: await jws.thumbprint(last ? last.cnf : trust.owner),
  };
}

/** @param {any} wrong @param {number} why */
function refuseIf(wrong, why) {
  if (wrong) throw new GrantRefused(why);
}

/** The statements, each signed by who the one before it names. @param {readonly string[]} tokens @param {Uint8Array}
 * owner */
async function readAll(tokens, owner) {
  refuseIf(!tokens.length || tokens.reduce((size, token) => size + token.length, 0) > MAX.CHAIN, GRANT_REFUSAL.FORGED);
  /** @type {Record<string, any>[]} */
  const grants = [];
  /** @type {Record<string, any> | null} */
  let link = null;
  try {
    const kinds = tokens.map((token) => jws.header(token).type);
    refuseIf(kinds.filter((kind) => kind === GRANT).length > MAX.CHAIN_GRANTS, GRANT_REFUSAL.TOO_DEEP);
    let signer = owner;
    for (const [place, kind] of kinds.entries()) {
      if (kind === GRANT) {
        grants.push(await read(GRANT, tokens[place], signer));
        signer = grants[grants.length - 1].cnf;
      } else {
        refuseIf(kind !== KEY_LINK || place !== kinds.length - 1, GRANT_REFUSAL.FORGED);
        link = await read(KEY_LINK, tokens[place], signer);
      }
    }
  } catch (error) {
    if (error instanceof NotSigned) throw new GrantRefused(GRANT_REFUSAL.FORGED);
    throw error;
  }
  return { grants, link };
}

/** A grant stands on this parent, whose token it names, and is no wider in any way.
 * @param {Record<string, any>} parent @param {string} token @param {Record<string, any>} grant */
async function attenuates(parent, token, grant) {
  refuseIf(grant.prt !== (await jws.digest(token)), GRANT_REFUSAL.FORGED);
  const within = (/** @type {number | null} */ mine, /** @type {number | null} */ theirs) => theirs === null || (mine !== null && mine <= theirs);
  const narrower =
    parent.p & PERMISSION.DELEGATE &&
    !(grant.p & ~parent.p) &&
    grant.aud === parent.aud &&
    grant.exp <= parent.exp &&
    (!parent.hours || grant.hours?.within(parent.hours)) &&
    within(grant.max_s, parent.max_s) &&
    within(grant.n, parent.n) &&
    allows(parent.consent, grant.consent);
  refuseIf(!narrower, GRANT_REFUSAL.WIDENED);
}

/** @param {(number | null)[]} values @returns {number | null} */
function least(values) {
  const given = values.filter((one) => one !== null);
  return given.length ? Math.min(...given) : null;
}
