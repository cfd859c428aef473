/**
 * Caught: the mouse kept in the desktop, where only its movements count, for games and 3D (spec 04-session, 4.6). Where
 * the host shows a pointer all the same, an image of it is moved along.
 */

import { INPUT } from "../wire/registry.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent */

/** Milliseconds in which a lock is offered once. */
const AGAIN = 60_000;

/**
 * @typedef {object} CaughtOwner
 * @property {() => Promise<boolean>} catch  ask the browser for the mouse; whether it gave it
 * @property {() => void} free
 * @property {(text: string, action?: [string, () => void]) => void} tell
 * @property {(place: [number, number] | null) => void} show  the pointer is at this desktop pixel; null: the browser's
 * is
 * @property {(caught: boolean) => void} mark
 * @property {() => { x: number, y: number, width: number, height: number }} desktop  what is seen of it
 */

/** Whether the mouse is caught, and what a person is told of it. */
export class Caught {
  /** @param {CaughtOwner} owner @param {() => number} clock  milliseconds */
  constructor(owner, clock = () => performance.now()) {
    this._owner = owner;
    this._clock = clock;
    /** Whether the host takes movements. */
    this.able = false;
    this._caught = false;
    this._offered = -Infinity;
    /** @type {[number, number]} */
    this._at = [0, 0];
  }

  /** The host's program has hidden its pointer, and somebody pressed there: it may want movements. */
  offer() {
    if (!this.able || this._caught || this._clock() < this._offered + AGAIN) return;
    this._offered = this._clock();
    this._owner.tell("The program there has hidden its pointer: it may want the mouse for itself.", ["Lock pointer", () => void this.toggle()]);
  }

  /** Catch it, or let it go. */
  async toggle() {
    if (this._caught) this._owner.free();
    else if (!this.able) this._owner.tell("This host takes no movements of a mouse. Update avl there.");
    else if (!(await this._owner.catch())) this._owner.tell("The browser did not give the pointer. Click on the desktop, and try again after a second.");
  }

  /** The browser has caught it, or let it go. @param {boolean} caught */
  changed(caught) {
    if (caught === this._caught) return;
    this._caught = caught;
    this._owner.mark(caught);
    this._owner.show(caught ? this._at : null);
    this._owner.tell(caught ? "Your mouse is locked to the desktop. Esc lets it go." : "Your mouse is free. Ctrl+Alt+Shift+L locks it again.");
  }

  /** The pointer was put where the last of these says. @param {InputEvent[]} events */
  follow(events) {
    const placed = events.findLast(([kind]) => kind === INPUT.MOVE);
    if (placed) this._at = [Number(placed[1]), Number(placed[2])];
  }

  /** It was moved by so many desktop pixels. @param {number} dx @param {number} dy */
  by(dx, dy) {
    const { x, y, width, height } = this._owner.desktop();
    this._at = [Math.max(x, Math.min(x + width - 1, this._at[0] + dx)), Math.max(y, Math.min(y + height - 1, this._at[1] + dy))];
    this._owner.show(this._at);
  }
}
