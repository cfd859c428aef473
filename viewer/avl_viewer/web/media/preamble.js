/**
 * What stands before the bitstream inside the seal: when, where and on what a frame depends (spec 05-media, 5.3).
 */

import { Reader } from "../wire/buffer.js";
import { RemoteProtocolError } from "../wire/errors.js";
import { CHROMA, CLOSE, MAX } from "../wire/registry.js";
import { fits } from "./bounds.js";
import { onCells } from "./exact.js";

const KEY = 1;
const NOWHERE = { x: 0, y: 0, width: 0, height: 0 };

/**
 * @typedef {{ x: number, y: number, width: number, height: number }} Rect  In desktop pixels, from the top left.
 *
 * @typedef {object} Preamble  Times in microseconds of the host's clock. From `codec` on set on key objects only; holds
 * for the group.
 * @property {boolean} key  whether the object can be decoded alone
 * @property {number} group
 * @property {number} capturedUs
 * @property {number} inputEchoUs  when the newest input applied before this capture was applied (0: none yet)
 * @property {number | null} depends  newest object this one needs, null for a key object
 * @property {Rect[]} dirty  what of the desktop is to be shown from this picture
 * @property {string} codec
 * @property {number} width  of the picture, as `height`
 * @property {number} height
 * @property {number} chroma
 * @property {[number, number]} desktop  width and height
 * @property {Rect} place  what of the desktop the picture is of
 */

/** Preamble and bitstream. Throws RemoteProtocolError(SESSION_PROTOCOL).
 * @param {Uint8Array} plaintext @returns {{ preamble: Preamble, bitstream: Uint8Array }} */
export function decode(plaintext) {
  const reader = new Reader(plaintext, CLOSE.SESSION_PROTOCOL);
  const flags = reader.uint(1);
  const key = Boolean(flags & KEY);
  const group = reader.integer();
  const capturedUs = reader.integer();
  const inputEchoUs = reader.integer();
  let depends = null;
  let codec = "";
  let width = 0;
  let height = 0;
  /** @type {number} */
  let chroma = CHROMA.YUV420;
  /** @type {[number, number]} */
  let desktop = [0, 0];
  /** @type {Rect} */
  let place = NOWHERE;
  if (key) {
    codec = String.fromCharCode(...reader.take(reader.uint(1)));
    width = reader.integer();
    height = reader.integer();
    chroma = reader.uint(1);
    if (/[^\x20-\x7e]/.test(codec)) fail("the codec is not named in ASCII");
    if (chroma !== CHROMA.YUV420 && chroma !== CHROMA.YUV444) fail("chroma sampling is unknown");
    desktop = [reader.integer(), reader.integer()];
    place = rect(reader);
    if (fits(...desktop) && !onCells(place, ...desktop)) fail("a picture of what is no part of the desktop");
  } else {
    depends = reader.integer();
  }
  const count = reader.integer();
  if (count > MAX.DIRTY_RECTS) fail("too many rectangles");
  const dirty = Array.from({ length: count }, () => rect(reader));
  return {
    preamble: { key, group, capturedUs, inputEchoUs, depends, dirty, codec, width, height, chroma, desktop, place },
    bitstream: reader.rest(),
  };
}

/** @param {Reader} reader @returns {Rect} */
function rect(reader) {
  return { x: reader.integer(), y: reader.integer(), width: reader.integer(), height: reader.integer() };
}

/** Whether a picture of a group keeps to its place: rectangles at cells, within it. @param {Preamble} preamble @param
 * {Preamble} group */
export function shows(preamble, { desktop, place }) {
  return preamble.dirty.every(
    (one) =>
      onCells(one, ...desktop) && place.x <= one.x && place.y <= one.y &&
      one.x + one.width <= place.x + place.width && one.y + one.height <= place.y + place.height,
  );
}

/** @param {string} text @returns {never} */
function fail(text) {
  throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, `preamble: ${text}`);
}
