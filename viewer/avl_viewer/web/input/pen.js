/**
 * Pen: what mouse and fingers do over the picture while a person draws there instead of acting on the desktop (spec
 * 04-session, 4.10).
 */

import { INPUT } from "../wire/registry.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent */

/**
 * @typedef {object} Paper
 * @property {(x: number, y: number) => void} point  at something
 * @property {(x: number, y: number, begins: boolean) => void} draw
 * @property {() => void} wipe  what we drew
 */

/** The left button draws, the right one wipes away what we drew, and moving without either points at something. */
export class Pen {
  /** @param {Paper} paper */
  constructor(paper) {
    this._paper = paper;
    this._down = false;
    /** @type {[number, number]} */
    this._at = [0, 0];
    /** Whether the mouse is a pen now. */
    this.drawing = false;
  }

  /** Take it up or put it down; whether it is up now. */
  toggle() {
    this.drawing = !this.drawing;
    this._down = false;
    return this.drawing;
  }

  /** What would be input for the desktop. @param {InputEvent[]} rows */
  take(rows) {
    for (const [kind, first, second] of rows) {
      if (kind === INPUT.MOVE) this._move(Number(first), Number(second));
      else if (kind === INPUT.BUTTON && first === 1) this._press(Boolean(second));
      else if (kind === INPUT.BUTTON && first === 3 && second) this._paper.wipe();
    }
  }

  /** @param {number} x @param {number} y */
  _move(x, y) {
    this._at = [x, y];
    if (this._down) this._paper.draw(x, y, false);
    else this._paper.point(x, y);
  }

  /** @param {boolean} down */
  _press(down) {
    this._down = down;
    if (down) this._paper.draw(...this._at, true);
  }
}
