/**
 * LV(x), the length-value encoding that keeps concatenated inputs of hashes apart (spec 06-security, notation).
 */

import { concat } from "../wire/bytes.js";

/** Each part preceded by its length in unsigned LEB128, all concatenated. @param {...Uint8Array} parts @returns
 * {Uint8Array<ArrayBuffer>} */
export function lv(...parts) {
  return concat(...parts.flatMap((part) => [length(part.length), part]));
}

/** @param {number} size */
function length(size) {
  /** @type {number[]} */
  const out = [];
  let rest = size;
  for (; rest > 0x7f; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...out, rest]);
}
