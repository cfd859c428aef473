/**
 * InputLedger: what has become of the input that was sent; a person is told of what came to nothing (spec 04-session,
 * 4.6).
 */

import { INPUT, PEN_STATE, TIMER, TOUCH_PHASE } from "../../wire/registry.js";

/** Batches that are remembered at most: a host that answers none must not fill our memory. */
const MOST = 65_536;

/** What became of input that was not applied, as far as is known: it waited for too long; the host discarded it; it was
 * sent, and the host has not said that it was applied. */
export const Fate = Object.freeze({ UNSENT: "UNSENT", DISCARDED: "DISCARDED", UNCONFIRMED: "UNCONFIRMED" });

/**
 * @typedef {import("./outbox.js").InputEvent} InputEvent
 * @typedef {{ sequence: number, events: InputEvent[], fate: string }} Dropped  Events of the batch `sequence` that came
 * to nothing.
 */

/** Batches that have left and that the host has not answered. Times are milliseconds of our clock. */
export class InputLedger {
  constructor() {
    /** @type {{ sequence: number, events: InputEvent[] }[]} */
    this._sent = [];
    this._discarded = 0;
    this._told = 0;
    this._since = 0;
  }

  /** A batch has left. @param {number} sequence @param {InputEvent[]} events @param {number} now */
  sent(sequence, events, now) {
    if (this.due() === null) this._since = now;
    this._sent.push({ sequence, events });
    if (this._sent.length > MOST) this._sent.shift();
  }

  /** The host has applied batches up to `sequence`, and discarded so many events in all: which those were. It says no
   * more than their number; what acts is discarded first (R-SESS-19), and one batch is answered at a time.
   * @param {number} sequence @param {number} discarded @param {number} now @returns {Dropped[]} */
  applied(sequence, discarded, now) {
    const answered = this._sent.filter((batch) => batch.sequence <= sequence);
    if (answered.length) this._since = now;
    this._sent.splice(0, answered.length);
    let count = Math.max(0, discarded - this._discarded);
    this._discarded = Math.max(discarded, this._discarded);
    /** @type {Dropped[]} */
    const dropped = [];
    for (const batch of answered) {
      const candidates = batch.events.filter(counts);
      const events = [...candidates.filter(acts), ...candidates.filter((event) => !acts(event))].slice(0, count);
      count -= events.length;
      if (events.length) dropped.push({ sequence: batch.sequence, events, fate: Fate.DISCARDED });
    }
    return dropped;
  }

  /** When `overdue` will next have something to tell; null: never. @returns {number | null} */
  due() {
    return this._sent.some((batch) => this._untold(batch)) ? this._since + TIMER.INPUT_UNCONFIRMED : null;
  }

  /** What the host has not answered for too long; each batch is told once. @param {number} now @returns {Dropped[]} */
  overdue(now) {
    const due = this.due();
    return due !== null && now >= due ? this.giveUp() : [];
  }

  /** All that was not answered and not told. @returns {Dropped[]} */
  giveUp() {
    const untold = this._sent.filter((batch) => this._untold(batch));
    this._told = untold.at(-1)?.sequence ?? this._told;
    return untold.map(({ sequence, events }) => ({ sequence, events: events.filter(counts), fate: Fate.UNCONFIRMED }));
  }

  /** @param {{ sequence: number, events: InputEvent[] }} batch */
  _untold({ sequence, events }) {
    return sequence > this._told && events.some(counts);
  }
}

/** Whether somebody meant something by it, more than pointing and letting go. @param {InputEvent} event */
export function acts([kind, , down, , , , state]) {
  if (kind === INPUT.TOUCH) return down === TOUCH_PHASE.BEGIN;
  if (kind === INPUT.PEN) return Boolean(Number(state) & PEN_STATE.TIP);
  if (kind === INPUT.MOVE_BY) return true;
  return kind === INPUT.TEXT || kind === INPUT.WHEEL || ((kind === INPUT.KEY || kind === INPUT.BUTTON) && down === true);
}

/** Whether a host that discards the event counts it. @param {InputEvent} event */
function counts([kind]) {
  return kind !== INPUT.RELEASE_ALL && kind !== INPUT.HOLDING;
}
