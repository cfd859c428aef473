/**
 * View: the canvas on the page, as large as its geometry says.
 */

import { levels } from "../present/halves.js";
import { Geometry } from "./geometry.js";

/** Where the picture is shown. */
export class View {
  /** @param {HTMLElement} stage @param {HTMLCanvasElement} canvas */
  constructor(stage, canvas) {
    /** Called when the desktop lies elsewhere. @type {() => void} */
    this.placed = () => undefined;
    /** Called when the desktop is to be drawn halved so often. @type {(times: number) => void} */
    this.halved = () => undefined;
    this._times = 0;
    this._stage = stage;
    this._canvas = canvas;
    this.geometry = new Geometry();
    new ResizeObserver(() => this.place()).observe(stage);
    window.addEventListener("resize", () => this.place());
  }

  /** The desktop is said to have this many pixels: of use before any of it is seen. @param {number} width @param {number}
   * height */
  announce(width, height) {
    if (!this.geometry.desktop.width) this.resize(width, height);
  }

  /** What is seen begins at this pixel of the desktop. @param {{ x: number, y: number }} origin */
  begin({ x, y }) {
    this.geometry.origin = { x, y };
    this.placed();
  }

  /** Nothing of a desktop is seen. */
  forget() {
    this.geometry.desktop = { width: 0, height: 0 };
  }

  /** The page's size in pixels of the screen. */
  get room() {
    const { page, ratio } = this.geometry;
    return { width: Math.round(page.width * ratio), height: Math.round(page.height * ratio) };
  }

  /** The desktop that is seen has this many pixels. @param {number} width @param {number} height */
  resize(width, height) {
    this.geometry.desktop = { width, height };
    this.place();
  }

  /** One to one, or as it fits; which it is now. @returns {boolean} */
  toggleExact() {
    this.geometry.exact = !this.geometry.exact;
    this.geometry.zoom = 1;
    this.place();
    return this.geometry.exact;
  }

  /** A mouse is here: show that part of a desktop larger than the page. @param {number} x @param {number} y */
  hovered(x, y) {
    if (this.geometry.follow(x, y)) this.place();
  }

  /** Lay the canvas where it belongs. */
  place() {
    const { geometry } = this;
    geometry.page = { width: this._stage.clientWidth || window.innerWidth, height: this._stage.clientHeight || window.innerHeight };
    geometry.ratio = window.devicePixelRatio;
    const { left, top, width, height } = geometry.box();
    const { style } = this._canvas;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.transform = `translate(${left}px, ${top}px)`;
    this._canvas.classList.toggle("sharp", geometry.sharp && this._canvas.width === geometry.desktop.width);
    const times = geometry.desktop.width ? levels(geometry.scale * geometry.ratio) : this._times;
    if (times !== this._times) {
      this._times = times;
      this.halved(times);
    }
    this.placed();
  }

  show() {
    this._stage.hidden = false;
    this.place();
  }

  hide() {
    this._stage.hidden = true;
  }
}
