/**
 * Mouse: where it is, its buttons and its wheel become input rows (registry "input_events").
 *
 * Buttons are read from the mask that every event carries, so that a release that was never told is noticed with the
 * next event.
 */

import { INPUT } from "../wire/registry.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent */

/** Bit of `buttons` -> the number that travels (X11's). @type {[number, number][]} */
const BUTTONS = [[1, 1], [2, 3], [4, 2], [8, 8], [16, 9]];
/** Wheel units of one notch. */
const NOTCH = 120;
/** Units of one CSS pixel, line and page of a wheel event: browsers scroll 100 pixels or 3 lines a notch. */
const UNITS = [NOTCH / 100, NOTCH / 3, NOTCH * 3];
/** Milliseconds between movements: a mouse may report eight times as often, and nobody sees it. */
const SPACING = 4;

/**
 * @typedef {object} MouseOwner
 * @property {(rows: InputEvent[]) => void} send
 * @property {(x: number, y: number) => [number, number]} toDesktop
 * @property {() => number} clock  milliseconds
 * @property {(wait: number, then: () => void) => void} later
 *
 * @typedef {{ deltaX: number, deltaY: number, deltaMode: number, wheelDeltaX?: number, wheelDeltaY?: number }}
 * WheelLike
 */

/** A mouse or pen over the desktop. Positions are CSS pixels of the page. */
export class Mouse {
  /** @param {MouseOwner} owner */
  constructor(owner) {
    this._owner = owner;
    this._held = 0;
    /** Buttons that were let go of while a finger was on them, until it leaves. */
    this._lost = 0;
    this._x = -1;
    this._y = -1;
    this._moved = -Infinity;
    this._waiting = false;
    /** @type {[number, number] | null} */
    this._next = null;
    this._restX = 0;
    this._restY = 0;
    /** Movements that were not sent yet, while it is caught. */
    this._byX = 0;
    this._byY = 0;
    this._caught = false;
  }

  /** Whether it is caught in the page: it moves, and is nowhere. @param {boolean} caught */
  set caught(caught) {
    this._caught = caught;
    this._next = null;
    this._byX = this._byY = 0;
    this._x = this._y = -1; // where it is at the host is not known any more
  }

  get caught() {
    return this._caught;
  }

  /** It has moved by so many pixels while it is caught, with these buttons down. @param {number} dx @param {number} dy
   * @param {number} buttons */
  by(dx, dy, buttons) {
    this._byX += dx;
    this._byY += dy;
    this._tell(buttons);
  }

  /** The first button goes down here: until now there was none. @param {number} x @param {number} y
   * @param {number} buttons */
  down(x, y, buttons) {
    this._lost = 0;
    if (this._caught) this.by(0, 0, buttons);
    else this.at(x, y, buttons);
  }

  /** The pointer is here now, with these buttons down. @param {number} x @param {number} y @param {number} buttons */
  at(x, y, buttons) {
    this._next = this._owner.toDesktop(x, y);
    this._tell(buttons);
  }

  /** Send buttons that have changed at once, and movements now and then. @param {number} buttons */
  _tell(buttons) {
    const changes = this._changes(buttons);
    if (changes.length) {
      this._owner.send([...this._movement(), ...changes]);
      return;
    }
    const wait = this._moved + SPACING - this._owner.clock();
    if (wait <= 0) {
      this._flush();
    } else if (!this._waiting) {
      this._waiting = true;
      this._owner.later(wait, () => {
        this._waiting = false;
        this._flush();
      });
    }
  }

  /** The wheel turned here. @param {number} x @param {number} y @param {WheelLike} wheel */
  wheel(x, y, wheel) {
    if (!this._caught) this._next = this._owner.toDesktop(x, y);
    const [dx, dy] = units(wheel);
    this._restX += dx;
    this._restY += dy;
    const whole = [Math.trunc(this._restX), Math.trunc(this._restY)];
    this._restX -= whole[0];
    this._restY -= whole[1];
    if (whole[0] || whole[1]) this._owner.send([...this._movement(), [INPUT.WHEEL, whole[0], whole[1]]]);
  }

  /** Let go of the buttons: the page lost the mouse, or the session its way. One that a finger is still on is not pressed
   * anew by the next movement, which would be a press elsewhere that nobody made. */
  releaseAll() {
    const lost = this._lost | this._held;
    const changes = this._changes(0);
    this._lost = lost;
    if (changes.length) this._owner.send(changes);
  }

  _flush() {
    const rows = this._movement();
    if (rows.length) this._owner.send(rows);
  }

  /** @returns {InputEvent[]} */
  _movement() {
    const [dx, dy] = [Math.trunc(this._byX) + 0, Math.trunc(this._byY) + 0]; // no -0, which is no whole number to everybody
    if (dx || dy) {
      this._byX -= dx;
      this._byY -= dy;
      this._moved = this._owner.clock();
      return [[INPUT.MOVE_BY, dx, dy]];
    }
    const next = this._next;
    this._next = null;
    if (!next || (next[0] === this._x && next[1] === this._y)) return [];
    [this._x, this._y] = next;
    this._moved = this._owner.clock();
    return [[INPUT.MOVE, next[0], next[1]]];
  }

  /** @param {number} buttons @returns {InputEvent[]} */
  _changes(buttons) {
    this._lost &= buttons;
    const held = buttons & ~this._lost;
    const changed = this._held ^ held;
    this._held = held;
    return BUTTONS.filter(([bit]) => changed & bit).map(([bit, number]) => [INPUT.BUTTON, number, Boolean(held & bit)]);
  }
}

/** Wheel units of an event, right and down positive. @param {WheelLike} wheel @returns {[number, number]} */
export function units(wheel) {
  const { deltaX, deltaY, deltaMode, wheelDeltaX = 0, wheelDeltaY = 0 } = wheel;
  const notched = (wheelDeltaX || wheelDeltaY) && wheelDeltaX % NOTCH === 0 && wheelDeltaY % NOTCH === 0;
  if (notched) return [0 - wheelDeltaX, 0 - wheelDeltaY]; // whole notches, whatever a notch scrolls here
  const unit = UNITS[deltaMode] ?? UNITS[0];
  return [deltaX * unit, deltaY * unit];
}
