/**
 * Geometry: where on the page the desktop lies, and which of its pixels lies under a position of the page.
 */

/** A desktop that leaves so much of the page free at most, as a part of it, is shown in a whole factor: no pixel of it is
 * blurred then. */
const SLACK = 0.01;
/** How far a pinch may enlarge what fits. */
const LARGEST_ZOOM = 12;

/**
 * @typedef {{ width: number, height: number }} Size
 * @typedef {{ left: number, top: number, width: number, height: number }} Box  CSS pixels of the page
 */

/** A desktop on a page. `exact`: one of its pixels is one of the screen's; otherwise it fits. */
export class Geometry {
  constructor() {
    /** CSS pixels. @type {Size} */
    this.page = { width: 1, height: 1 };
    /** Desktop pixels; 0 x 0 before they are known. @type {Size} */
    this.desktop = { width: 0, height: 0 };
    /** The desktop's pixel at which what is seen begins: that of a monitor, for one. */
    this.origin = { x: 0, y: 0 };
    /** The screen's pixels in one CSS pixel. */
    this.ratio = 1;
    this.exact = false;
    this.zoom = 1;
    this._left = 0;
    this._top = 0;
  }

  /** The part of the desktop that is seen, in its pixels. */
  get seen() {
    return { ...this.origin, ...this.desktop };
  }

  /** CSS pixels of one desktop pixel. */
  get scale() {
    if (this.exact) return this.zoom / this.ratio;
    const { width, height } = this.desktop;
    if (!width || !height) return 1;
    const fitted = Math.min(this.page.width / width, this.page.height / height) * this.ratio;
    const whole = Math.floor(fitted + 1e-6);
    return ((whole && fitted - whole <= SLACK * whole ? whole : fitted) / this.ratio) * this.zoom;
  }

  /** Whether each desktop pixel is as many whole pixels of the screen as any other. */
  get sharp() {
    const factor = this.scale * this.ratio;
    return factor > 0.5 && Math.abs(factor - Math.round(factor)) < 1e-6;
  }

  /** Whether some of the desktop lies outside the page. */
  get overflows() {
    return this.desktop.width * this.scale > this.page.width + 0.5 || this.desktop.height * this.scale > this.page.height + 0.5;
  }

  /** Where the desktop lies. @returns {Box} */
  box() {
    const width = this.desktop.width * this.scale;
    const height = this.desktop.height * this.scale;
    this._left = this._placed(this._left, width, this.page.width);
    this._top = this._placed(this._top, height, this.page.height);
    return { left: this._left, top: this._top, width, height };
  }

  /** On whole pixels of the screen, or they would all be blurred. @param {number} at @param {number} size @param
   * {number} room */
  _placed(at, size, room) {
    const place = size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at));
    return Math.round(place * this.ratio) / this.ratio;
  }

  /** The desktop pixel under a position of the page, or the nearest one. @param {number} x @param {number} y @returns
   * {[number, number]} */
  toDesktop(x, y) {
    const { left, top } = this.box();
    /** @param {number} at @param {number} size */
    const within = (at, size) => Math.max(0, Math.min(size - 1, Math.floor(at / this.scale + 1e-9)));
    return [this.origin.x + within(x - left, this.desktop.width), this.origin.y + within(y - top, this.desktop.height)];
  }

  /** The position on the page of the middle of a desktop pixel. @param {number} x @param {number} y @returns {[number,
   * number]} */
  fromDesktop(x, y) {
    const { left, top } = this.box();
    return [left + (x - this.origin.x + 0.5) * this.scale, top + (y - this.origin.y + 0.5) * this.scale];
  }

  /** Move the desktop, as far as it overflows. @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this._left += dx;
    this._top += dy;
    this.box();
  }

  /** Enlarge around a position of the page. @param {number} factor @param {number} x @param {number} y */
  pinch(factor, x, y) {
    const before = this.scale;
    const { left, top } = this.box();
    this.zoom = Math.max(1, Math.min(LARGEST_ZOOM, this.zoom * factor));
    const grown = this.scale / before;
    this._left = x - (x - left) * grown;
    this._top = y - (y - top) * grown;
    this.box();
  }

  /** Show the part of an overflowing desktop that lies where the pointer lies on the page: every pixel can be reached
   * by pointing. Whether it moved. @param {number} x @param {number} y */
  follow(x, y) {
    if (!this.overflows) return false;
    const before = this.box();
    this._left = -(before.width - this.page.width) * Math.min(1, Math.max(0, x / this.page.width));
    this._top = -(before.height - this.page.height) * Math.min(1, Math.max(0, y / this.page.height));
    const after = this.box();
    return after.left !== before.left || after.top !== before.top;
  }
}
