/**
 * H.264's bounds: every sequence parameter set, and how many pictures there are (ITU-T H.264, 7.3 and annex B; spec
 * 05-media, 5.3).
 */

import { CHROMA, MAX } from "../wire/registry.js";
import { MOST_UNITS, like, unescaped, units, unlike } from "./bits.js";

/** @typedef {import("./bits.js").Bits} Bits */

/** NAL unit types: slices of a picture, and the sequence parameter set. */
const SLICES = [1, 5];
const PARAMETERS = 7;
/** Profiles whose sequence parameter sets tell chroma, bit depth and scaling lists (H.264, 7.3.2.1.1). */
const HIGH = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
/** chroma_format_idc, and the samples of luma for one of chroma, across and down. @type {Record<number, number[]>} */
export const FORMATS = { [CHROMA.YUV420]: [1, 2, 2], [CHROMA.YUV444]: [3, 1, 1] };
const MACROBLOCK = 16;

/** Look through an access unit in Annex B form. Throws RemoteProtocolError where it is not what was announced.
 *
 * What is no H.264 at all passes: the decoder refuses it without allocating anything.
 * @param {Uint8Array} unit @param {number} width @param {number} height @param {number} chroma */
export function check(unit, width, height, chroma) {
  let pictures = 0;
  let count = 0;
  for (const at of units(unit)) {
    const kind = unit[at] & 0x1f;
    if (SLICES.includes(kind)) pictures += unit[at + 1] >= 0x80 ? 1 : 0; // first_mb_in_slice is 0
    else if (kind === PARAMETERS) checkParameters(unescaped(unit.subarray(at + 1)), width, height, chroma);
    if (pictures > 1 || count >= MOST_UNITS) unlike();
    count++;
  }
}

/** Read a sequence parameter set up to its frame cropping (H.264, 7.3.2.1.1).
 * @param {Bits} bits @param {number} width @param {number} height @param {number} chroma */
function checkParameters(bits, width, height, chroma) {
  const [idc, across, down] = FORMATS[chroma];
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

/** @param {Bits} bits @param {number} size */
function skipScalingList(bits, size) {
  let [last, following] = [8, 8];
  for (let done = 0; done < size; done++) {
    if (following) following = (((last + bits.signed()) % 256) + 256) % 256;
    last = following || last;
  }
}
