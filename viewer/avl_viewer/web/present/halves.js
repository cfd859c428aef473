/**
 * Halves: a picture drawn smaller by halves on its way to the page's canvas (the mirror of present/halves.py).
 *
 * Browsers scale a canvas by blending four neighbours for each pixel: below half size they leave whole pixels out, and thin strokes
 * break. So the page's canvas holds a half, or a half of that, as long as this is no smaller than what is shown.
 */

/** @typedef {import("../media/preamble.js").Rect} Rect @typedef {OffscreenCanvasRenderingContext2D} Context */

/** How often a picture is halved that is then shown at `scale`: what is left to do is more than a half. @param {number}
 * scale */
export function levels(scale) {
  return scale > 0 ? Math.max(0, Math.floor(-Math.log2(scale) + 1e-9)) : 0;
}

/** The surface, and what is drawn before it is halved onto that. */
export class Halves {
  /** @param {OffscreenCanvas} surface @param {(width: number, height: number) => OffscreenCanvas} make */
  constructor(surface, make = (width, height) => new OffscreenCanvas(width, height)) {
    this._surface = surface;
    this._make = make;
    /** Each half of the one before; the last is on the surface. @type {Context[]} */
    this._all = [context(surface)];
  }

  /** Where the whole is drawn. */
  get whole() {
    return this._all[0];
  }

  /** Whether it is smaller on the surface. */
  get any() {
    return this._all.length > 1;
  }

  /** The picture has this size, and what there was stays to be seen at its place. @param {number} width
   * @param {number} height */
  grow(width, height) {
    const { canvas } = this.whole;
    const before = context(this._make(canvas.width, canvas.height));
    before.drawImage(canvas, 0, 0);
    this.resize(width, height);
    this.whole.drawImage(before.canvas, 0, 0);
    this.changed([{ x: 0, y: 0, width, height }]);
  }

  /** The picture has this size; what there was is lost where it had another. @param {number} width @param {number} height */
  resize(width, height) {
    for (const { canvas } of this._all) {
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    }
  }

  /** Be halved so often from now on. @param {number} times */
  times(times) {
    if (times === this._all.length - 1) return;
    const before = this.whole;
    const { width, height } = before.canvas;
    const surface = /** @type {Context} */ (this._all.at(-1));
    const all = [];
    while (all.length < times) all.push(context(this._make(1, 1)));
    if (times) {
      all[0].canvas.width = width;
      all[0].canvas.height = height;
      all[0].drawImage(before.canvas, 0, 0); // before it loses that by another size
    }
    this._all = [...all, surface];
    this.resize(width, height);
    if (times) this.changed([{ x: 0, y: 0, width, height }]);
    else surface.drawImage(before.canvas, 0, 0);
  }

  /** These parts of the whole were drawn. @param {Rect[]} parts */
  changed(parts) {
    for (let level = 1; level < this._all.length; level++) {
      const above = this._all[level - 1].canvas;
      parts = parts.map(half);
      for (const part of parts) {
        for (const [x, wide, ofX] of pairs(part.x, part.width, above.width)) {
          for (const [y, high, ofY] of pairs(part.y, part.height, above.height)) {
            this._all[level].drawImage(above, 2 * x, 2 * y, wide * ofX, high * ofY, x, y, wide, high);
          }
        }
      }
    }
  }
}

/** The pixels of the half that a rectangle has a part in. @param {Rect} rect @returns {Rect} */
function half({ x, y, width, height }) {
  const [left, top] = [Math.floor(x / 2), Math.floor(y / 2)];
  return { x: left, y: top, width: Math.ceil((x + width) / 2) - left, height: Math.ceil((y + height) / 2) - top };
}

/** Where pixels of a half begin, how many they are, and of how many pixels each is: the last one of an odd picture of one
 * alone. @param {number} at @param {number} size @param {number} above @returns {[number, number, number][]} */
function pairs(at, size, above) {
  const middle = Math.floor(above / 2);
  const whole = Math.min(size, middle - at);
  /** @type {[number, number, number][]} */
  const found = whole > 0 ? [[at, whole, 2]] : [];
  if (at + size > middle) found.push([middle, 1, 1]);
  return found;
}

/** @param {OffscreenCanvas} canvas */
function context(canvas) {
  return /** @type {Context} */ (canvas.getContext("2d", { alpha: false }));
}
