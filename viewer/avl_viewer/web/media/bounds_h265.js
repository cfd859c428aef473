/**
 * H.265's bounds: every sequence parameter set, and how many pictures there are (ITU-T H.265, 7.3 and annex B; spec
 * 05-media, 5.3).
 */

import { MAX } from "../wire/registry.js";
import { MOST_UNITS, like, unescaped, units, unlike } from "./bits.js";
import { FORMATS } from "./bounds_h264.js";

/** @typedef {import("./bits.js").Bits} Bits */

/** NAL unit types: slices are below the first, the sequence parameter set, and the last that means anything. */
const NO_SLICES = 32;
const PARAMETERS = 33;
const LAST = 40;
/** Pixels that a picture is coded in multiples of, at most. */
const BLOCK = 64;

/** Look through an access unit in Annex B form. Throws RemoteProtocolError where it is not what was announced.
 *
 * What is no H.265 at all passes: the decoder refuses it without allocating anything.
 * @param {Uint8Array} unit @param {number} width @param {number} height @param {number} chroma */
export function check(unit, width, height, chroma) {
  let pictures = 0;
  let count = 0;
  for (const at of units(unit)) {
    // A header that is cut short has the bits that it has.
    const header = at + 1 < unit.length ? unit[at] * 256 + unit[at + 1] : unit[at];
    const kind = (header >> 9) & 0x3f;
    const layer = (header >> 3) & 0x3f;
    if (kind < NO_SLICES) pictures += unit[at + 2] >= 0x80 ? 1 : 0; // first_slice_segment_in_pic_flag
    else if (kind === PARAMETERS) checkParameters(unescaped(unit.subarray(at + 2)), width, height, chroma);
    if (layer || kind > LAST || pictures > 1 || count >= MOST_UNITS) unlike();
    count++;
  }
}

/** Read a sequence parameter set up to the size of its decoded picture buffer (H.265, 7.3.2.2.1).
 * @param {Bits} bits @param {number} width @param {number} height @param {number} chroma */
function checkParameters(bits, width, height, chroma) {
  const [idc, across, down] = FORMATS[chroma];
  bits.bits(4);
  const layers = bits.bits(3); // sps_max_sub_layers_minus1
  bits.bits(1 + 96); // profile_tier_level of one layer
  bits.number();
  const format = bits.number();
  const separate = format === 3 && bits.flag();
  const [codedWidth, codedHeight] = [bits.number(), bits.number()];
  const [left, right, top, bottom] = bits.flag() ? [bits.number(), bits.number(), bits.number(), bits.number()] : [0, 0, 0, 0];
  const cutX = (left + right) * across;
  const cutY = (top + bottom) * down;
  const [luma, colour] = [bits.number(), bits.number()];
  bits.number();
  bits.bits(1);
  const references = bits.number(); // sps_max_dec_pic_buffering_minus1: besides the one being decoded
  const fits = like(codedWidth - cutX, width) && like(codedHeight - cutY, height) && cutX < BLOCK && cutY < BLOCK;
  if (!fits || layers || separate || luma || colour || format !== idc || references > MAX.PICTURE_REFERENCES) unlike();
}
