/**
 * Gestures: what fingers on a picture mean, for hosts that know no fingers (spec 04-session, 4.6).
 *
 * A tap clicks, a long press clicks right, one finger drags. Two fingers scroll; pinching turns the wheel with Control
 * held, or zooms the view. Three fingers drag from the middle between them. While the view is zoomed, two fingers move
 * it and three scroll.
 */

/** Milliseconds until a finger that rests clicks right. */
const LONG_PRESS = 500;
/** CSS pixels that a finger may wander and still tap. */
const SLOP = 10;
/** CSS pixels that one finger moves alone before that is a pinch around the other: the browser tells of one finger
 * after the other. */
const ALONE = 80;
/** Wheel units of one CSS pixel: a notch of 120 is 40 pixels. */
const UNITS = 3;
/** Wheel units of a pinch to twice the distance. */
const DOUBLED = 480;

/**
 * @typedef {{ x: number, y: number }} Point
 *
 * @typedef {{ act: "move", x: number, y: number } | { act: "press", button: number, down: boolean }
 *   | { act: "turn", dx: number, dy: number } | { act: "control", down: boolean }
 *   | { act: "pan", dx: number, dy: number } | { act: "zoom", factor: number, x: number, y: number }} Act
 *   What is to be done: the pointer is here; a button, by the number that travels; the wheel, in 120ths of a notch right
 *   and down; the Control key; the view moves; the view grows around a place.
 *
 * @typedef {"idle" | "pressing" | "dragging" | "pair" | "scrolling" | "panning" | "pinching" | "turning" | "carrying" |
 * "spent"} Doing
 */

/** All fingers on one picture. Places are CSS pixels of the page, times milliseconds; what is to be done comes back, in
 * order. */
export class Gestures {
  constructor() {
    /** Whether pinching zooms the view rather than what the program shows. */
    this.zoomsView = false;
    /** Whether the view is larger than the page now. */
    this.zoomed = false;
    /** @type {Map<number, Point>} */
    this._fingers = new Map();
    /** Where the fingers were when they began to do something together. @type {Map<number, Point>} */
    this._begun = new Map();
    /** @type {Doing} */
    this._doing = "idle";
    /** @type {Point} */
    this._start = { x: 0, y: 0 };
    /** @type {Point} */
    this._centre = { x: 0, y: 0 };
    this._spread = 0;
    this._rest = { x: 0, y: 0 };
    /** @type {number | null} */
    this._due = null;
  }

  /** A finger comes down. @param {number} finger @param {number} x @param {number} y @param {number} now
   * @returns {Act[]} */
  down(finger, x, y, now) {
    this._fingers.set(finger, { x, y });
    if (this._doing !== "pair") this._begun.clear();
    for (const [one, at] of this._fingers) if (!this._begun.has(one)) this._begun.set(one, { ...at });
    if (this._fingers.size === 1) {
      this._doing = "pressing";
      this._start = { x, y };
      this._due = now + LONG_PRESS;
      return [];
    }
    this._due = null;
    if (this._doing === "spent") return [];
    const acts = this._letGo();
    this._doing = "pair";
    this._centre = this._start = this._middle();
    this._spread = this._distance();
    return acts;
  }

  /** A finger is elsewhere. @param {number} finger @param {number} x @param {number} y @returns {Act[]} */
  move(finger, x, y) {
    const at = this._fingers.get(finger);
    if (!at) return [];
    at.x = x;
    at.y = y;
    if (this._doing === "pressing") {
      if (Math.hypot(x - this._start.x, y - this._start.y) <= SLOP) return [];
      this._due = null;
      this._doing = "dragging";
      return [{ act: "move", ...this._start }, { act: "press", button: 1, down: true }, { act: "move", x, y }];
    }
    if (this._doing === "dragging") return [{ act: "move", x, y }];
    return this._fingers.size > 1 ? this._together() : [];
  }

  /** A finger is lifted. @param {number} finger @returns {Act[]} */
  up(finger) {
    const at = this._fingers.get(finger);
    if (!at || this._doing !== "pressing") return this.cancel(finger);
    this._fingers.delete(finger);
    this._due = null;
    this._doing = "idle";
    return [{ act: "move", ...at }, { act: "press", button: 1, down: true }, { act: "press", button: 1, down: false }];
  }

  /** The browser took a finger away. @param {number} finger @returns {Act[]} */
  cancel(finger) {
    if (!this._fingers.delete(finger)) return [];
    this._due = null;
    const acts = this._letGo();
    this._doing = this._fingers.size ? "spent" : "idle";
    return acts;
  }

  /** Let go of everything. @returns {Act[]} */
  releaseAll() {
    return [...this._fingers.keys()].flatMap((finger) => this.cancel(finger));
  }

  /** When `handleTimer` wants to be called; null: never. @returns {number | null} */
  nextTimeout() {
    return this._due;
  }

  /** A finger that has rested long enough clicks right. @param {number} now @returns {Act[]} */
  handleTimer(now) {
    if (this._due === null || now < this._due) return [];
    this._due = null;
    this._doing = "spent";
    return [{ act: "move", ...this._start }, { act: "press", button: 3, down: true }, { act: "press", button: 3, down: false }];
  }

  /** What is held by what the fingers do. @returns {Act[]} */
  _letGo() {
    if (this._doing === "dragging" || this._doing === "carrying") return [{ act: "press", button: 1, down: false }];
    return this._doing === "turning" ? [{ act: "control", down: false }] : [];
  }

  /** @returns {Act[]} */
  _together() {
    const centre = this._middle();
    const spread = this._distance();
    const [dx, dy] = [centre.x - this._centre.x, centre.y - this._centre.y];
    /** @type {Act[]} */
    const acts = [];
    if (this._doing === "pair") {
      const kind = this._kind();
      if (!kind) return [];
      this._doing = kind;
      this._rest = { x: 0, y: 0 };
      if (kind === "scrolling" || kind === "turning" || kind === "carrying") acts.push({ act: "move", ...this._start });
      if (kind === "carrying") acts.push({ act: "press", button: 1, down: true });
      if (kind === "turning") acts.push({ act: "control", down: true });
    }
    this._centre = centre;
    if (this._doing === "panning") {
      acts.push({ act: "pan", dx, dy });
    } else if (this._doing === "pinching") {
      acts.push({ act: "pan", dx, dy }, { act: "zoom", factor: spread / (this._spread || 1), ...centre });
      this._spread = spread;
    } else if (this._doing === "turning") {
      acts.push(...this._turned(0, -DOUBLED * Math.log2((spread || 1) / (this._spread || 1))));
      this._spread = spread;
    } else if (this._doing === "scrolling") {
      acts.push(...this._turned(-dx * UNITS, -dy * UNITS));
    } else if (this._doing === "carrying") {
      acts.push({ act: "move", ...centre });
    }
    return acts;
  }

  /** What several fingers do; null while that can't be told. @returns {Doing | null} */
  _kind() {
    const moves = [...this._fingers].map(([one, { x, y }]) => {
      const begun = this._begun.get(one) ?? { x, y };
      return { x: x - begun.x, y: y - begun.y };
    });
    const far = moves.filter((move) => Math.hypot(move.x, move.y) > SLOP / 2);
    const pinches = this.zoomsView ? "pinching" : "turning";
    if (moves.length > 2) {
      if (far.length < 2) return null;
      return this.zoomed ? "scrolling" : "carrying";
    }
    if (far.length < 2) return far.length && Math.hypot(far[0].x, far[0].y) > ALONE ? pinches : null;
    if (far[0].x * far[1].x + far[0].y * far[1].y <= 0) return pinches;
    return this.zoomed ? "panning" : "scrolling";
  }

  /** What lies under the fingers follows them; parts of a unit are kept. @param {number} dx @param {number} dy
   * @returns {Act[]} */
  _turned(dx, dy) {
    this._rest.x += dx;
    this._rest.y += dy;
    const [x, y] = [Math.trunc(this._rest.x), Math.trunc(this._rest.y)];
    this._rest.x -= x;
    this._rest.y -= y;
    return x || y ? [{ act: "turn", dx: x + 0, dy: y + 0 }] : [];
  }

  /** @returns {Point} */
  _middle() {
    const all = [...this._fingers.values()];
    return { x: all.reduce((sum, p) => sum + p.x, 0) / all.length, y: all.reduce((sum, p) => sum + p.y, 0) / all.length };
  }

  /** Between the first two fingers. */
  _distance() {
    const [a, b] = [...this._fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  }
}
