/**
 * Variable-length integers of RFC 9000, section 16: 1, 2, 4 or 8 bytes, always written in the shortest form.
 *
 * Nothing that travels needs more than the 53 bits that a number holds exactly: larger values are refused here.
 */

import { LocalProtocolError, RemoteProtocolError } from "./errors.js";
import { CLOSE } from "./registry.js";

export const MAX = Number.MAX_SAFE_INTEGER;

/** Bytes that `value` takes. @param {number} value */
export function size(value) {
  if (value < 0x40) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x40000000) return 4;
  return 8;
}

/** The shortest encoding. Throws LocalProtocolError unless `value` is an integer from 0 to MAX.
 * @param {number} value @returns {Uint8Array<ArrayBuffer>} */
export function encode(value) {
  if (!Number.isSafeInteger(value) || value < 0) throw new LocalProtocolError(`${value} does not fit a variable-length integer`);
  const length = size(value);
  const out = new Uint8Array(length);
  let rest = value;
  for (let at = length - 1; at >= 0; at--) {
    out[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  out[0] |= Math.log2(length) << 6;
  return out;
}

/** The integer at `offset` and the offset behind it; null when the bytes end before it does.
 * Throws RemoteProtocolError(code) for more than 53 bits.
 * @param {Uint8Array} data @param {number} [offset] @param {number} [code] @returns {[number, number] | null} */
export function decode(data, offset = 0, code = CLOSE.PROTOCOL_ERROR) {
  if (offset >= data.length) return null;
  const end = offset + (1 << (data[offset] >> 6));
  if (end > data.length) return null;
  let value = data[offset] & 0x3f;
  for (let at = offset + 1; at < end; at++) value = value * 256 + data[at];
  if (value > MAX) throw new RemoteProtocolError(code, "an integer is out of range");
  return [value, end];
}
