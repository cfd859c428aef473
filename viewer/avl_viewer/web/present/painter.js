/**
 * Painter: a desktop's canvas onto the page's, from the worker that decodes.
 *
 * The page's canvas has one pixel for each of the desktop's, or below half size one for four of them (halves.js); the page
 * scales it. Exact pixels are drawn at once. Of a
 * picture only what is wanted is converted and drawn, since a whole desktop costs many times what a window does;
 * `copyTo` with a format converts as `drawImage` does (BT.709, limited range, the same bytes) in half the time.
 *
 * When an object counts as presented is the first animation frame after it was drawn: by then the browser has taken it.
 */

import { Halves } from "./halves.js";

/** @typedef {import("../decode/canvas.js").Canvas} Canvas @typedef {import("../decode/canvas.js").Job} Job
 * @typedef {import("../media/preamble.js").Rect} Rect
 *
 * @typedef {object} Painted  What an object has changed on a desktop.
 * @property {number} desktop  number of the desktop's first track
 * @property {number} track
 * @property {number} number
 * @property {Canvas} canvas
 * @property {Rect[]} changed  exact pixels; for a picture nothing, as the canvas has it noted
 *
 * @typedef {[number, number]} Presented  Track and object.
 */

/** How `copyTo` is to convert: an option that type definitions do not know yet. */
const CONVERTED = { format: "RGBX", colorSpace: "srgb" };
const PIXEL_BYTES = 4;

/** Draws one desktop. `presented(objects, at)`: they are on the screen. */
export class Painter {
  /** @param {OffscreenCanvas} surface @param {(objects: Presented[], at: number) => void} presented
   * @param {() => number} clock */
  constructor(surface, presented, clock) {
    this._presented = presented;
    this._clock = clock;
    this._halves = new Halves(surface);
    /** @type {Canvas | null} */
    this._canvas = null;
    this._generation = -1;
    /** Over the canvas' words. @type {ImageData | null} */
    this._image = null;
    this._pixels = new ArrayBuffer(0);
    this._busy = false;
    /** Drawn and not yet taken. @type {Presented[]} */
    this._drawn = [];
    this._asked = false;
  }

  /** Draw what has changed: exact pixels now, a picture as soon as may be. @param {Painted} painted */
  paint({ track, number, canvas, changed }) {
    if (!canvas.width) return;
    const follows = canvas === this._canvas && canvas.generation === this._generation;
    const image = follows && this._image ? this._image : this._begin(canvas);
    const parts = follows ? changed : canvas.exactParts;
    for (const { x, y, width, height } of parts) this._halves.whole.putImageData(image, 0, 0, x, y, width, height);
    this._halves.changed(parts);
    if (changed.length) this._done(track, number);
    if (!this._busy) void this._work();
  }

  /** Have the size and the pixels of this canvas. @param {Canvas} canvas */
  _begin(canvas) {
    const { width, height, words, generation } = canvas;
    // A desktop of another size comes in parts: what was shown is better than black between them.
    if (canvas === this._canvas) this._halves.grow(width, height);
    else this._halves.resize(width, height);
    [this._canvas, this._generation] = [canvas, generation];
    this._image = new ImageData(new Uint8ClampedArray(words.buffer), width, height);
    return this._image;
  }

  /** Draw it halved so often: that is how small it is shown. @param {number} times */
  halve(times) {
    this._halves.times(times);
  }

  async _work() {
    this._busy = true;
    for (let job = this._canvas?.job(); job; job = this._canvas?.job()) {
      const drawn = await this._draw(job);
      job.picture.close();
      if (drawn) this._done(job.frame.track, job.frame.number);
    }
    this._busy = false;
  }

  /** @param {number} track @param {number} number */
  _done(track, number) {
    this._drawn.push([track, number]);
    if (this._asked) return;
    this._asked = true;
    requestAnimationFrame(() => {
      this._asked = false;
      const objects = this._drawn;
      this._drawn = [];
      this._presented(objects, this._clock());
    });
  }

  /** Whether anything of it was drawn. @param {Job} job */
  async _draw(job) {
    const { width, height, place } = job.frame;
    const canvas = this._canvas;
    const image = width === place.width && height === place.height ? await this._converted(job) : null;
    const parts = canvas === this._canvas ? job.taken() : [];
    if (!image) this._drawThrough(job, parts);
    else for (const part of parts) this._put(image, job.box, part);
    this._halves.changed(parts);
    return parts.length > 0;
  }

  /** Draw a part of the desktop from an image of a box. @param {ImageData} image @param {Rect} box @param {Rect} part */
  _put(image, box, { x, y, width, height }) {
    this._halves.whole.putImageData(image, box.x, box.y, x - box.x, y - box.y, width, height);
  }

  /** The box as an image; null where the browser can't convert. @param {Job} job @returns {Promise<ImageData | null>} */
  async _converted({ picture, frame, box }) {
    const rect = within(picture, { ...box, x: box.x - frame.place.x, y: box.y - frame.place.y });
    const options = /** @type {VideoFrameCopyToOptions} */ ({ rect, ...CONVERTED });
    const size = rect.width * rect.height * PIXEL_BYTES;
    if (this._pixels.byteLength < size) this._pixels = new ArrayBuffer(size);
    const pixels = new Uint8ClampedArray(this._pixels, 0, size);
    try {
      if (picture.allocationSize(options) !== size) return null;
      await picture.copyTo(pixels, options);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return null; // pictures that lie in a graphics card may not be read
    }
    return new ImageData(pixels, rect.width, rect.height);
  }

  /** For pictures of fewer pixels than their place, and browsers that can't convert: all of it is converted, and what is
   * wanted comes through. @param {Job} job @param {Rect[]} parts */
  _drawThrough({ picture, frame }, parts) {
    const { width, height, place } = frame;
    if (!parts.length) return;
    const context = this._halves.whole;
    context.save();
    context.beginPath();
    for (const part of parts) context.rect(part.x, part.y, part.width, part.height);
    context.clip();
    context.drawImage(picture, 0, 0, width, height, place.x, place.y, place.width, place.height);
    context.restore();
  }
}

/** A rectangle of the picture in the coordinates of its memory, on whole chroma samples where the picture reaches that
 * far (in 4:2:0 it is one larger than an odd desktop).
 * @param {VideoFrame} picture @param {Rect} rect @returns {Rect} */
export function within({ visibleRect, displayWidth, displayHeight }, { x, y, width, height }) {
  const even = (/** @type {number} */ from, /** @type {number} */ size, /** @type {number} */ most) => Math.max(size, Math.min(size + (size & 1), most - from));
  return {
    x: x + (visibleRect?.x ?? 0), y: y + (visibleRect?.y ?? 0),
    width: even(x, width, displayWidth), height: even(y, height, displayHeight),
  };
}
