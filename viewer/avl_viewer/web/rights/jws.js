/**
 * JWS in the one form that statements have: compact, Ed25519, three header fields (spec 11, 11.2; RFC 7515, RFC 9864).
 */

import { verify } from "../crypto/identity.js";
import { sha256 } from "../crypto/webcrypto.js";
import { equal, utf8 } from "../wire/bytes.js";
import { MAX } from "../wire/registry.js";

export const ALGORITHM = "Ed25519";
const SHAPE = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})$/;
const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** This is no statement, or its signature is not that of the key in question. */
export class NotSigned extends Error {}

/** @typedef {import("../crypto/identity.js").Identity} Identity */

/** Base64url without padding (RFC 7515, section 2). @param {Uint8Array} data */
export function encode(data) {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The bytes of base64url without padding. Throws NotSigned for anything else. @param {string} text @returns
 * {Uint8Array<ArrayBuffer>} */
export function decode(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new NotSigned("that is not base64url");
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

/** A public key (32 bytes) as a JWK (RFC 8037). @param {Uint8Array} raw */
export function jwkOf(raw) {
  return { kty: "OKP", crv: "Ed25519", x: encode(raw) };
}

/** The public key of a JWK that `jwkOf` made. Throws NotSigned for any other. @param {any} jwk @returns {Uint8Array} */
export function publicOf(jwk) {
  if (!isObject(jwk) || Object.keys(jwk).sort().join() !== "crv,kty,x" || typeof jwk.x !== "string") throw new NotSigned("that is no public key");
  const raw = decode(jwk.x);
  if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || raw.length !== 32 || encode(raw) !== jwk.x) {
    throw new NotSigned("that is no public key of Ed25519");
  }
  return raw;
}

/** The RFC 7638 thumbprint of a public key, which is what a key is called. @param {Uint8Array} raw */
export async function thumbprint(raw) {
  return encode(await sha256(utf8(`{"crv":"Ed25519","kty":"OKP","x":"${encode(raw)}"}`)));
}

/** What a token is called by the one that stands on it. @param {string} token */
export async function digest(token) {
  return encode(await sha256(utf8(token)));
}

/** The token of these claims. `kind`: the header's `typ`; `withKey`: the header carries the signer's key, too.
 * @param {Identity} identity @param {string} kind @param {Record<string, any>} claims @param {boolean} [withKey] */
export async function sign(identity, kind, claims, withKey = false) {
  const kid = await thumbprint(identity.public);
  const header = { alg: ALGORITHM, typ: kind, kid, ...(withKey ? { jwk: jwkOf(identity.public) } : {}) };
  const text = `${part(header)}.${part({ iss: kid, ...claims })}`;
  return `${text}.${encode(await identity.sign(utf8(text)))}`;
}

/** What a token says of itself; nothing is verified yet. Throws NotSigned. @param {string} token @param {number} [limit]
 * @returns {{ type: string, kid: string, key: Uint8Array | null }} */
export function header(token, limit = MAX.STATEMENT) {
  const shape = token.length <= limit ? SHAPE.exec(token) : null;
  if (!shape) throw new NotSigned("that is no statement, or too long");
  const fields = object(decode(shape[1]));
  const names = Object.keys(fields).filter((name) => name !== "jwk").sort().join();
  if (names !== "alg,kid,typ" || fields.alg !== ALGORITHM || typeof fields.typ !== "string" || typeof fields.kid !== "string") {
    throw new NotSigned("the header is not that of a statement");
  }
  return { type: fields.typ, kid: fields.kid, key: "jwk" in fields ? publicOf(fields.jwk) : null };
}

/** The claims of a token of this kind that `key` (32 bytes) has signed, without `iss`. Rejects with NotSigned.
 * @param {string} token @param {string} kind @param {Uint8Array} key @param {number} [limit] @returns
 * {Promise<Record<string, any>>} */
export async function claims(token, kind, key, limit = MAX.STATEMENT) {
  const head = header(token, limit);
  const kid = await thumbprint(key);
  if (head.type !== kind || head.kid !== kid || (head.key && !equal(head.key, key))) throw new NotSigned("that is of another kind, or of another key");
  const [text, signature] = [token.slice(0, token.lastIndexOf(".")), token.slice(token.lastIndexOf(".") + 1)];
  if (!(await verify(key, decode(signature), utf8(text)))) throw new NotSigned("the signature is not that of the key");
  const { iss, ...found } = object(decode(text.split(".")[1]));
  if (iss !== kid) throw new NotSigned("the issuer is not who has signed");
  return found;
}

/** @param {any} value @returns {value is Record<string, any>} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {Record<string, any>} content */
function part(content) {
  return encode(utf8(JSON.stringify(content)));
}

/** @param {Uint8Array} data @returns {Record<string, any>} */
function object(data) {
  let found;
  try {
    found = JSON.parse(TEXT.decode(data));
  } catch {
    throw new NotSigned("that is not JSON");
  }
  if (!isObject(found)) throw new NotSigned("that is no JSON object");
  return found;
}
