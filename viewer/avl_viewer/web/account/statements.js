/**
 * Statements that a person signs: JWS of Ed25519 in the compact form (spec 11, 11.2). Hosts read them; the relay only
 * hands them on.
 */

import { ed25519Sign, randomBytes, sha256 } from "../crypto/webcrypto.js";
import { utf8 } from "../wire/bytes.js";
import { toText } from "../wire/device_id.js";

import { decoded, encoded } from "./base64url.js";

/** @typedef {import("./personkey.js").PersonKey} Signer */

/** Seconds for which "this device is mine" is said at a time. */
export const KEY_LINK_SECONDS = 30 * 86_400;
/** Seconds by which clocks may differ. */
const SKEW = 60;

/** A public key of 32 bytes as a JWK (RFC 8037). @param {Uint8Array} raw */
export function jwkOf(raw) {
  return { kty: "OKP", crv: "Ed25519", x: encoded(raw) };
}

/** What a key is called (RFC 7638). @param {Uint8Array} raw @returns {Promise<string>} */
export async function thumbprintOf(raw) {
  return encoded(await sha256(utf8(`{"crv":"Ed25519","kty":"OKP","x":"${encoded(raw)}"}`)));
}

/** What a token is called by the one that stands on it. @param {string} token @returns {Promise<string>} */
export async function digestOf(token) {
  return encoded(await sha256(utf8(token)));
}

/** The `aud` of statements about one device. @param {string | bigint} device  28 characters without dashes, or its
 * number */
export function audienceOf(device) {
  return `device:${(typeof device === "bigint" ? toText(device) : device).replaceAll("-", "")}`;
}

/** @param {Signer} signer @param {string} kind  `typ` @param {Record<string, any>} claims @param {boolean} [withKey] */
export async function sign(signer, kind, claims, withKey = false) {
  const header = { alg: "Ed25519", typ: kind, kid: signer.thumbprint, ...(withKey ? { jwk: signer.jwk } : {}) };
  const text = `${part(header)}.${part({ iss: signer.thumbprint, ...claims })}`;
  return `${text}.${encoded(await ed25519Sign(signer.pair.privateKey, utf8(text)))}`;
}

/** The claims of a token of our own relay's list, whoever signed it: for show, never to decide by. @param {string} token
 * @returns {any} null where it can't be read */
export function claimsOf(token) {
  try {
    return JSON.parse(new TextDecoder().decode(decoded(token.split(".")[1])));
  } catch {
    return null;
  }
}

/** @param {Record<string, any>} content */
function part(content) {
  return encoded(utf8(JSON.stringify(content)));
}

/** "This viewer is mine." @param {Signer} signer @param {Uint8Array} holder  the viewer's public key @param {number}
 * now  Unix seconds @param {string} name @param {boolean} browser  whether it is a page */
export function keyLink(signer, holder, now, name, browser) {
  const claims = { cnf: { jwk: jwkOf(holder) }, nbf: now - SKEW, exp: now + KEY_LINK_SECONDS, ...(browser ? { browser } : {}), ...shown("sub", name) };
  return sign(signer, "avl-key+jwt", claims);
}

/** "This host is mine." @param {Signer} signer @param {string} device @param {number} now @param {string} name @param
 * {string[]} groups */
export function enrolment(signer, device, now, name, groups) {
  const claims = { aud: audienceOf(device), iat: now, ...(groups.length ? { groups } : {}), ...shown("name", name) };
  return sign(signer, "avl-enrolment+jwt", claims, true);
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
 */

/** A grant of the owner's, and its name. @param {Signer} signer @param {Given} given @returns {Promise<{ token: string,
 * id: string }>} */
export async function grant(signer, given) {
  const id = encoded(randomBytes(16));
  const claims = {
    aud: given.audience,
    p: given.permissions,
    nbf: given.now - SKEW,
    exp: given.expires,
    jti: id,
    cnf: { jwk: jwkOf(given.holder) },
    ...(given.longest ? { max_s: given.longest } : {}),
    ...(given.uses ? { n: given.uses } : {}),
    ...(given.consent && given.consent !== "never" ? { consent: given.consent } : {}),
    ...shown("role", given.role ?? ""),
    ...shown("sub", given.name ?? ""),
    ...(given.share ? { share: true } : {}),
  };
  return { token: await sign(signer, "avl-grant+jwt", claims), id };
}

/** The revocation list that follows `last` (its claims; null: there was none): with all of it, and what is taken back
 * now. @param {Signer} signer @param {any} last @param {number} now @param {string[]} [grants] @param {string[]} [keys] */
export function revocation(signer, last, now, grants = [], keys = []) {
  const jti = [...new Set([...(last?.jti ?? []), ...grants])].sort();
  const gone = [...new Set([...(last?.keys ?? []), ...keys])].sort();
  const claims = {
    seq: (last?.seq ?? 0) + 1,
    iat: now,
    ...(last?.gep && Object.keys(last.gep).length ? { gep: last.gep } : {}),
    ...(jti.length ? { jti } : {}),
    ...(gone.length ? { keys: gone } : {}),
  };
  return sign(signer, "avl-revocation+jwt", claims);
}

/** A name, where there is one, as long as one may be. @param {string} claim @param {string} name */
function shown(claim, name) {
  const fits = [...name].slice(0, 64).join("");
  return fits ? { [claim]: fits } : {};
}

/** Public bytes of a JWK. Throws Error for another kind of key. @param {any} jwk @returns {Uint8Array<ArrayBuffer>} */
export function publicOf(jwk) {
  if (jwk?.kty !== "OKP" || jwk?.crv !== "Ed25519" || typeof jwk?.x !== "string") throw new Error("This is no key of a person.");
  const raw = decoded(jwk.x);
  if (raw.length !== 32) throw new Error("This is no key of a person.");
  return raw;
}

