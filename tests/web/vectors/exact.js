/**
 * Exact pixels against the vectors: what objects say, which are dropped, stories of a canvas, and of what a viewer
 * lacks.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { Canvas } from "../../../viewer/avl_viewer/web/decode/canvas.js";
import { Decompressor } from "../../../viewer/avl_viewer/web/decode/zstd.js";
import { decode } from "../../../viewer/avl_viewer/web/media/exact.js";
import { Gaps } from "../../../viewer/avl_viewer/web/media/gaps.js";
import { Refused, RemoteProtocolError } from "../../../viewer/avl_viewer/web/wire/errors.js";
import { CLOSE, EXACT_CODING } from "../../../viewer/avl_viewer/web/wire/registry.js";
import { bytes, hex, same } from "./notation.js";

/** @typedef {import("../../../viewer/avl_viewer/web/media/preamble.js").Rect} Rect */

/** @param {number[]} sides @returns {Rect} */
const rect = ([x, y, width, height]) => ({ x, y, width, height });
/** @param {Rect} of */
const sides = ({ x, y, width, height }) => [x, y, width, height];
/** @type {Record<number, string>} */
const CODINGS = Object.fromEntries(Object.entries(EXACT_CODING).map(([name, number]) => [number, name]));

/** What an object says, as the vectors tell it. @param {Uint8Array} plaintext */
function told(plaintext) {
  const { capturedUs, inputEchoUs, settled, width, height, size, rects } = decode(plaintext);
  return {
    captured_us: capturedUs,
    input_echo_us: inputEchoUs,
    settled,
    size: [width, height],
    bytes: size,
    rects: rects.map(({ rect: of, coding, colours, source }) => ({
      rect: sides(of),
      coding: CODINGS[coding],
      ...(colours.length ? { colours: hex(colours) } : {}),
      ...(coding === EXACT_CODING.COPY ? { source: [source.x, source.y] } : {}),
    })),
  };
}

/** The code of the error that a call throws; null: none. @param {() => void} call */
function failure(call) {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof RemoteProtocolError || error instanceof Refused) return error.code;
    throw error;
  }
}

/** A canvas, and what a screen shows of it: blue, green and red of each pixel. */
class Screen {
  /** @param {Decompressor} decompressor */
  constructor(decompressor) {
    this.canvas = new Canvas(decompressor);
    this._generation = -1;
    this._pixels = new Uint8Array(0);
  }

  /** @param {Rect[]} parts @param {(at: number) => number[]} colour  of the pixel with this number */
  _draw(parts, colour) {
    const { width, height, generation } = this.canvas;
    if (generation !== this._generation) [this._generation, this._pixels] = [generation, new Uint8Array(width * height * 3)];
    for (const part of parts) {
      for (let y = part.y; y < part.y + part.height; y++) {
        for (let x = part.x; x < part.x + part.width; x++) this._pixels.set(colour(y * width + x), (y * width + x) * 3);
      }
    }
  }

  /** Show an object; whether all of it could be used. @param {Uint8Array} plaintext @param {boolean} complete */
  show(plaintext, complete) {
    const object = { track: 2, number: 0, exact: decode(plaintext), size: 0, complete, first: 0, last: 0, opened: 0 };
    const shown = this.canvas.show(object);
    const { words } = this.canvas;
    this._draw(shown.changed, (at) => [(words[at] >>> 16) & 255, (words[at] >>> 8) & 255, words[at] & 255]);
    return shown.complete;
  }

  /** Show a picture of one colour. @param {any} shown */
  picture({ desktop, captured_us: capturedUs, rects, colour }) {
    const frame = /** @type {any} */ ({ preamble: { capturedUs }, desktop, place: rect([0, 0, ...desktop]) });
    this.canvas.note({ close() {} }, frame, rects.map(rect));
    for (let job = this.canvas.job(); job; job = this.canvas.job()) this._draw(job.taken(), () => [...bytes(colour)]);
  }

  async seen() {
    const { width, height, exact } = this.canvas;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (this._pixels)));
    return { size: [width, height], pixels: hex(digest), exact: Math.round(exact * width * height) };
  }
}

/** @param {any} vectors @returns {Check[]} */
export function exacts(vectors) {
  return [
    ["objects of exact pixels say what they say", async () => {
      const decompressor = await Decompressor.load();
      for (const { why, plaintext, ...expected } of vectors.valid) {
        same(told(bytes(plaintext)), expected, why);
        same(failure(() => new Screen(decompressor).show(bytes(plaintext), true)), null, why);
      }
    }],
    ["objects that are not of this form are dropped, before or after they are unpacked", async () => {
      const decompressor = await Decompressor.load();
      for (const { why, plaintext } of vectors.invalid) {
        same(failure(() => new Screen(decompressor).show(bytes(plaintext), true)), CLOSE.SESSION_PROTOCOL, why);
      }
      same(decompressor.held < 65_536, true, "memory of what was announced");
    }],
    ["a desktop that no viewer takes is refused", () => {
      for (const { why, plaintext } of vectors.too_large) same(failure(() => decode(bytes(plaintext))), CLOSE.TOO_LARGE, why);
    }],
    ...vectors.canvas.map((/** @type {any} */ { about, steps }) => [about, async () => {
      const screen = new Screen(await Decompressor.load());
      for (const { object, complete, used, picture, ...expected } of steps) {
        if (object) same(screen.show(bytes(object), complete), used, about);
        else screen.picture(picture);
        same(await screen.seen(), expected, about);
      }
    }]),
    ...vectors.gaps.map((/** @type {any} */ { about, first, steps }) => [`missing: ${about}`, () => {
      const gaps = new Gaps(first);
      /** @type {Record<string, (at: number, ...of: any[]) => any>} */
      const calls = {
        came: (at, number) => void gaps.came(number, at),
        told: (at, newest) => void gaps.told(newest, at),
        left_out: (at, number) => void gaps.leftOut(number, at),
        replaced: (at, rows) => void gaps.replaced(rows),
        due: (at, patience) => gaps.due(at, patience),
      };
      for (const { at, do: call, with: given, out, rows, newest } of steps) {
        same(calls[call](at, ...given), out, `${about}, ${at}: ${call}`);
        same([gaps.rows, gaps.newest], [rows, newest], `${about}, ${at}`);
      }
    }]),
  ];
}
