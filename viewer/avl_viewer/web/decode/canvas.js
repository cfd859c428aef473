/**
 * Canvas: one desktop composed of exact pixels and pictures; the newest capture wins, cell by cell (spec 05-media,
 * 5.7.2).
 *
 * It keeps what exact pixels show, since others may copy from there, and for each cell whose turn it is. Pictures are
 * noted and converted by who draws them: one that another replaces before that costs nothing.
 */

import { CELL, EXACT_CODING } from "../wire/registry.js";
import { unpacked, write } from "./unpack.js";

/**
 * @typedef {import("../media/preamble.js").Rect} Rect
 * @typedef {import("../session/media/receiver.js").ReceivedExact} ReceivedExact
 * @typedef {import("../session/media/receiver.js").ReceivedFrame} ReceivedFrame
 *
 * @typedef {object} Picture  One decoded picture, as WebCodecs has it.
 * @property {() => void} close
 *
 * @typedef {object} Noted  A picture that waits to be drawn. Those of one place, one behind the other, have one `turn`.
 * @property {any} picture
 * @property {ReceivedFrame} frame
 * @property {number} turn
 *
 * @typedef {object} Job  A picture to draw now.
 * @property {any} picture  to be closed by who takes it
 * @property {ReceivedFrame} frame
 * @property {Rect} box  around all that is wanted of it, in desktop pixels
 * @property {() => Rect[]} taken  what is wanted of it still, and from now on is drawn
 */

const NOTHING = 0;
const PICTURE = 1;
const EXACT = 2;

/** One desktop's. */
export class Canvas {
  /** @param {{ decompress: (frame: Uint8Array, size: number) => Uint8Array }} decompressor */
  constructor(decompressor) {
    this._decompressor = decompressor;
    /** Counts the replacements of `words` by others. */
    this.generation = 0;
    this.width = 0;
    this.height = 0;
    /** Exact pixels: opaque words with red in the lowest byte, row by row; where pictures are shown, what was before. */
    this.words = new Uint32Array(0);
    this._newest = -Infinity;
    this._columns = 0;
    this._captured = new Float64Array(0);
    this._source = new Uint8Array(0);
    /** Turns of the pictures that cells wait for; 0: for none. */
    this._waiting = new Uint32Array(0);
    this._turn = 0;
    /** @type {Noted[]} */
    this._noted = [];
  }

  /** @param {number} width @param {number} height */
  _resize(width, height) {
    this.width = width;
    this.height = height;
    this.words = new Uint32Array(width * height);
    this._columns = Math.ceil(width / CELL);
    const cells = this._columns * Math.ceil(height / CELL);
    this._captured = new Float64Array(cells).fill(-Infinity);
    this._source = new Uint8Array(cells);
    this._waiting = new Uint32Array(cells);
    this.close();
    this.generation++;
  }

  /** Let go of the pictures that wait. */
  close() {
    for (const { picture } of this._noted) picture.close();
    this._noted = [];
  }

  /** The share of the desktop's pixels that are exact, as far as has come. */
  get exact() {
    let pixels = 0;
    this._each({ x: 0, y: 0, width: this.width, height: this.height }, (cell, wide, high) => {
      if (this._source[cell] === EXACT) pixels += wide * high;
    });
    return pixels && pixels / (this.width * this.height);
  }

  /** Where exact pixels are shown. @returns {Rect[]} */
  get exactParts() {
    return this._runs({ x: 0, y: 0, width: this.width, height: this.height }, (cell) => this._source[cell] === EXACT);
  }

  /** Whether every pixel shows something. */
  get shown() {
    return this._source.length > 0 && this._source.every((source) => source !== NOTHING);
  }

  /** Have the size that an object is of; false where that is older than what is shown.
   * @param {number} width @param {number} height @param {number} captured */
  _follow(width, height, captured) {
    if (width !== this.width || height !== this.height) {
      if (captured <= this._newest) return false;
      this._resize(width, height);
    }
    this._newest = Math.max(this._newest, captured);
    return true;
  }

  /** Show exact pixels: what changed, to be drawn, and whether all of it could be shown or is older than what is there.
   * Throws RemoteProtocolError(SESSION_PROTOCOL) for what they are compressed in wrongly.
   * @param {ReceivedExact} received @returns {{ changed: Rect[], complete: boolean }} */
  show({ exact, complete: known }) {
    const bytes = unpacked(exact, this._decompressor);
    if (!this._follow(exact.width, exact.height, exact.capturedUs)) return { changed: [], complete: true };
    /** @type {Rect[]} */
    const changed = [];
    let complete = true;
    exact.rects.forEach((one, at) => {
      const copies = one.coding === EXACT_CODING.COPY;
      if (copies && !(known && this._known({ ...one.rect, ...one.source }, exact.capturedUs))) {
        complete = false;
        return;
      }
      const parts = this._runs(one.rect, (cell) => this._captured[cell] <= exact.capturedUs);
      if (!parts.length) return;
      if (parts.length === 1 && same(parts[0], one.rect)) {
        if (copies) this._move(one.source, one.rect);
        else write(one, bytes[at], this.words, one.rect.y * this.width + one.rect.x, this.width);
      } else {
        this._patch(one.rect, copies ? this._cut({ ...one.rect, ...one.source }) : apart(one, bytes[at]), parts);
      }
      for (const part of parts) this._stamp(part, exact.capturedUs);
      changed.push(...parts);
    });
    return { changed, complete };
  }

  /** Whether all cells that a rectangle touches show exact pixels that are no newer. @param {Rect} source @param {number}
   * captured */
  _known(source, captured) {
    let known = true;
    this._each(source, (cell) => (known &&= this._source[cell] === EXACT && this._captured[cell] <= captured));
    return known;
  }

  /** @param {Rect} rect @param {number} captured */
  _stamp(rect, captured) {
    this._each(rect, (cell) => {
      this._captured[cell] = captured;
      this._source[cell] = EXACT;
      this._waiting[cell] = 0;
    });
  }

  /** Copy within the desktop, though source and target overlap. @param {{ x: number, y: number }} source @param {Rect}
   * target */
  _move(source, target) {
    const { words, width } = this;
    const down = target.y > source.y; // then the last row first: none is written before it was read
    for (let done = 0; done < target.height; done++) {
      const row = down ? target.height - 1 - done : done;
      const from = (source.y + row) * width + source.x;
      words.copyWithin((target.y + row) * width + target.x, from, from + target.width);
    }
  }

  /** A copy of a rectangle's words. @param {Rect} rect */
  _cut({ x, y, width, height }) {
    const words = new Uint32Array(width * height);
    for (let row = 0; row < height; row++) {
      const from = (y + row) * this.width + x;
      words.set(this.words.subarray(from, from + width), row * width);
    }
    return words;
  }

  /** Write parts of a rectangle from its words. @param {Rect} rect @param {Uint32Array} words @param {Rect[]} parts */
  _patch(rect, words, parts) {
    for (const { x, y, width, height } of parts) {
      for (let row = y; row < y + height; row++) {
        const from = (row - rect.y) * rect.width + x - rect.x;
        this.words.set(words.subarray(from, from + width), row * this.width + x);
      }
    }
  }

  /** Note a decoded picture, which is closed when it is drawn or replaced; whether anything of it is to be drawn.
   * @param {Picture} picture @param {ReceivedFrame} frame @param {Rect[]} dirty  what is to be shown of it */
  note(picture, frame, dirty) {
    const captured = frame.preamble.capturedUs;
    if (!this._follow(...frame.desktop, captured)) {
      picture.close();
      return false;
    }
    const last = this._noted.at(-1);
    if (last && same(last.frame.place, frame.place)) {
      last.picture.close();
      this._noted.pop();
    } else {
      this._turn++;
    }
    const turn = this._turn;
    let wanted = false;
    for (const rect of dirty) {
      this._each(rect, (cell) => {
        const there = this._captured[cell];
        if (there > captured || (there === captured && this._source[cell] === EXACT)) return;
        this._captured[cell] = captured;
        this._source[cell] = PICTURE;
        this._waiting[cell] = turn;
        wanted = true;
      });
    }
    this._noted.push({ picture, frame, turn });
    return wanted;
  }

  /** The oldest picture of which something waits; null: none. @returns {Job | null} */
  job() {
    for (let noted = this._noted.shift(); noted; noted = this._noted.shift()) {
      const { picture, frame, turn } = noted;
      const box = this._box(frame.place, (cell) => this._waiting[cell] === turn);
      if (box) {
        const [before, generation] = [this._captured.slice(), this.generation];
        // What changed while it was converted waits for its own turn.
        const still = (/** @type {number} */ cell) => this._waiting[cell] === turn && this._captured[cell] === before[cell];
        return { picture, frame, box, taken: () => (generation === this.generation ? this._take(box, still) : []) };
      }
      picture.close();
    }
    return null;
  }

  /** @param {Rect} box @param {(cell: number) => boolean} wanted */
  _take(box, wanted) {
    const parts = this._runs(box, wanted);
    for (const part of parts) this._each(part, (cell) => (this._waiting[cell] = 0));
    return parts;
  }

  // cells

  /** Call for each cell that a rectangle touches, with the pixels that it is wide and high.
   * @param {Rect} rect @param {(cell: number, wide: number, high: number, x: number, y: number) => void} take */
  _each({ x, y, width, height }, take) {
    const [left, right] = [Math.floor(x / CELL), Math.ceil((x + width) / CELL)];
    for (let row = Math.floor(y / CELL); row * CELL < y + height; row++) {
      const high = Math.min(CELL, this.height - row * CELL);
      for (let column = left; column < right; column++) {
        take(row * this._columns + column, Math.min(CELL, this.width - column * CELL), high, column * CELL, row * CELL);
      }
    }
  }

  /** The wanted cells of a rectangle at cells, as few rectangles: neighbours of a row as one, and equal rows below each
   * other. @param {Rect} rect @param {(cell: number) => boolean} wanted @returns {Rect[]} */
  _runs(rect, wanted) {
    /** @type {Rect[]} */
    const runs = [];
    /** Of the row above, as far as they may grow. @type {Rect[]} */
    let above = [];
    /** @type {Rect[]} */
    let row = [];
    let at = rect.y;
    const end = () => {
      above = row.map((run) => {
        const grown = above.find((one) => one.x === run.x && one.width === run.width);
        if (grown) grown.height += run.height;
        else runs.push(run);
        return grown ?? run;
      });
      row = [];
    };
    this._each(rect, (cell, width, height, x, y) => {
      if (y !== at) {
        end();
        at = y;
      }
      if (!wanted(cell)) return;
      const last = row.at(-1);
      if (last && last.x + last.width === x) last.width += width;
      else row.push({ x, y, width, height });
    });
    end();
    return runs;
  }

  /** The smallest rectangle of cells around those wanted; null: none is. @param {Rect} rect @param {(cell: number) =>
   * boolean} wanted @returns {Rect | null} */
  _box(rect, wanted) {
    let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
    this._each(rect, (cell, width, height, x, y) => {
      if (!wanted(cell)) return;
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + width), Math.max(bottom, y + height)];
    });
    return right ? { x: left, y: top, width: right - left, height: bottom - top } : null;
  }
}

/** @param {Rect} one @param {Rect} other */
function same(one, other) {
  return one.x === other.x && one.y === other.y && one.width === other.width && one.height === other.height;
}

/** A rectangle's words by themselves. @param {import("../media/exact.js").ExactRect} one @param {Uint8Array} bytes */
function apart(one, bytes) {
  const words = new Uint32Array(one.rect.width * one.rect.height);
  write(one, bytes, words, 0, one.rect.width);
  return words;
}
