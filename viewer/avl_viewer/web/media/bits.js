/**
 * Bits: what announces a picture at the beginning of a bitstream, read bit by bit, and the refusal of what is not as it
 * was announced (spec 05-media, 5.3).
 */

import { RemoteProtocolError } from "../wire/errors.js";
import { CLOSE } from "../wire/registry.js";

/** Bytes of a header that are read, and NAL units of an access unit; more are nobody's. */
export const LONGEST = 4096;
export const MOST_UNITS = 512;

/** Refuse a bitstream that is not what was announced. @returns {never} */
export function unlike() {
  throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "The host's video is not as it was announced. Update avl on the host.");
}

/** The bits of `data`, the highest of a byte first; past the end are ones, so that every number ends. */
export class Bits {
  /** @param {ArrayLike<number>} data */
  constructor(data) {
    this._bytes = data;
    this._at = 0;
  }

  /** The next `count` bits. @param {number} count */
  bits(count) {
    let value = 0;
    for (let done = 0; done < count; done++, this._at++) {
      const byte = this._bytes[this._at >> 3] ?? 0xff;
      value = value * 2 + ((byte >> (7 - (this._at & 7))) & 1);
    }
    return value;
  }

  /** The next bit as a flag. */
  flag() {
    return this.bits(1) === 1;
  }

  /** ue(v): an Exp-Golomb number of at most 32 bits (H.264, 9.1). Throws RemoteProtocolError. */
  number() {
    let zeros = 0;
    while (!this.bits(1)) if (++zeros > 32) unlike();
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v). */
  signed() {
    const number = this.number();
    return number % 2 ? (number + 1) / 2 : -number / 2;
  }
}

/** Where the next NAL unit begins, with its header; -1: nowhere. @param {Uint8Array} unit @param {number} from */
function start(unit, from) {
  for (let at = unit.indexOf(1, from + 2); at >= 0; at = unit.indexOf(1, at + 1)) {
    if (unit[at - 1] === 0 && unit[at - 2] === 0) return at + 1;
  }
  return -1;
}

/** Where the NAL units of an access unit in Annex B form begin, with their header. @param {Uint8Array} unit */
export function* units(unit) {
  for (let at = start(unit, 0); at >= 0 && at < unit.length; at = start(unit, at)) yield at;
}

/** The bits of a NAL unit up to the next one, without its emulation prevention (H.264, 7.4.1). @param {Uint8Array}
 * unit */
export function unescaped(unit) {
  /** @type {number[]} */
  const bytes = [];
  let zeros = 0;
  for (const byte of unit.subarray(0, LONGEST)) {
    if (zeros >= 2 && byte === 1) break;
    if (zeros >= 2 && byte === 3) zeros = 0;
    else {
      bytes.push(byte);
      zeros = byte === 0 ? zeros + 1 : 0;
    }
  }
  return new Bits(bytes);
}

/** Whether a side is coded as it was announced: an odd one may have one pixel more. @param {number} coded @param
 * {number} announced */
export function like(coded, announced) {
  return coded === announced || coded === announced + (announced % 2);
}
