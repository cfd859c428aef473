/**
 * The host's pointer as the page's own cursor: it moves with the mouse, not with the network.
 */

import { MAX } from "../wire/registry.js";

/** Browsers show no larger cursor. */
const LARGEST = 128;

/** Keeps an element's cursor like the host's. */
export class Cursor {
  /** @param {HTMLElement} element */
  constructor(element) {
    this._element = element;
    this._newest = 0;
    this._url = "";
  }

  /** The host's pointer looks like this now; 0 x 0 hides it.
   * @param {{ width: number, height: number, hot_x: number, hot_y: number, image: Uint8Array<ArrayBuffer> }} shape
   * @param {number} ratio  the screen's pixels in one CSS pixel */
  async show(shape, ratio) {
    const turn = ++this._newest;
    const { width, height } = shape;
    if (!(width >= 0 && width <= MAX.CURSOR_SIDE && height >= 0 && height <= MAX.CURSOR_SIDE)) return;
    if (!width || !height) {
      this._set("none", "");
      return;
    }
    if (width > LARGEST || height > LARGEST) {
      this._set("default", "");
      return;
    }
    const pixels = await inflate(shape.image, width * height * 4);
    if (!pixels || turn !== this._newest) return;
    const canvas = new OffscreenCanvas(width, height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
    const url = URL.createObjectURL(await canvas.convertToBlob());
    if (turn !== this._newest) {
      URL.revokeObjectURL(url);
      return;
    }
    const x = Math.min(width - 1, Math.max(0, shape.hot_x));
    const y = Math.min(height - 1, Math.max(0, shape.hot_y));
    const image = ratio === 1 ? `url(${url})` : `image-set(url(${url}) ${ratio}x)`;
    this._set(`${image} ${Math.round(x / ratio)} ${Math.round(y / ratio)}, default`, url);
  }

  /** The browser's own cursor. */
  reset() {
    this._newest++;
    this._set("", "");
  }

  /** @param {string} cursor @param {string} url */
  _set(cursor, url) {
    this._element.style.cursor = cursor;
    if (this._url) URL.revokeObjectURL(this._url);
    this._url = url;
  }
}

/** Exactly `size` bytes out of a zlib stream; null when it holds anything else.
 * @param {Uint8Array<ArrayBuffer>} data @param {number} size @returns {Promise<Uint8ClampedArray<ArrayBuffer> | null>} */
async function inflate(data, size) {
  const out = new Uint8ClampedArray(size);
  let at = 0;
  try {
    const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return at === size ? out : null;
      if (at + value.length > size) {
        await reader.cancel();
        return null;
      }
      out.set(value, at);
      at += value.length;
    }
  } catch (error) {
    if (error instanceof TypeError) return null; // not zlib
    throw error;
  }
}
