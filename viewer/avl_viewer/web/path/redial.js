/**
 * Redial: when a relay is dialled while a session has none at hand (spec 08-paths, 8.6).
 *
 * At once the first time, then after pauses that double while attempts fail. One that nobody answers does not hold up
 * the next: it may have been lost on a path that has become good again meanwhile. Times are milliseconds.
 */

import { PATH_TIMER } from "../wire/registry.js";

const { FIRST_RETRY, URGENT_RETRY, UNANSWERED_ATTEMPT } = PATH_TIMER;

/** Attempts at one relay at a time; where one more begins, the oldest is given up. */
export const DIALLING = 3;

/** Counts the attempts since a relay was last at hand. */
export class Redial {
  constructor() {
    this._attempts = 0;
    this._dialled = -Infinity;
    this._failed = -Infinity;
    /** @type {number | null} */
    this._at = null;
  }

  /** Whether to dial now, where that is done then. `atHand`: a relay can take the session; `dialling`: an attempt is
   * under way.
   * @param {boolean} atHand @param {boolean} dialling @param {number} now */
  look(atHand, dialling, now) {
    if (atHand) {
      this._attempts = 0;
      this._at = null;
      return false;
    }
    if (!this._attempts) this._at = this._dialled + FIRST_RETRY;
    else if (dialling) this._at = this._dialled + UNANSWERED_ATTEMPT;
    else this._at = Math.max(this._failed, this._dialled) + Math.min(URGENT_RETRY, FIRST_RETRY * 2 ** (this._attempts - 1));
    if (now < this._at) return false;
    this._attempts++;
    this._dialled = now;
    this._at = now + UNANSWERED_ATTEMPT;
    return true;
  }

  /** An attempt at a relay, or the path to one, is over. @param {number} now */
  failed(now) {
    this._failed = now;
  }

  /** Whatever stood in the way may be gone: the next attempt waits for nothing. */
  beginAnew() {
    this._attempts = 0;
    this._dialled = -Infinity;
  }

  /** When `look` should be called again. @returns {number | null} */
  nextTimeout() {
    return this._at;
  }
}
