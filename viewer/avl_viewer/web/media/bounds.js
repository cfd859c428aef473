/**
 * Bounds: how large a desktop and its pictures may be, read from what announces them, before anything is allocated
 * (spec 05-media, 5.3).
 *
 * A decoder believes the bitstream, not the preamble: a few bytes of a header make it allocate whatever they say, and a
 * few more begin another picture. So both are read here first, by the rules of each codec (`bounds_h264` and its
 * neighbours).
 */

import { Refused } from "../wire/errors.js";
import { CLOSE, CODEC, MAX } from "../wire/registry.js";
import { unlike } from "./bits.js";
import * as av1 from "./bounds_av1.js";
import * as h264 from "./bounds_h264.js";
import * as h265 from "./bounds_h265.js";
import * as vp9 from "./bounds_vp9.js";

/** What RFC 6381 calls the codecs, up to the first full stop. */
const NAMES = new Map([["avc1", CODEC.H264], ["hev1", CODEC.H265], ["vp09", CODEC.VP9], ["av01", CODEC.AV1]]);
/** What looks through the bitstream of each. @type {Map<number, (unit: Uint8Array, width: number, height: number, chroma:
 * number, key: boolean) => void>} */
const CHECKS = new Map([[CODEC.H264, h264.check], [CODEC.H265, h265.check], [CODEC.VP9, vp9.check], [CODEC.AV1, av1.check]]);

/** Whether viewers take a desktop or a picture of this size: it has pixels, and not too many. @param {number} width @param
 * {number} height */
export function fits(width, height) {
  const side = (/** @type {number} */ length) => Number.isInteger(length) && length > 0 && length <= MAX.PICTURE_SIDE;
  return side(width) && side(height) && width * height <= MAX.PICTURE_PIXELS;
}

/** Throw Refused(TOO_LARGE) for a desktop or a picture that has no pixels or too many. @param {number} width @param
 * {number} height */
export function checkSize(width, height) {
  if (!fits(width, height)) throw new Refused(CLOSE.TOO_LARGE);
}

/** The codec of an RFC 6381 string. Throws RemoteProtocolError(SESSION_PROTOCOL) where it is none of ours. @param
 * {string} name @returns {number} */
export function codecOf(name) {
  return NAMES.get(name.split(".", 1)[0]) ?? unlike();
}

/** Look through the bitstream of an object of a group whose key object had this preamble; `key`: of that very one.
 *
 * Throws RemoteProtocolError(SESSION_PROTOCOL) where it says otherwise, or there is more than one picture.
 * @param {Uint8Array} unit @param {{ codec: string, width: number, height: number, chroma: number }} group
 * @param {boolean} key */
export function checkBitstream(unit, { codec, width, height, chroma }, key) {
  CHECKS.get(codecOf(codec))?.(unit, width, height, chroma, key);
}
