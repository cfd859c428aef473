/**
 * Painter: pictures onto the page's canvas, from the worker that decodes them.
 *
 * The canvas has one pixel for each of the desktop's; the page scales it. Only what changed is drawn: the browser converts, rasters and
 * composes what it is given, and a whole desktop costs many times what a window does. When a picture counts as presented is the first
 * animation frame after it was drawn: by then the browser has taken it.
 */

/** @typedef {import("../decode/decoder.js").DecodedPicture} DecodedPicture @typedef {import("../media/preamble.js").Rect} Rect */

/** Rectangles drawn one by one; more are drawn as the one that holds them all. */
const FEW = 12;
/** Share of the picture from which on it is drawn whole. */
const MOST = 0.8;

/** Draws with the browser's own conversion of colours (BT.709, limited range). */
export class Painter {
  /** @param {OffscreenCanvas} canvas @param {(numbers: number[], at: number) => void} presented
   * @param {() => number} clock */
  constructor(canvas, presented, clock) {
    this._canvas = canvas;
    this._presented = presented;
    this._clock = clock;
    this._context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    /** Drawn and not yet taken. @type {number[]} */
    this._drawn = [];
    this._asked = false;
  }

  /** Draw a picture and close it. @param {DecodedPicture} decoded */
  paint({ frame, picture, dirty }) {
    const { width, height } = frame;
    let changed = dirty && drawable(dirty, picture.displayWidth, picture.displayHeight);
    if (this._canvas.width !== width || this._canvas.height !== height) {
      this._canvas.width = width;
      this._canvas.height = height;
      changed = null;
    }
    if (changed) for (const rect of changed) this._part(picture, rect);
    else this._context.drawImage(picture, 0, 0, width, height, 0, 0, width, height);
    picture.close();
    this._drawn.push(frame.number);
    if (this._asked) return;
    this._asked = true;
    requestAnimationFrame(() => {
      this._asked = false;
      const numbers = this._drawn;
      this._drawn = [];
      this._presented(numbers, this._clock());
    });
  }

  /** Drawing a part of a picture converts all of it; a picture that is only that part shares its memory and does not.
   * @param {VideoFrame} picture @param {Rect} rect */
  _part(picture, rect) {
    const origin = picture.visibleRect;
    const part = new VideoFrame(picture, {
      visibleRect: { x: rect.x + (origin?.x ?? 0), y: rect.y + (origin?.y ?? 0), width: rect.width, height: rect.height },
      displayWidth: rect.width,
      displayHeight: rect.height,
    });
    this._context.drawImage(part, rect.x, rect.y);
    part.close();
  }
}

/** The rectangles to draw, on whole chroma samples and within the picture (which is one larger than an odd desktop in 4:2:0); null when the whole picture is to be drawn.
 * @param {Rect[]} dirty @param {number} width @param {number} height @returns {Rect[] | null} */
export function drawable(dirty, width, height) {
  /** @param {Rect} rect @returns {Rect} */
  const aligned = (rect) => {
    const [x, y] = [Math.min(rect.x, width) & ~1, Math.min(rect.y, height) & ~1];
    const [right, bottom] = [Math.min(width, (rect.x + rect.width + 1) & ~1), Math.min(height, (rect.y + rect.height + 1) & ~1)];
    return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
  };
  let rects = dirty.map(aligned).filter((rect) => rect.width && rect.height);
  if (rects.length > FEW) rects = [enclosing(rects)];
  const area = rects.reduce((sum, rect) => sum + rect.width * rect.height, 0);
  return area > MOST * width * height ? null : rects;
}

/** @param {Rect[]} rects @returns {Rect} */
function enclosing(rects) {
  const x = Math.min(...rects.map((rect) => rect.x));
  const y = Math.min(...rects.map((rect) => rect.y));
  const right = Math.max(...rects.map((rect) => rect.x + rect.width));
  const bottom = Math.max(...rects.map((rect) => rect.y + rect.height));
  return { x, y, width: right - x, height: bottom - y };
}
