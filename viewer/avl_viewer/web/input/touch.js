/**
 * Touch: fingers over the page's desktop become input rows (registry "input_events"): as such where the host's system
 * takes fingers and a person wants that, else by their gestures.
 */

import { INPUT, MODIFIER, TOUCH_PHASE } from "../wire/registry.js";
import { Gestures } from "./gestures.js";
import { USAGE } from "./keys.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent @typedef {import("./gestures.js").Act} Act */

/**
 * @typedef {object} TouchOwner
 * @property {(rows: InputEvent[]) => void} send
 * @property {(x: number, y: number) => [number, number]} toDesktop
 * @property {() => boolean} zoomed  whether the desktop is larger than the page
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, x: number, y: number) => void} pinch
 * @property {() => number} clock  milliseconds
 * @property {(wait: number, then: () => void) => () => void} later  returns how to cancel
 */

/** All fingers on the desktop. Positions are CSS pixels of the page. */
export class Touch {
  /** @param {TouchOwner} owner */
  constructor(owner) {
    this._owner = owner;
    this._gestures = new Gestures();
    /** Fingers that travel as such: where each was last. @type {Map<number, [number, number]>} */
    this._fingers = new Map();
    /** Whether fingers that come down from now on travel as such. */
    this.direct = false;
    /** When the gestures want to be asked again. @type {number | null} */
    this._due = null;
    /** @type {() => void} */
    this._cancel = () => undefined;
  }

  /** Whether pinching zooms the view rather than what the program shows. @param {boolean} wanted */
  set zoomsView(wanted) {
    this._gestures.zoomsView = wanted;
  }

  get zoomsView() {
    return this._gestures.zoomsView;
  }

  /** @param {number} id @param {number} x @param {number} y */
  down(id, x, y) {
    if (this.direct) this._direct(id, TOUCH_PHASE.BEGIN, x, y);
    else this._act(this._gestures.down(id, x, y, this._owner.clock()));
  }

  /** @param {number} id @param {number} x @param {number} y */
  move(id, x, y) {
    if (this._fingers.has(id)) {
      this._direct(id, TOUCH_PHASE.MOVE, x, y);
      return;
    }
    this._gestures.zoomed = this._owner.zoomed();
    this._act(this._gestures.move(id, x, y));
  }

  /** @param {number} id */
  up(id) {
    if (this._fingers.has(id)) this._lift(id);
    else this._act(this._gestures.up(id));
  }

  /** The browser took the finger away. @param {number} id */
  cancel(id) {
    if (this._fingers.has(id)) this._lift(id);
    else this._act(this._gestures.cancel(id));
  }

  /** Let go of everything. */
  releaseAll() {
    for (const id of [...this._fingers.keys()]) this._lift(id);
    this._act(this._gestures.releaseAll());
  }

  /** @param {number} id @param {number} phase @param {number} x @param {number} y */
  _direct(id, phase, x, y) {
    const at = this._owner.toDesktop(x, y);
    const before = this._fingers.get(id);
    if (phase === TOUCH_PHASE.MOVE && before && before[0] === at[0] && before[1] === at[1]) return;
    this._fingers.set(id, at);
    this._owner.send([[INPUT.TOUCH, id, phase, ...at]]);
  }

  /** @param {number} id */
  _lift(id) {
    const at = /** @type {[number, number]} */ (this._fingers.get(id));
    this._fingers.delete(id);
    this._owner.send([[INPUT.TOUCH, id, TOUCH_PHASE.END, ...at]]);
  }

  /** @param {Act[]} acts */
  _act(acts) {
    const rows = acts.flatMap((act) => this._rows(act));
    if (rows.length) this._owner.send(rows);
    const due = this._gestures.nextTimeout();
    if (due === this._due) return;
    this._due = due;
    this._cancel();
    this._cancel = () => undefined;
    if (due === null) return;
    this._cancel = this._owner.later(Math.max(0, due - this._owner.clock()), () => {
      this._due = null;
      this._cancel = () => undefined;
      this._act(this._gestures.handleTimer(due));
    });
  }

  /** @param {Act} act @returns {InputEvent[]} */
  _rows(act) {
    switch (act.act) {
      case "move": return [[INPUT.MOVE, ...this._owner.toDesktop(act.x, act.y)]];
      case "press": return [[INPUT.BUTTON, act.button, act.down]];
      case "turn": return [[INPUT.WHEEL, act.dx, act.dy]];
      case "control": return [[INPUT.KEY, USAGE.CONTROL, act.down, act.down ? MODIFIER.CONTROL : 0, ""]];
      case "pan": this._owner.pan(act.dx, act.dy); return [];
      default: this._owner.pinch(act.factor, act.x, act.y); return [];
    }
  }
}
