/**
 * Stylus: a pen with pressure and tilt over the page's desktop, for hosts that take one (registry "input_events", PEN).
 */

import { INPUT, MAX, PEN_STATE } from "../wire/registry.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent */

/** Bit of `buttons` (W3C Pointer Events, 4.1.3.2) -> what it says of the pen. @type {[number, number][]} */
const BUTTONS = [[1, PEN_STATE.TIP], [2, PEN_STATE.BARREL], [4, PEN_STATE.SECOND], [32, PEN_STATE.TIP | PEN_STATE.ERASER]];

/**
 * @typedef {Pick<PointerEvent, "clientX" | "clientY" | "buttons" | "pressure" | "tiltX" | "tiltY">} PenEvent
 */

/** One pen. Positions are CSS pixels of the page. */
export class Stylus {
  /** @param {{ send: (rows: InputEvent[]) => void, toDesktop: (x: number, y: number) => [number, number] }} owner */
  constructor(owner) {
    this._owner = owner;
    /** Where it is; null: it is not near. @type {[number, number] | null} */
    this._at = null;
    this._said = "";
  }

  /** It is here. @param {PenEvent} event */
  at({ clientX, clientY, buttons, pressure, tiltX, tiltY }) {
    this._at = this._owner.toDesktop(clientX, clientY);
    let state = Number(PEN_STATE.NEAR);
    for (const [bit, means] of BUTTONS) if (buttons & bit) state |= means;
    const pressed = state & PEN_STATE.TIP ? Math.round(Math.min(1, Math.max(0, pressure)) * MAX.PEN_PRESSURE) : 0;
    this._say([INPUT.PEN, ...this._at, pressed, Math.round(tiltX) || 0, Math.round(tiltY) || 0, state]);
  }

  /** It is gone. */
  leave() {
    if (!this._at) return;
    this._say([INPUT.PEN, ...this._at, 0, 0, 0, 0]);
    this._at = null;
  }

  /** @param {InputEvent} row */
  _say(row) {
    if (String(row) === this._said) return;
    this._said = String(row);
    this._owner.send([row]);
  }
}
