/**
 * VP9's bounds: the uncompressed header of the one frame that an object holds (VP9 Bitstream & Decoding Process
 * Specification, 6.2 and annex B; spec 05-media, 5.3).
 *
 * A frame does not say where it ends, and some decoders take what follows for another one. So the superframe index at
 * the end of the object, which names this one frame alone, is required, and no decoder looks any further.
 */

import { CHROMA, MAX } from "../wire/registry.js";
import { Bits, like, unlike } from "./bits.js";

/** Profiles of 8 bits by chroma. @type {Record<number, number>} */
const PROFILES = { [CHROMA.YUV420]: 0, [CHROMA.YUV444]: 1 };
/** Bytes that are read of a frame: its uncompressed header takes less up to the size. */
const HEADER = 32;
const MARKER = 2;
const SYNC_CODE = 0x498342;
const RGB = 7;
/** Slots that later frames may fill; the others keep the key frame. */
const FILLED = (1 << MAX.PICTURE_REFERENCES) - 1;

/** Look at the header of an object's frame. Throws RemoteProtocolError where it is not what was announced.
 * @param {Uint8Array} unit @param {number} width @param {number} height @param {number} chroma @param {boolean} key */
export function check(unit, width, height, chroma, key) {
  const bits = new Bits(onlyFrame(unit).subarray(0, HEADER));
  const marker = bits.bits(2);
  const profile = bits.bits(1) + 2 * bits.bits(1);
  if (marker !== MARKER || profile !== PROFILES[chroma]) unlike();
  if (bits.flag()) unlike(); // show_existing_frame: no frame of ours
  const [inter, shown, resilient] = [bits.flag(), bits.flag(), bits.flag()];
  if (!shown || (key && inter)) unlike();
  if (inter) checkInter(bits, width, height, resilient);
  else checkKey(bits, width, height, chroma);
}

/** The frame without its superframe index. @param {Uint8Array} unit */
function onlyFrame(unit) {
  const marker = unit[unit.length - 1] ?? 0;
  const length = ((marker >> 3) & 3) + 1;
  const size = unit.length - length - 2;
  if ((marker & 0xe7) !== 0xc0 || size < 1 || unit[size] !== marker) unlike();
  let told = 0;
  for (let at = size + length; at > size; at--) told = told * 256 + unit[at];
  if (told !== size) unlike();
  return unit.subarray(0, size);
}

/** @param {Bits} bits @param {number} width @param {number} height @param {number} chroma */
function checkKey(bits, width, height, chroma) {
  if (bits.bits(24) !== SYNC_CODE || bits.bits(3) === RGB) unlike();
  bits.bits(1); // color_range
  if (chroma === CHROMA.YUV444 && bits.bits(3)) unlike(); // subsampled across, down; reserved
  checkSize(bits, width, height, true);
}

/** @param {Bits} bits @param {number} width @param {number} height @param {boolean} resilient */
function checkInter(bits, width, height, resilient) {
  if (!resilient) bits.bits(2); // reset_frame_context
  if (bits.bits(8) & ~FILLED) unlike();
  bits.bits(12); // three references and their signs
  // A size taken over from a reference is that of the group: a key frame fills every slot.
  checkSize(bits, width, height, !(bits.flag() || bits.flag() || bits.flag()));
}

/** @param {Bits} bits @param {number} width @param {number} height @param {boolean} sized */
function checkSize(bits, width, height, sized) {
  if (sized && !(like(bits.bits(16) + 1, width) && like(bits.bits(16) + 1, height))) unlike();
  if (bits.flag()) unlike(); // render_and_frame_size_different
}
