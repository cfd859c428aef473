/**
 * Silence: is a path still there, when nothing has come over it for a while (spec 08-paths, 8.6)?
 *
 * A side that only receives never notices that its NAT has forgotten it: it has to ask. A busy path is asked after 100
 * ms without anything, and counts as silent when it has not answered in about as long; an idle one is asked now and
 * then. What comes says nothing of the other direction, where the input goes: only answers do, so they must not fail
 * either. Times are milliseconds.
 */

import { PATH_TIMER, TIMER } from "../wire/registry.js";

// What each is: spec/registry.json, "path_timers_ms".
export const { ANSWER_DELAY, IDLE_ASK, UNANSWERED, REPEAT } = PATH_TIMER;

/** What to do about a path: nothing, ask, or ask again because it did not answer. */
export const Verdict = Object.freeze({ FINE: "FINE", ASK: "ASK", SILENT: "SILENT" });

/** Watches one path. */
export class Silence {
  constructor() {
    /** @type {number | null} */
    this._asked = null;
    this._last = 0;
    /** @type {number | null} */
    this._busyAt = null;
    /** Whether what was asked has not been answered in time. */
    this.silent = false;
  }

  /** Judge at `now`: when something was last `heard`, and when that `answered` a question, whether there is something
   * to hear, and the round trip. @param {number} now @param {number} heard @param {number} answered @param {boolean}
   * busy @param {number
   * | null} rtt
   * @returns {string} */
  look(now, heard, answered, busy, rtt) {
    if (this._asked !== null && answered > this._asked) {
      this._asked = null;
      this.silent = false;
    }
    if (busy) this.busy(now);
    else this._busyAt = null;
    if (now < this.nextTimeout(heard, answered, rtt)) return Verdict.FINE;
    if (this._asked !== null && !this.silent) {
      this.silent = true;
      this._last = now;
      return Verdict.SILENT;
    }
    this._asked ??= now;
    this._last = now;
    return Verdict.ASK;
  }

  /** There is something to hear from now on. @param {number} now */
  busy(now) {
    this._busyAt ??= now;
  }

  /** When `look` wants to be called. @param {number} heard @param {number} answered @param {number | null} rtt @returns
   * {number} */
  nextTimeout(heard, answered, rtt) {
    const patience = Math.max(TIMER.SILENCE, 1.5 * (rtt ?? 0) + ANSWER_DELAY);
    if (this.silent) return this._last + (heard > this._last ? patience : REPEAT);
    // an answer may have been lost, where something comes all the same: it has time to be repeated
    if (this._asked !== null) return this._asked + (heard > this._asked ? 2 * patience : patience);
    if (this._busyAt === null) return heard + IDLE_ASK;
    return Math.max(Math.min(heard, answered + UNANSWERED), this._busyAt) + patience;
  }
}
