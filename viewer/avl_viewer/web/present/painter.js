/**
 * Painter: pictures onto the page's canvas, from the worker that decodes them.
 *
 * The canvas has one pixel for each of the desktop's; the page scales it. Only what changed is converted and drawn,
 * since a whole desktop costs many times what a window does. `copyTo` with a format converts as `drawImage` does
 * (BT.709, limited range, the same bytes) in half the time, so that 60 pictures a second leave room for decoding them.
 *
 * When a picture counts as presented is the first animation frame after it was drawn: by then the browser has taken it.
 */

/** @typedef {import("../decode/decoder.js").DecodedPicture} DecodedPicture @typedef
 * {import("../media/preamble.js").Rect} Rect */

/** Rectangles drawn one by one; more are drawn as the one that holds them all. */
const FEW = 6;
/** Pixels that one rectangle more costs. */
const OVERHEAD = 20_000;
/** How `copyTo` is to convert: an option that type definitions do not know yet. */
const CONVERTED = { format: "RGBX", colorSpace: "srgb" };
const PIXEL_BYTES = 4;

/** Draws one picture at a time; of those that come meanwhile only the newest waits. */
export class Painter {
  /** @param {OffscreenCanvas} canvas @param {(numbers: number[], at: number) => void} presented
   * @param {() => number} clock */
  constructor(canvas, presented, clock) {
    this._canvas = canvas;
    this._presented = presented;
    this._clock = clock;
    this._context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this._pixels = new ArrayBuffer(0);
    this._busy = false;
    /** @type {DecodedPicture | null} */
    this._next = null;
    /** Drawn and not yet taken. @type {number[]} */
    this._drawn = [];
    this._asked = false;
  }

  /** Draw a picture as soon as may be, and close it. @param {DecodedPicture} decoded */
  paint(decoded) {
    const waiting = this._next;
    if (waiting) {
      waiting.picture.close();
      decoded = { ...decoded, dirty: waiting.dirty && decoded.dirty && [...waiting.dirty, ...decoded.dirty] };
    }
    this._next = decoded;
    if (!this._busy) void this._work();
  }

  async _work() {
    this._busy = true;
    for (let next = this._next; next; next = this._next) {
      this._next = null;
      await this._draw(next);
      next.picture.close();
      this._drawn.push(next.frame.number);
      this._ask();
    }
    this._busy = false;
  }

  _ask() {
    if (this._asked) return;
    this._asked = true;
    requestAnimationFrame(() => {
      this._asked = false;
      const numbers = this._drawn;
      this._drawn = [];
      this._presented(numbers, this._clock());
    });
  }

  /** @param {DecodedPicture} decoded */
  async _draw({ frame, picture, dirty }) {
    const { width, height } = frame;
    if (this._canvas.width !== width || this._canvas.height !== height) {
      this._canvas.width = width;
      this._canvas.height = height;
      dirty = null;
    }
    const [across, down] = [picture.displayWidth, picture.displayHeight];
    const rects = dirty ? drawable(dirty, across, down) : [{ x: 0, y: 0, width: across, height: down }];
    if (!rects.length) return;
    if (!(await this._convert(picture, rects))) for (const rect of rects) this._drawPart(picture, rect);
  }

  /** Convert and draw these parts; false where the browser can't. @param {VideoFrame} picture @param {Rect[]} rects */
  async _convert(picture, rects) {
    const options = rects.map((rect) => /** @type {VideoFrameCopyToOptions} */ ({ rect: within(picture, rect), ...CONVERTED }));
    if (picture.allocationSize(options[0]) !== rects[0].width * rects[0].height * PIXEL_BYTES) return false;
    const parts = this._room(rects);
    try {
      await Promise.all(parts.map((part, at) => picture.copyTo(part, options[at])));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return false; // pictures that lie in a graphics card may not be read
    }
    rects.forEach(({ x, y, width, height }, at) => this._context.putImageData(new ImageData(parts[at], width, height), x, y));
    return true;
  }

  /** Memory for the pixels of these rectangles. @param {Rect[]} rects */
  _room(rects) {
    const sizes = rects.map(({ width, height }) => width * height * PIXEL_BYTES);
    const all = sizes.reduce((sum, size) => sum + size, 0);
    if (this._pixels.byteLength < all) this._pixels = new ArrayBuffer(all);
    let at = 0;
    return sizes.map((size) => new Uint8ClampedArray(this._pixels, (at += size) - size, size));
  }

  /** For browsers that can't convert: drawing a part of a picture converts all of it, a picture that is only that part
   * does not.
   * @param {VideoFrame} picture @param {Rect} rect */
  _drawPart(picture, rect) {
    const { width: displayWidth, height: displayHeight } = rect;
    const part = new VideoFrame(picture, { visibleRect: within(picture, rect), displayWidth, displayHeight });
    this._context.drawImage(part, rect.x, rect.y);
    part.close();
  }
}

/** A rectangle of the picture in the coordinates of its memory. @param {VideoFrame} picture @param {Rect} rect */
function within(picture, { x, y, width, height }) {
  return { x: x + (picture.visibleRect?.x ?? 0), y: y + (picture.visibleRect?.y ?? 0), width, height };
}

/** The rectangles to draw, on whole chroma samples and within a picture of this size (in 4:2:0 one larger than an odd
 * desktop).
 * @param {Rect[]} dirty @param {number} width @param {number} height @returns {Rect[]} */
export function drawable(dirty, width, height) {
  /** @param {Rect} rect @returns {Rect} */
  const aligned = (rect) => {
    const [x, y] = [Math.min(rect.x, width) & ~1, Math.min(rect.y, height) & ~1];
    const [right, bottom] = [Math.min(width, (rect.x + rect.width + 1) & ~1), Math.min(height, (rect.y + rect.height + 1) & ~1)];
    return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
  };
  const rects = dirty.map(aligned).filter((rect) => rect.width && rect.height);
  if (rects.length < 2) return rects;
  const one = enclosing(rects);
  const apart = rects.reduce((sum, rect) => sum + rect.width * rect.height + OVERHEAD, 0);
  return rects.length > FEW || one.width * one.height <= apart ? [one] : rects;
}

/** @param {Rect[]} rects @returns {Rect} */
function enclosing(rects) {
  const x = Math.min(...rects.map((rect) => rect.x));
  const y = Math.min(...rects.map((rect) => rect.y));
  const right = Math.max(...rects.map((rect) => rect.x + rect.width));
  const bottom = Math.max(...rects.map((rect) => rect.y + rect.height));
  return { x, y, width: right - x, height: bottom - y };
}
