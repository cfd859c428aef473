/**
 * What both ends of a handshake share: the prologue, the endorsement of static keys, and the sealed messages behind
 * message 3 (spec 06-security, 6.2). The state machine itself is in handshake.js.
 */

import { bigEndian, utf8 } from "../wire/bytes.js";
import { NUMBER_BYTES } from "../wire/device_id.js";
import { LocalProtocolError, RemoteProtocolError } from "../wire/errors.js";
import { decode, encode } from "../wire/messages.js";
import { CLOSE, HANDSHAKE_MESSAGES, LABEL, MAX } from "../wire/registry.js";
import { endorseStatic } from "./identity.js";
import { lv } from "./lv.js";

/** Seconds that the endorsement of a Noise static key lasts; the key itself serves one handshake. */
const STATIC_LIFETIME = 3600;
const SESSION_BYTES = 16;
/** CPace's channel identifier. */
export const CHANNEL_IDENTIFIER = lv(utf8("avl/1 pake"));

/** @typedef {import("./noise.js").CipherState} CipherState */

/** What both ends must agree on beforehand: the session's id (16 bytes) and the device the viewer means.
 * @param {Uint8Array} sessionId @param {bigint} deviceNumber */
export function prologue(sessionId, deviceNumber) {
  if (sessionId.length !== SESSION_BYTES) throw new LocalProtocolError(`a session id has ${SESSION_BYTES} bytes`);
  return lv(utf8(LABEL), sessionId, bigEndian(deviceNumber, NUMBER_BYTES));
}

/** CPace's password-related string of a normalised code. @param {string} code */
export function codeString(code) {
  return lv(utf8("code"), utf8(code));
}

/** Validity and signature of our Noise static key.
 * @param {import("./identity.js").Identity} own @param {Uint8Array} label @param {Uint8Array} key @param {number} wall
 * */
export async function endorsement(own, label, key, wall) {
  const notAfter = wall + STATIC_LIFETIME;
  return { not_before: wall, not_after: notAfter, signature: await endorseStatic(own, label, key, wall, notAfter) };
}

/** The payload of a handshake message, encoded. @param {string} kind @param {Record<string, any>} fields */
export function payload(kind, fields) {
  return encode(HANDSHAKE_MESSAGES, kind, fields);
}

/** The payload of a handshake message; null for a type that is not known. Throws RemoteProtocolError(SESSION_PROTOCOL).
 * @param {Uint8Array} data @returns {any} */
export function readPayload(data) {
  return decode(HANDSHAKE_MESSAGES, data, CLOSE.SESSION_PROTOCOL);
}

/** The body that carries a message of the authentication phase. @param {CipherState} cipher @param {string} kind @param
 * {Record<string, any>} fields */
export async function seal(cipher, kind, fields) {
  return sized(await cipher.encrypt(new Uint8Array(0), payload(kind, fields)));
}

/** The message of a body. Rejects with RemoteProtocolError (TAMPERED, SESSION_PROTOCOL).
 * @param {CipherState} cipher @param {Uint8Array} body @returns {Promise<any>} */
export async function openBody(cipher, body) {
  checkSize(body);
  const message = readPayload(await cipher.decrypt(new Uint8Array(0), body));
  if (message === null) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "an unknown handshake message");
  return message;
}

/** The body itself. Throws LocalProtocolError when it is over the limit. @param {Uint8Array} body */
export function sized(body) {
  if (body.length > MAX.HANDSHAKE_MESSAGE) {
    throw new LocalProtocolError(`a handshake message of ${body.length} bytes is over the limit: is the name too long?`);
  }
  return body;
}

/** Throws RemoteProtocolError(SESSION_PROTOCOL) when a body of the peer's is over the limit (R-SEC-5). @param
 * {Uint8Array} body */
export function checkSize(body) {
  if (body.length > MAX.HANDSHAKE_MESSAGE) {
    throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, `a handshake message of ${body.length} bytes`);
  }
}
