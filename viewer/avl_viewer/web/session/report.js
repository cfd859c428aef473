/**
 * Reporter: what the host learns about its pictures here, each 250 ms while they change (spec 05-media, 5.6).
 */

import { MAX, TIMER } from "../wire/registry.js";

/** Rows of (object, host time presented in microseconds) that were not told yet. */
export class Reporter {
  constructor() {
    /** @type {[number, number][]} */
    this._rows = [];
    this._due = 0;
  }

  /** A picture was presented at `hostTime` (milliseconds of the host's clock). @param {number} number @param {number}
   * hostTime */
  presented(number, hostTime) {
    this._rows.push([number, Math.max(0, Math.round(hostTime * 1000))]);
    if (this._rows.length > MAX.REPORTED) this._rows.shift();
  }

  /** When the next report is to be sent; null while there is nothing to say. @param {number} now @returns {number |
   * null} */
  next(now) {
    return this._rows.length ? Math.max(this._due, now) : null;
  }

  /** The rows to send now; empty when nothing is due. @param {number} now @returns {[number, number][]} */
  take(now) {
    if (!this._rows.length || now < this._due) return [];
    this._due = now + TIMER.REPORT;
    const rows = this._rows;
    this._rows = [];
    return rows;
  }
}
