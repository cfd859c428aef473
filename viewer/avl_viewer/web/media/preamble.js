/**
 * What stands before the bitstream inside the seal: when, where and on what a frame depends (spec 05-media, 5.3).
 */

import { Reader } from "../wire/buffer.js";
import { RemoteProtocolError } from "../wire/errors.js";
import { CHROMA, CLOSE, MAX } from "../wire/registry.js";

const KEY = 1;
const SETTLED = 2;

/**
 * @typedef {{ x: number, y: number, width: number, height: number }} Rect  In desktop pixels, from the top left.
 *
 * @typedef {object} Preamble  Times in microseconds of the host's clock. `codec`, `width`, `height` and `chroma` are
 * set on key objects only and hold for the group.
 * @property {boolean} key  whether the object can be decoded alone
 * @property {number} group
 * @property {number} capturedUs
 * @property {number} inputEchoUs  when the newest input applied before this capture was applied (0: none yet)
 * @property {number | null} depends  newest object this one needs, null for a key object
 * @property {boolean} settled  nothing better follows until the screen changes
 * @property {Rect[]} dirty  what changed; empty: any of it may have
 * @property {string} codec
 * @property {number} width
 * @property {number} height
 * @property {number} chroma
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
  if (key) {
    codec = String.fromCharCode(...reader.take(reader.uint(1)));
    width = reader.integer();
    height = reader.integer();
    chroma = reader.uint(1);
    if (/[^\x20-\x7e]/.test(codec)) fail("the codec is not named in ASCII");
    if (chroma !== CHROMA.YUV420 && chroma !== CHROMA.YUV444) fail("chroma sampling is unknown");
  } else {
    depends = reader.integer();
  }
  const count = reader.integer();
  if (count > MAX.DIRTY_RECTS) fail("too many rectangles");
  /** @type {Rect[]} */
  const dirty = [];
  for (let at = 0; at < count; at++) {
    dirty.push({ x: reader.integer(), y: reader.integer(), width: reader.integer(), height: reader.integer() });
  }
  return {
    preamble: {
      key, group, capturedUs, inputEchoUs, depends, settled: Boolean(flags & SETTLED), dirty, codec, width, height, chroma,
    },
    bitstream: reader.rest(),
  };
}

/** @param {string} text @returns {never} */
function fail(text) {
  throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, `preamble: ${text}`);
}
