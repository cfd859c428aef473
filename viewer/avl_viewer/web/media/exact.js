/**
 * Objects of exact pixels: rectangles of a desktop as they travel inside the seal (spec 05-media, 5.7.1).
 *
 * Only the form is read here. What is in the compressed frame is the affair of who has a canvas.
 */

import { Reader } from "../wire/buffer.js";
import { RemoteProtocolError } from "../wire/errors.js";
import { CELL, CLOSE, EXACT_CODING, MAX } from "../wire/registry.js";
import { checkSize } from "./bounds.js";

const KEY = 1;
const SETTLED = 2;
const COLOUR = 3;
const PIXEL = 4;

/**
 * @typedef {import("./preamble.js").Rect} Rect
 *
 * @typedef {object} ExactRect  One rectangle.
 * @property {Rect} rect
 * @property {number} coding
 * @property {Uint8Array} colours  of SOLID and PALETTE, three bytes each: blue, green, red
 * @property {{ x: number, y: number }} source  the left and upper edge of what COPY copies
 * @property {number} stride  bytes of one row in the decompressed frame
 * @property {number} size  bytes that it takes there
 *
 * @typedef {object} Exact  One object. Times in microseconds of the host's clock, `width` and `height` of the desktop.
 * @property {number} capturedUs
 * @property {number} inputEchoUs
 * @property {number} width
 * @property {number} height
 * @property {ExactRect[]} rects
 * @property {Uint8Array} pixels  the compressed frame
 * @property {boolean} settled
 * @property {number} size  bytes that the frame decompresses to
 */

/** Bits of an index into so many colours. @param {number} colours */
export function indexBits(colours) {
  return colours <= 2 ? 1 : colours <= 4 ? 2 : colours <= 16 ? 4 : 8;
}

/** Whether a rectangle is not empty, lies within a desktop, and begins and ends at cells or at the desktop's edge.
 * @param {Rect} rect @param {number} width @param {number} height */
export function onCells({ x, y, width: across, height: down }, width, height) {
  const [right, bottom] = [x + across, y + down];
  const ends = (/** @type {number} */ edge, /** @type {number} */ last) => edge % CELL === 0 || edge === last;
  return across > 0 && down > 0 && right <= width && bottom <= height && x % CELL === 0 && y % CELL === 0 && ends(right, width) && ends(bottom, height);
}

/** An object that keeps the rules of 5.7.1, as far as they can be told before its pixels are decompressed. Throws
 * RemoteProtocolError(SESSION_PROTOCOL), and Refused(TOO_LARGE) for a desktop that no viewer takes.
 * @param {Uint8Array} plaintext @returns {Exact} */
export function decode(plaintext) {
  const reader = new Reader(plaintext, CLOSE.SESSION_PROTOCOL);
  const bits = reader.uint(1);
  const [capturedUs, inputEchoUs, width, height, count] = [reader.integer(), reader.integer(), reader.integer(), reader.integer(), reader.integer()];
  if (!(bits & KEY) || !(count > 0 && count <= MAX.EXACT_RECTS)) fail("no key object, or too many rectangles");
  checkSize(width, height);
  const rects = Array.from({ length: count }, () => read(reader, width, height));
  const packed = rects.filter(({ size }) => size);
  if (packed.reduce((sum, { rect }) => sum + rect.width * rect.height, 0) > width * height) fail("more pixels than the desktop has");
  const pixels = reader.rest();
  if (Boolean(pixels.length) !== Boolean(packed.length)) fail("pixels that no rectangle needs, or none");
  const size = packed.reduce((sum, one) => sum + one.size, 0);
  return { capturedUs, inputEchoUs, width, height, rects, pixels, settled: Boolean(bits & SETTLED), size };
}

const NO_COLOURS = new Uint8Array(0);
const NOWHERE = { x: 0, y: 0 };

/** @param {Reader} reader @param {number} width @param {number} height @returns {ExactRect} */
function read(reader, width, height) {
  const rect = { x: reader.integer(), y: reader.integer(), width: reader.integer(), height: reader.integer() };
  if (!onCells(rect, width, height)) fail("a rectangle is off the desktop or off its cells");
  const coding = reader.uint(1);
  /** @type {Uint8Array} */
  let colours = NO_COLOURS;
  let source = NOWHERE;
  let stride = 0;
  if (coding === EXACT_CODING.SOLID) {
    colours = reader.take(COLOUR);
  } else if (coding === EXACT_CODING.COPY) {
    source = { x: reader.integer(), y: reader.integer() };
    if (source.x + rect.width > width || source.y + rect.height > height) fail("a copy from beyond the desktop");
  } else if (coding === EXACT_CODING.PALETTE) {
    colours = reader.take((reader.uint(1) + 1) * COLOUR);
    stride = (rect.width * indexBits(colours.length / COLOUR) + 7) >> 3;
  } else if (coding === EXACT_CODING.PLAIN) {
    stride = rect.width * PIXEL;
  } else {
    fail("an unknown coding");
  }
  return { rect, coding, colours, source, stride, size: stride * rect.height };
}

/** @param {string} text @returns {never} */
function fail(text) {
  throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, `exact pixels: ${text}`);
}
