/**
 * HKDF over SHA-256 in its two halves (RFC 5869): Noise, the key schedule and SFrame each need them apart.
 */

import { concat } from "../wire/bytes.js";
import { hmac } from "./webcrypto.js";

export const HASH_BYTES = 32;

/** HKDF-Extract: the 32-byte pseudorandom key of a secret. An empty salt means 32 zero bytes.
 * @param {Uint8Array} salt @param {Uint8Array} secret */
export function extract(salt, secret) {
  return hmac(salt.length ? salt : new Uint8Array(HASH_BYTES), secret);
}

/** HKDF-Expand: `size` bytes (at most 8,160) bound to `info`.
 * @param {Uint8Array} key @param {Uint8Array} info @param {number} size @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function expand(key, info, size) {
  /** @type {Uint8Array[]} */
  const blocks = [];
  let block = new Uint8Array(0);
  for (let number = 1; (number - 1) * HASH_BYTES < size; number++) {
    block = await hmac(key, concat(block, info, Uint8Array.of(number)));
    blocks.push(block);
  }
  return concat(...blocks).slice(0, size);
}
