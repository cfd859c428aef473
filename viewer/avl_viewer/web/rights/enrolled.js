/**
 * Enrolled: a device as its owner's signatures tell of it, for those who are about to show it a chain (spec 11, 11.6).
 *
 * A relay says whose a device is and which groups it is in; a host of the relay's own could be called whatever opens
 * doors. The owner has signed both.
 */

import * as jws from "./jws.js";
import { NotSigned } from "./jws.js";
import { deviceAudience, ENROLMENT, enrolmentOf, POLICY, read } from "./statements.js";

/** @typedef {{ key: Uint8Array, groups: string[], audiences: string[] }} Enrolled  the owner's key (32 bytes), where they
 * have put the device, and what it is called in `aud` */

/** What the key with the thumbprint `owner` has signed about a device, by its number, whatever else is among these
 * tokens; null where it has not enrolled it. The newest enrolment counts, and then the newest policy.
 * @param {readonly string[]} tokens @param {bigint} device @param {string} owner @returns {Promise<Enrolled | null>} */
export async function enrolled(tokens, device, owner) {
  const audience = deviceAudience(device);
  const found = await all(tokens.filter((token) => typed(token) === ENROLMENT).map(enrolmentOf));
  const names = await Promise.all(found.map(({ key }) => jws.thumbprint(key)));
  const mine = found.filter(({ enrolment }, place) => names[place] === owner && enrolment.aud === audience);
  if (!mine.length) return null;
  const { key, enrolment } = mine.reduce((best, one) => (one.enrolment.iat > best.enrolment.iat ? one : best));
  const policies = await all(tokens.filter((token) => typed(token) === POLICY).map((token) => read(POLICY, token, key)));
  const last = policies.filter(({ aud }) => aud === audience).sort((one, other) => other.seq - one.seq)[0];
  const groups = last?.groups ?? enrolment.groups;
  return { key, groups, audiences: [audience, ...groups.map((/** @type {string} */ group) => `group:${group}`)] };
}

/** @param {string} token */
function typed(token) {
  try {
    return jws.header(token).type;
  } catch (error) {
    if (error instanceof NotSigned) return null;
    throw error;
  }
}

/** What of these was signed. @template T @param {Promise<T>[]} reading @returns {Promise<T[]>} */
async function all(reading) {
  const read = await Promise.all(reading.map((one) => one.catch(notSigned)));
  return /** @type {T[]} */ (read.filter((one) => one !== null));
}

/** @param {unknown} error */
function notSigned(error) {
  if (error instanceof NotSigned) return null;
  throw error;
}
