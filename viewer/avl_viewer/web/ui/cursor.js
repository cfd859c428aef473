/**
 * The host's pointer as the page's own cursor: it moves with the mouse, not with the network. While the mouse is caught
 * browsers show no cursor, and it is an image over the picture.
 */

import { MAX } from "../wire/registry.js";

/** Browsers show no larger cursor: one that is larger is shown in this size. */
const LARGEST = 128;

/** Keeps an element's cursor like the host's. */
export class Cursor {
  /** @param {HTMLElement} element @param {HTMLImageElement} image  what floats over it while the mouse is caught */
  constructor(element, image) {
    this._element = element;
    this._newest = 0;
    this._url = "";
    this._image = image;
    /** Where the image is hot, and how large it is, in CSS pixels. */
    this._hot = { x: 0, y: 0, width: 0 };
    /** Whether the host's program has hidden its pointer. */
    this.hidden = false;
    this._afloat = false;
  }

  /** The image is the pointer, here; null: the browser's cursor is. @param {[number, number] | null} place  CSS pixels */
  float(place) {
    this._afloat = place !== null;
    this._image.hidden = !place || !this._url;
    if (!place) return;
    const [x, y] = place;
    this._image.style.transform = `translate(${x - this._hot.x}px, ${y - this._hot.y}px)`;
  }

  /** The host's pointer looks like this now; 0 x 0 hides it.
   * @param {{ width: number, height: number, hot_x: number, hot_y: number, image: Uint8Array<ArrayBuffer>, scale:
   * number }} shape
   * @param {number} ratio  the screen's pixels in one CSS pixel */
  async show(shape, ratio) {
    const turn = ++this._newest;
    const placed = place(shape);
    if (!placed) return;
    this.hidden = !shape.width || !shape.height;
    if (this.hidden) {
      this._set("none", "");
      return;
    }
    const { columns, rows, width, height, shown } = placed;
    const pixels = await inflate(shape.image, columns * rows * 4);
    if (!pixels || turn !== this._newest) return;
    const canvas = painted(pixels, placed);
    const url = URL.createObjectURL(await canvas.convertToBlob());
    if (turn !== this._newest) {
      URL.revokeObjectURL(url);
      return;
    }
    const x = Math.min(width - 1, Math.max(0, Math.floor(shape.hot_x * shown)));
    const y = Math.min(height - 1, Math.max(0, Math.floor(shape.hot_y * shown)));
    this._hot = { x: x / ratio, y: y / ratio, width: width / ratio };
    const image = ratio === 1 ? `url(${url})` : `image-set(url(${url}) ${ratio}x)`;
    this._set(`${image} ${Math.round(x / ratio)} ${Math.round(y / ratio)}, default`, url);
  }

  /** The browser's own cursor. */
  reset() {
    this._newest++;
    this.hidden = false;
    this.float(null);
    this._set("", "");
  }

  /** @param {string} cursor @param {string} url */
  _set(cursor, url) {
    this._element.style.cursor = cursor;
    if (this._url) URL.revokeObjectURL(this._url);
    this._url = url;
    this._image.hidden = !url || !this._afloat;
    if (!url) return;
    this._image.src = url;
    this._image.style.width = `${this._hot.width}px`;
  }
}

/**
 * @typedef {object} Placed  How a pointer's image becomes a cursor: its own size in pixels, that of the cursor, how
 * much smaller or larger the cursor is than the pointer (`shown`) and than the image (`by`).
 * @property {number} columns
 * @property {number} rows
 * @property {number} width
 * @property {number} height
 * @property {number} shown
 * @property {number} by
 */

/** Null for what claims to be a pointer and is none.
 * @param {{ width: number, height: number, scale: number }} shape @returns {Placed | null} */
export function place({ width, height, scale }) {
  const longer = Math.max(width, height);
  if (longer > MAX.CURSOR_SIDE || Math.min(width, height) < 0 || scale < 1 || scale > Math.max(1, longer)) return null;
  const shown = Math.min(1, LARGEST / longer);
  const size = (/** @type {number} */ length) => Math.max(1, Math.round(length * shown));
  return { columns: Math.ceil(width / scale), rows: Math.ceil(height / scale), width: size(width), height: size(height), shown, by: scale * shown };
}

/** @param {Uint8ClampedArray<ArrayBuffer>} pixels @param {Placed} placed @returns {OffscreenCanvas} */
function painted(pixels, { columns, rows, width, height, by }) {
  const image = new OffscreenCanvas(columns, rows);
  context(image).putImageData(new ImageData(pixels, columns, rows), 0, 0);
  if (by === 1) return image;
  const canvas = new OffscreenCanvas(width, height);
  context(canvas).drawImage(image, 0, 0, columns * by, rows * by);
  return canvas;
}

/** @param {OffscreenCanvas} canvas */
function context(canvas) {
  return /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/** Exactly `size` bytes out of a zlib stream; null when it holds anything else.
 * @param {Uint8Array<ArrayBuffer>} data @param {number} size @returns {Promise<Uint8ClampedArray<ArrayBuffer> | null>}
 * */
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
