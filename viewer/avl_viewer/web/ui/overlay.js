/**
 * Overlay: draws others' pointers and all strokes over the picture. Colour goes by person, alike at every viewer.
 */

import { ALONE, nameOf } from "../present/company.js";
import { Marks } from "../present/marks.js";

/** Colours by number, which stand out from one another and from most desktops; the letters on each. */
const COLOURS = ["#e6194b", "#1f78ff", "#2ca02c", "#ff7f0e", "#a03cc8", "#00a5b5", "#d4389b", "#8a6d00"];
const LETTERS = "#fff";
/** CSS pixels: a stroke's width, its edge, and the light around a laser's point. */
const STROKE = 4;
const EDGE = 1;
const GLOW = 12;
/** The arrow that others' pointers are drawn as, in CSS pixels from its tip. */
const ARROW = [[0, 0], [0, 17], [4, 13], [7, 19], [10, 18], [7, 12], [12, 12]];

/** What is drawn over the picture; its canvas is hidden while that is nothing. */
export class Overlay {
  /** @param {HTMLCanvasElement} canvas @param {import("./geometry.js").Geometry} geometry @param {() => number} clock
   * milliseconds */
  constructor(canvas, geometry, clock) {
    this._canvas = canvas;
    this._geometry = geometry;
    this._clock = clock;
    this._marks = new Marks();
    this._waiting = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._fading = undefined;
    /** Who is here. @type {import("../present/company.js").Company} */
    this.company = ALONE;
    /** Whether others' pointers are shown; strokes always are. */
    this.pointers = true;
  }

  /** Somebody points or draws. @param {any} mark */
  take(mark) {
    this._marks.take(mark, this._clock());
    this.refresh();
  }

  /** Nothing is there any more. */
  clear() {
    this._marks.clear();
    this.refresh();
  }

  /** Draw with the next frame, and again when it will have changed by itself. */
  refresh() {
    if (this._waiting) return;
    this._waiting = true;
    requestAnimationFrame(() => {
      this._waiting = false;
      this._draw();
    });
  }

  _draw() {
    const now = this._clock();
    const pointers = this.pointers ? this._marks.pointers(now) : [];
    const strokes = this._marks.strokes(now);
    const due = this._marks.nextChange(now);
    clearTimeout(this._fading);
    if (due !== null) this._fading = setTimeout(() => this.refresh(), due - now);
    this._canvas.hidden = !pointers.length && !strokes.length;
    if (this._canvas.hidden) return;
    const { page, ratio } = this._geometry;
    const [width, height] = [Math.round(page.width * ratio), Math.round(page.height * ratio)];
    if (this._canvas.width !== width) this._canvas.width = width;
    if (this._canvas.height !== height) this._canvas.height = height;
    const context = this._canvas.getContext("2d");
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, page.width, page.height);
    for (const stroke of strokes) this._stroke(context, stroke);
    for (const pointer of pointers) this._pointer(context, pointer);
  }

  /** @param {CanvasRenderingContext2D} context @param {import("../present/marks.js").StrokeMark} stroke */
  _stroke(context, { person, points, opacity }) {
    const line = new Path2D();
    points.forEach(([x, y], at) => {
      const place = this._geometry.fromDesktop(x, y);
      if (at) line.lineTo(...place);
      else line.moveTo(...place);
      if (points.length === 1) line.lineTo(...place);
    });
    context.globalAlpha = opacity;
    context.lineCap = context.lineJoin = "round";
    for (const [style, width] of /** @type {[string, number][]} */ ([["rgb(255 255 255 / 60%)", STROKE + 2 * EDGE], [colour(person), STROKE]])) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.stroke(line);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {import("../present/marks.js").PointerMark} pointer */
  _pointer(context, { person, x, y, laser, opacity }) {
    const [left, top] = this._geometry.fromDesktop(x, y);
    context.globalAlpha = opacity;
    context.fillStyle = colour(person);
    if (laser) {
      for (const [size, alpha] of [[GLOW, 0.25], [GLOW * 0.6, 0.45], [GLOW * 0.35, 1]]) {
        context.globalAlpha = opacity * alpha;
        context.beginPath();
        context.arc(left, top, size, 0, 2 * Math.PI);
        context.fill();
      }
      context.globalAlpha = opacity;
    } else {
      const arrow = new Path2D();
      for (const [dx, dy] of ARROW) arrow.lineTo(left + dx, top + dy);
      arrow.closePath();
      context.fill(arrow);
      context.strokeStyle = LETTERS;
      context.lineWidth = 1.2;
      context.stroke(arrow);
    }
    const name = nameOf(this.company, person);
    context.font = "13px system-ui, sans-serif";
    const wide = context.measureText(name).width;
    context.beginPath();
    context.roundRect(left + 13, top + 15, wide + 10, 20, 4);
    context.fill();
    context.fillStyle = LETTERS;
    context.textBaseline = "middle";
    context.fillText(name, left + 18, top + 25.5);
  }
}

/** The colour of a person. @param {number} person */
export function colour(person) {
  return COLOURS[Math.abs(person) % COLOURS.length];
}
