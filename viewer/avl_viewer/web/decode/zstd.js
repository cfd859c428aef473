/**
 * Decompressor: one zstd frame (RFC 8878) -> the bytes that were announced, no more and no fewer.
 *
 * The program is zstddec's, WebAssembly that npm brings (hatch_build.py). Its own `decode` copies what comes out and
 * hides errors; called directly it needs half the time, since what it wrote is read where it lies.
 */

import { ZSTDDecoder } from "../vendor/zstddec/zstddec.mjs";
import { RemoteProtocolError } from "../wire/errors.js";
import { CLOSE } from "../wire/registry.js";

/**
 * @typedef {object} Program  What the WebAssembly offers; places and sizes in bytes of its memory.
 * @property {WebAssembly.Memory} memory
 * @property {(size: number) => number} malloc  0: there is no such room
 * @property {(place: number) => void} free
 * @property {(to: number, room: number, from: number, size: number) => number} ZSTD_decompress  bytes written, at most
 * `room`; below 0: an error
 */

/** Reused for one frame after the other. */
export class Decompressor {
  /** @param {Program} program */
  constructor(program) {
    this._program = program;
    this._input = { place: 0, size: 0 };
    this._output = { place: 0, size: 0 };
  }

  /** Load the program: some milliseconds, once. @returns {Promise<Decompressor>} */
  static async load() {
    return new Decompressor(await (loading ??= load()));
  }

  /** Bytes of our memory in use: the largest frame and the largest content so far. */
  get held() {
    return this._input.size + this._output.size;
  }

  /** The content of a frame, which the next call overwrites. Throws RemoteProtocolError(SESSION_PROTOCOL) where it is
   * not of this size, does not say so, is damaged, or something follows it.
   * @param {Uint8Array} frame @param {number} size  as announced, checked by the caller @returns {Uint8Array} */
  decompress(frame, size) {
    if (contentSize(frame) !== size || end(frame) !== frame.length) fail("not one frame of the size that was announced");
    const { memory, ZSTD_decompress } = this._program;
    const from = this._room(this._input, frame.length);
    const to = this._room(this._output, size);
    new Uint8Array(memory.buffer, from, frame.length).set(frame);
    const written = ZSTD_decompress(to, size, from, frame.length);
    if (written !== size) fail(written < 0 ? "damaged" : "not of the size that was announced");
    return new Uint8Array(memory.buffer, to, size);
  }

  /** Where there is room for as many bytes. @param {{ place: number, size: number }} kept @param {number} size */
  _room(kept, size) {
    if (kept.place && kept.size >= size) return kept.place;
    this._program.free(kept.place);
    kept.place = this._program.malloc(size);
    kept.size = kept.place ? size : 0;
    if (!kept.place) fail("more than there is room for");
    return kept.place;
  }
}

/** zstddec has one instance of it, whoever asks. @type {Promise<Program> | undefined} */
let loading;

/** @returns {Promise<Program>} */
async function load() {
  const decoder = new ZSTDDecoder();
  const made = decoder._init;
  return new Promise((resolve, reject) => {
    decoder._init = (/** @type {WebAssembly.WebAssemblyInstantiatedSource} */ result) => {
      made(result);
      resolve(/** @type {Program} */ (/** @type {unknown} */ (result.instance.exports)));
    };
    decoder.init().catch(reject);
  });
}

const MAGIC = 0xfd2fb528;
const HEAD = 5;
/** Block types of which one byte stands for all; bytes of a block's header, and of the checksum behind the last. */
const REPEATED = 1;
const BLOCK_HEAD = 3;
const CHECKSUM = 4;

/** What a frame's descriptor tells: whether a window's size stands behind it, and bytes of the dictionary's number and
 * of the content's size. @param {number} descriptor */
function layout(descriptor) {
  const single = Boolean(descriptor & 0x20);
  const [dictionary, content] = [[0, 1, 2, 4][descriptor & 3], [single ? 1 : 0, 2, 4, 8][descriptor >> 6]];
  return { window: single ? 0 : 1, dictionary, content };
}

/** The size that a frame names; -1: none, or it is no frame. @param {Uint8Array} frame */
function contentSize(frame) {
  if (frame.length < HEAD || word(frame, 0, 4) !== MAGIC) return -1;
  const { window, dictionary, content } = layout(frame[4]);
  const at = HEAD + window + dictionary;
  if (!content || frame.length < at + content) return -1;
  return word(frame, at, content) + (content === 2 ? 256 : 0);
}

/** Where a frame ends that has a head: past its own end if it is cut short. @param {Uint8Array} frame */
function end(frame) {
  const { window, dictionary, content } = layout(frame[4]);
  let at = HEAD + window + dictionary + content;
  for (let last = false; !last; ) {
    if (at + BLOCK_HEAD > frame.length) return Infinity;
    const head = word(frame, at, BLOCK_HEAD);
    last = Boolean(head & 1);
    at += BLOCK_HEAD + (((head >> 1) & 3) === REPEATED ? 1 : head >> 3);
  }
  return at + (frame[4] & 4 ? CHECKSUM : 0);
}

/** A little-endian number. @param {Uint8Array} data @param {number} at @param {number} size */
function word(data, at, size) {
  let value = 0;
  for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + data[at + byte];
  return value;
}

/** @param {string} text @returns {never} */
function fail(text) {
  throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, `pixels: ${text}`);
}
