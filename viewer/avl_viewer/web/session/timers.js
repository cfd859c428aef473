/**
 * One table of named timers: nothing else in a state machine can be waiting.
 * Times are milliseconds of the caller's clock.
 */

/** What a machine may be waiting for. */
export const Timer = Object.freeze({
  HELLO: "HELLO",
  HANDSHAKE: "HANDSHAKE",
  STALE: "STALE",
  HOLDING: "HOLDING",
  LATE: "LATE",
  UNCONFIRMED: "UNCONFIRMED",
  REPORT: "REPORT",
  CLOCK: "CLOCK",
  RECOVER: "RECOVER",
  REOPEN: "REOPEN",
  RETRY: "RETRY",
  TELL: "TELL",
  PART: "PART",
  STATISTICS: "STATISTICS",
});

/** Deadlines by name. */
export class Timers {
  constructor() {
    /** @type {Map<string, number>} */
    this._due = new Map();
  }

  /** Fire at `at`, instead of whenever it was set for. @param {string} timer @param {number} at */
  set(timer, at) {
    this._due.set(timer, at);
  }

  /** Do not fire. @param {string} timer */
  stop(timer) {
    this._due.delete(timer);
  }

  /** Whether it will fire. @param {string} timer */
  isSet(timer) {
    return this._due.has(timer);
  }

  /** Nothing is waited for any more. */
  stopAll() {
    this._due.clear();
  }

  /** When the earliest fires; null when none will. @returns {number | null} */
  nextTimeout() {
    return this._due.size ? Math.min(...this._due.values()) : null;
  }

  /** Those due at `now`, earliest first; they are no longer set. @param {number} now @returns {string[]} */
  expired(now) {
    const due = [...this._due].filter(([, at]) => at <= now).sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
    for (const [timer] of due) this._due.delete(timer);
    return due.map(([timer]) => timer);
  }
}
