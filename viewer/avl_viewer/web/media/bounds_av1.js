/**
 * AV1's bounds: the units of an object, its sequence header, and the beginning of its one frame (AV1 Bitstream &
 * Decoding Process Specification, 5.3 to 5.9; spec 05-media, 5.3).
 *
 * Only the plainest form is taken: one operating point, no timing, no frame numbers, no film grain, no size but that of
 * the sequence. Then a frame's size and the count of frames follow from a few bits, whatever came before.
 */

import { CHROMA } from "../wire/registry.js";
import { Bits, LONGEST, like, unlike } from "./bits.js";

/** Unit types (6.2.2). */
const SEQUENCE = 1;
const DELIMITER = 2;
const FRAME = 6;
/** Frame types (6.8.2). */
const KEY = 0;
const INTER = 1;
/** color_primaries, transfer_characteristics and matrix_coefficients that make a picture RGB. */
const RGB = [1, 13, 0];

/** Look through the units of an object. Throws RemoteProtocolError where they are not what was announced.
 * @param {Uint8Array} unit @param {number} width @param {number} height @param {number} chroma @param {boolean} key */
export function check(unit, width, height, chroma, key) {
  if (chroma !== CHROMA.YUV420) unlike();
  let at = 0;
  /** @type {number[]} */
  const kinds = [];
  while (at < unit.length) {
    const header = unit[at];
    const kind = header >> 3;
    const [size, begin] = sizeAt(unit, at + 1);
    at = begin + size;
    // forbidden bit, extension and reserved bit are 0, and each unit says how long it is
    if ((header & 0x87) !== 2 || at > unit.length || kinds.length > 2) unlike();
    const bits = new Bits(unit.subarray(begin, Math.min(at, begin + LONGEST)));
    if (kind === SEQUENCE) checkSequence(bits, width, height);
    else if (kind === FRAME) checkFrame(bits, key);
    else if (kind !== DELIMITER || size) unlike();
    kinds.push(kind);
  }
  if (kinds[0] === DELIMITER) kinds.shift();
  if (kinds[0] === SEQUENCE) kinds.shift();
  else if (key) unlike();
  if (kinds.length !== 1 || kinds[0] !== FRAME) unlike();
}

/** leb128() at a place, of at most 4 bytes, and where it ends. @param {Uint8Array} unit @param {number} at
 * @returns {[number, number]} */
function sizeAt(unit, at) {
  let value = 0;
  for (let index = 0; index < 4 && at + index < unit.length; index++) {
    const byte = unit[at + index];
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (!(byte & 0x80)) return [value, at + index + 1];
  }
  return unlike();
}

/** Read a sequence header up to its film grain (5.5.1). @param {Bits} bits @param {number} width @param {number}
 * height */
function checkSequence(bits, width, height) {
  // seq_profile, still_picture, reduced_still_picture_header, timing_info_present_flag,
  // initial_display_delay_present_flag, operating_points_cnt_minus_1, operating_point_idc
  let plain = bits.bits(3 + 1 + 1 + 1 + 1 + 5 + 12) === 0;
  if (bits.bits(5) > 7) bits.bits(1); // seq_tier
  const [across, down] = [bits.bits(4) + 1, bits.bits(4) + 1];
  const [codedWidth, codedHeight] = [bits.bits(across) + 1, bits.bits(down) + 1];
  plain = !bits.flag() && plain; // frame_id_numbers_present_flag
  bits.bits(3 + 4);
  const ordered = bits.flag();
  if (ordered) bits.bits(2);
  // Both are chosen by each frame, so that its header reads the same whatever came before.
  plain = bits.bits(2) === 3 && plain;
  if (ordered) bits.bits(3);
  plain = !bits.flag() && plain; // enable_superres
  bits.bits(2);
  plain = bits.bits(2) === 0 && plain; // high_bitdepth, mono_chrome
  if (bits.flag()) {
    const colours = [bits.bits(8), bits.bits(8), bits.bits(8)];
    plain = colours.some((value, index) => value !== RGB[index]) && plain;
  }
  bits.bits(1 + 2 + 1); // color_range, chroma_sample_position, separate_uv_delta_q
  plain = !bits.flag() && plain; // film_grain_params_present
  if (!plain || !like(codedWidth, width) || !like(codedHeight, height)) unlike();
}

/** Read a frame header up to frame_size_override_flag (5.9.2). @param {Bits} bits @param {boolean} key */
function checkFrame(bits, key) {
  const existing = bits.flag();
  const kind = bits.bits(2);
  const shown = bits.flag();
  if (existing || !shown || (kind !== KEY && (key || kind !== INTER))) unlike();
  if (kind !== KEY) bits.bits(1); // error_resilient_mode
  bits.bits(1); // disable_cdf_update
  if (bits.flag()) bits.bits(1); // allow_screen_content_tools: force_integer_mv
  if (bits.flag()) unlike(); // frame_size_override_flag
}
