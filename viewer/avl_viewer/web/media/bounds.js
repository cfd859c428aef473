/**
 * Bounds: how large a desktop and its pictures may be, read from what announces them, before anything is allocated
 * (spec 05-media, 5.3).
 *
 * A decoder believes the bitstream, not the preamble: a few bytes of a sequence parameter set make it allocate whatever
 * they say, and a few more begin another picture. So both are read here first (ITU-T H.264, 7.3 and annex B).
 */

import { Refused, RemoteProtocolError } from "../wire/errors.js";
import { CHROMA, CLOSE, MAX } from "../wire/registry.js";

/** NAL unit types: slices of a picture, and the sequence parameter set. */
const SLICES = [1, 5];
const PARAMETERS = 7;
/** Profiles whose sequence parameter sets tell chroma, bit depth and scaling lists (H.264, 7.3.2.1.1). */
const HIGH = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
/** Bytes of a sequence parameter set that are read, and NAL units of an access unit; more are nobody's. */
const LONGEST = 4096;
const MOST_UNITS = 512;
const MACROBLOCK = 16;

/** Throw Refused(TOO_LARGE) for a desktop or a picture that has no pixels or too many. @param {number} width @param
 * {number} height */
export function checkSize(width, height) {
  const side = (/** @type {number} */ length) => Number.isInteger(length) && length > 0 && length <= MAX.PICTURE_SIDE;
  if (!(side(width) && side(height) && width * height <= MAX.PICTURE_PIXELS)) throw new Refused(CLOSE.TOO_LARGE);
}

/** Look through an access unit in Annex B form of a picture announced as `width` x `height`.
 *
 * Throws RemoteProtocolError(SESSION_PROTOCOL) where a parameter set says otherwise or there is more than one picture.
 * What is no H.264 at all passes: the decoder refuses it without allocating anything.
 * @param {Uint8Array} unit @param {number} width @param {number} height @param {number} chroma */
export function checkBitstream(unit, width, height, chroma) {
  let pictures = 0;
  let count = 0;
  for (let at = start(unit, 0); at >= 0 && at < unit.length; at = start(unit, at)) {
    const kind = unit[at] & 0x1f;
    if (SLICES.includes(kind)) pictures += unit[at + 1] >= 0x80 ? 1 : 0; // first_mb_in_slice is 0
    else if (kind === PARAMETERS) checkParameters(new Bits(unit.subarray(at + 1, at + 1 + LONGEST)), width, height, chroma);
    if (pictures > 1 || count >= MOST_UNITS) unlike();
    count++;
  }
}

/** Where the next NAL unit begins, with its header; -1: nowhere. @param {Uint8Array} unit @param {number} from */
function start(unit, from) {
  for (let at = unit.indexOf(1, from + 2); at >= 0; at = unit.indexOf(1, at + 1)) {
    if (unit[at - 1] === 0 && unit[at - 2] === 0) return at + 1;
  }
  return -1;
}

/** Bits of a NAL unit without its emulation prevention; past the end are ones, so that every number ends. */
class Bits {
  /** @param {Uint8Array} data */
  constructor(data) {
    /** @type {number[]} */
    const bytes = [];
    let zeros = 0;
    for (const byte of data) {
      if (zeros >= 2 && byte === 1) break;
      if (zeros >= 2 && byte === 3) zeros = 0;
      else {
        bytes.push(byte);
        zeros = byte === 0 ? zeros + 1 : 0;
      }
    }
    this._bytes = bytes;
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

  /** ue(v): an Exp-Golomb number of at most 32 bits. Throws RemoteProtocolError. */
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

/** Read a sequence parameter set up to its frame cropping (H.264, 7.3.2.1.1).
 * @param {Bits} bits @param {number} width @param {number} height @param {number} chroma */
function checkParameters(bits, width, height, chroma) {
  const [idc, across, down] = chroma === CHROMA.YUV444 ? [3, 1, 1] : [1, 2, 2];
  const profile = bits.bits(8);
  bits.bits(16);
  bits.number();
  let [format, deep] = [1, false];
  if (HIGH.includes(profile)) {
    format = bits.number();
    const separate = format === 3 && bits.bits(1) === 1;
    const [luma, colour] = [bits.number(), bits.number()];
    deep = separate || luma > 0 || colour > 0;
    bits.bits(1);
    if (bits.bits(1)) {
      for (let index = 0; index < (format === 3 ? 12 : 8); index++) if (bits.bits(1)) skipScalingList(bits, index < 6 ? 16 : 64);
    }
  }
  bits.number();
  const order = bits.number();
  if (order === 0) bits.number();
  else if (order === 1) {
    bits.bits(1);
    bits.signed();
    bits.signed();
    for (let left = Math.min(bits.number(), 256); left > 0; left--) bits.signed();
  }
  const references = bits.number();
  bits.bits(1);
  const codedWidth = (bits.number() + 1) * MACROBLOCK;
  const units = bits.number() + 1;
  const fields = bits.bits(1) ? 1 : 2;
  if (fields === 2) bits.bits(1);
  bits.bits(1);
  const codedHeight = units * fields * MACROBLOCK;
  const [left, right, top, bottom] = bits.bits(1) ? [bits.number(), bits.number(), bits.number(), bits.number()] : [0, 0, 0, 0];
  const cutX = (left + right) * across;
  const cutY = (top + bottom) * down * fields;
  const fits =
    like(codedWidth - cutX, width) && like(codedHeight - cutY, height) && cutX < MACROBLOCK && cutY < MACROBLOCK * fields;
  if (!fits || format !== idc || deep || references > MAX.PICTURE_REFERENCES) unlike();
}

/** Whether a side is coded as it was announced: an odd one may have one pixel more. @param {number} coded @param
 * {number} announced */
function like(coded, announced) {
  return coded === announced || coded === announced + (announced % 2);
}

/** @param {Bits} bits @param {number} size */
function skipScalingList(bits, size) {
  let [last, following] = [8, 8];
  for (let done = 0; done < size; done++) {
    if (following) following = (((last + bits.signed()) % 256) + 256) % 256;
    last = following || last;
  }
}

/** @returns {never} */
function unlike() {
  throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "The host's video is not as it was announced. Update avl on the host.");
}
