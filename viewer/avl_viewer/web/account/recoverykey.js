/**
 * The recovery key that a person prints: 26 Crockford characters, 130 bits, which open a wrapped copy of the person's
 * key (spec 11, 11.1).
 */

import { randomBytes } from "../crypto/webcrypto.js";
import { utf8 } from "../wire/bytes.js";
import { ALPHABET, normaliseCode } from "../wire/device_id.js";

export const LENGTH = 26;

/** A new one, in groups of five. @returns {string} */
export function newRecoveryKey() {
  const text = [...randomBytes(LENGTH)].map((byte) => ALPHABET[byte & 31]).join("");
  return text.match(/.{1,5}/g)?.join("-") ?? "";
}

/** Its secret, as somebody types it. Throws Error where it is none. @param {string} text @returns {Uint8Array} */
export function recoverySecret(text) {
  const typed = normaliseCode(text);
  if (typed.length !== LENGTH || [...typed].some((character) => !ALPHABET.includes(character))) {
    throw new Error(`A recovery key has ${LENGTH} letters and digits; this has ${typed.length}.`);
  }
  return utf8(typed);
}
