/**
 * Touch: fingers as a pointer. A tap clicks, a long press clicks right, one finger drags, two scroll; pinching zooms
 * the view, and while it is zoomed two fingers move it and three scroll.
 */

import { INPUT } from "../wire/registry.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent */

/** Milliseconds until a finger that rests clicks right. */
const LONG_PRESS = 500;
/** CSS pixels that a finger may wander and still tap. */
const SLOP = 10;
/** CSS pixels that one finger moves alone before that is a pinch around the other: the browser tells of one finger
 * after the other. */
const ALONE = 80;
/** Wheel units of one CSS pixel: a notch of 120 is 40 pixels. */
const UNITS = 3;

/**
 * @typedef {object} TouchOwner
 * @property {(rows: InputEvent[]) => void} send
 * @property {(x: number, y: number) => [number, number]} toDesktop
 * @property {() => boolean} zoomed  whether the desktop is larger than the page
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, x: number, y: number) => void} pinch
 * @property {(wait: number, then: () => void) => () => void} later  returns how to cancel
 *
 * @typedef {{ x: number, y: number }} Point
 * @typedef {"idle" | "pressing" | "dragging" | "pair" | "scrolling" | "panning" | "pinching" | "spent"} Gesture
 */

/** All fingers on the desktop. Positions are CSS pixels of the page. */
export class Touch {
  /** @param {TouchOwner} owner */
  constructor(owner) {
    this._owner = owner;
    /** @type {Map<number, Point>} */
    this._fingers = new Map();
    /** Where the fingers of a pair were when it began. @type {Map<number, Point>} */
    this._begun = new Map();
    /** @type {Gesture} */
    this._gesture = "idle";
    /** @type {Point} */
    this._start = { x: 0, y: 0 };
    this._spread = 0;
    /** @type {Point} */
    this._centre = { x: 0, y: 0 };
    this._rest = { x: 0, y: 0 };
    /** @type {() => void} */
    this._cancel = () => undefined;
  }

  /** @param {number} id @param {number} x @param {number} y */
  down(id, x, y) {
    this._fingers.set(id, { x, y });
    if (this._gesture !== "pair") this._begun.clear();
    for (const [finger, place] of this._fingers) if (!this._begun.has(finger)) this._begun.set(finger, { ...place });
    if (this._fingers.size === 1) {
      this._gesture = "pressing";
      this._start = { x, y };
      this._cancel = this._owner.later(LONG_PRESS, () => this._longPress());
      return;
    }
    this._cancel();
    if (this._gesture === "dragging") this._owner.send([[INPUT.BUTTON, 1, false]]);
    if (this._gesture === "spent") return;
    this._gesture = "pair";
    this._centre = this._start = this._middle();
    this._spread = this._distance();
  }

  /** @param {number} id @param {number} x @param {number} y */
  move(id, x, y) {
    const finger = this._fingers.get(id);
    if (!finger) return;
    finger.x = x;
    finger.y = y;
    if (this._gesture === "pressing" && Math.hypot(x - this._start.x, y - this._start.y) > SLOP) {
      this._cancel();
      this._gesture = "dragging";
      this._owner.send([this._moveTo(this._start.x, this._start.y), [INPUT.BUTTON, 1, true], this._moveTo(x, y)]);
    } else if (this._gesture === "dragging") {
      this._owner.send([this._moveTo(x, y)]);
    } else if (this._fingers.size > 1) {
      this._several();
    }
  }

  /** @param {number} id */
  up(id) {
    const finger = this._fingers.get(id);
    if (!finger) return;
    this._fingers.delete(id);
    this._cancel();
    if (this._gesture === "pressing") {
      this._owner.send([this._moveTo(finger.x, finger.y), [INPUT.BUTTON, 1, true], [INPUT.BUTTON, 1, false]]);
    } else if (this._gesture === "dragging") {
      this._owner.send([[INPUT.BUTTON, 1, false]]);
    }
    this._gesture = this._fingers.size ? "spent" : "idle";
  }

  /** The browser took the finger away. @param {number} id */
  cancel(id) {
    if (!this._fingers.delete(id)) return;
    this._cancel();
    if (this._gesture === "dragging") this._owner.send([[INPUT.BUTTON, 1, false]]);
    this._gesture = this._fingers.size ? "spent" : "idle";
  }

  /** Let go of everything. */
  releaseAll() {
    for (const id of [...this._fingers.keys()]) this.cancel(id);
  }

  _longPress() {
    if (this._gesture !== "pressing") return;
    this._gesture = "spent";
    this._owner.send([this._moveTo(this._start.x, this._start.y), [INPUT.BUTTON, 3, true], [INPUT.BUTTON, 3, false]]);
  }

  _several() {
    const centre = this._middle();
    const spread = this._distance();
    const [dx, dy] = [centre.x - this._centre.x, centre.y - this._centre.y];
    if (this._gesture === "pair") {
      const kind = this._kind();
      if (!kind) return;
      this._gesture = kind;
      if (this._gesture === "scrolling") this._owner.send([this._moveTo(this._start.x, this._start.y)]);
      this._rest = { x: 0, y: 0 };
    }
    this._centre = centre;
    if (this._gesture === "panning") {
      this._owner.pan(dx, dy);
    } else if (this._gesture === "pinching") {
      this._owner.pan(dx, dy);
      this._owner.pinch(spread / (this._spread || 1), centre.x, centre.y);
      this._spread = spread;
    } else if (this._gesture === "scrolling") {
      this._scroll(-dx * UNITS, -dy * UNITS);
    }
  }

  /** What several fingers do; null while that can't be told. @returns {Gesture | null} */
  _kind() {
    const moves = [...this._fingers].map(([id, { x, y }]) => {
      const begun = this._begun.get(id) ?? { x, y };
      return { x: x - begun.x, y: y - begun.y };
    });
    const far = moves.filter((move) => Math.hypot(move.x, move.y) > SLOP / 2);
    if (moves.length > 2) return far.length > 1 ? "scrolling" : null;
    if (far.length < 2) return far.length && Math.hypot(far[0].x, far[0].y) > ALONE ? "pinching" : null;
    const together = far[0].x * far[1].x + far[0].y * far[1].y > 0;
    if (!together) return "pinching";
    return this._owner.zoomed() ? "panning" : "scrolling";
  }

  /** @param {number} dx @param {number} dy  what lies under the fingers follows them */
  _scroll(dx, dy) {
    this._rest.x += dx;
    this._rest.y += dy;
    const [x, y] = [Math.trunc(this._rest.x), Math.trunc(this._rest.y)];
    this._rest.x -= x;
    this._rest.y -= y;
    if (x || y) this._owner.send([[INPUT.WHEEL, x, y]]);
  }

  /** @param {number} x @param {number} y @returns {InputEvent} */
  _moveTo(x, y) {
    return [INPUT.MOVE, ...this._owner.toDesktop(x, y)];
  }

  /** @returns {Point} */
  _middle() {
    const all = [...this._fingers.values()];
    return { x: all.reduce((sum, p) => sum + p.x, 0) / all.length, y: all.reduce((sum, p) => sum + p.y, 0) / all.length };
  }

  _distance() {
    const [a, b] = [...this._fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  }
}
