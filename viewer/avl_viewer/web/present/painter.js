/**
 * Painter: pictures onto the page's canvas, from the worker that decodes them.
 *
 * The canvas has one pixel for each of the desktop's; the page scales it. When a picture counts as presented is the first animation
 * frame after it was drawn: by then the browser has taken it.
 */

/** @typedef {import("../decode/decoder.js").DecodedPicture} DecodedPicture */

/** Draws with the browser's own conversion of colours (BT.709, limited range). */
export class Painter {
  /** @param {OffscreenCanvas} canvas @param {(numbers: number[], at: number) => void} presented
   * @param {() => number} clock */
  constructor(canvas, presented, clock) {
    this._canvas = canvas;
    this._presented = presented;
    this._clock = clock;
    this._context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false, desynchronized: true }));
    /** Drawn and not yet taken. @type {number[]} */
    this._drawn = [];
    this._asked = false;
  }

  /** Draw a picture and close it. @param {DecodedPicture} decoded */
  paint({ frame, picture }) {
    const { width, height } = frame;
    if (this._canvas.width !== width || this._canvas.height !== height) {
      this._canvas.width = width;
      this._canvas.height = height;
    }
    this._context.drawImage(picture, 0, 0, width, height, 0, 0, width, height);
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
}
