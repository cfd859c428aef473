/**
 * Bytes joined, compared and written as text: what Python's `bytes` has built in.
 */

const ENCODER = new TextEncoder();

/** All parts, one after another. @param {...Uint8Array} parts @returns {Uint8Array<ArrayBuffer>} */
export function concat(...parts) {
  let size = 0;
  for (const part of parts) size += part.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Whether both hold the same bytes; takes the same time wherever they differ. @param {Uint8Array} one @param
 * {Uint8Array} other */
export function equal(one, other) {
  if (one.length !== other.length) return false;
  let different = 0;
  for (let at = 0; at < one.length; at++) different |= one[at] ^ other[at];
  return different === 0;
}

/** Text in UTF-8. @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function utf8(text) {
  return ENCODER.encode(text);
}

/** A big-endian unsigned integer of `size` bytes. @param {number | bigint} value @param {number} size @returns
 * {Uint8Array<ArrayBuffer>} */
export function bigEndian(value, size) {
  const out = new Uint8Array(size);
  let rest = BigInt(value);
  for (let at = size - 1; at >= 0; at--) {
    out[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return out;
}

/** The integer of big-endian bytes. @param {Uint8Array} bytes @returns {bigint} */
export function fromBigEndian(bytes) {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
