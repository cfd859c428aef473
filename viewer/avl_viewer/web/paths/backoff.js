/**
 * When to try again after a session was lost: soon at first, then less and less often (0.25 s doubling to 5 s), for
 * ever.
 */

import { CLOSE, RETRYABLE } from "../wire/registry.js";

const FIRST = 250;
const LONGEST = 5000;
/** A relay or host that counts attempts is given this long. */
const LIMITED = 20_000;

/** A page that nobody closes also waits where it was counted as one too many, or where a relay closed without a reason.
 * @type {Set<number>} */
const TRIED_AGAIN = new Set([...RETRYABLE, CLOSE.NO_ERROR, CLOSE.LIMIT]);

/** Whether a session that ran and ended with `code` should be tried again. @param {number} code */
export function passing(code) {
  return TRIED_AGAIN.has(code);
}

/** Milliseconds to wait, attempt by attempt. */
export class Backoff {
  constructor() {
    this._next = FIRST;
  }

  /** How long to wait after an attempt that ended with `code`. @param {number} code */
  after(code) {
    if (code === CLOSE.LIMIT) return LIMITED;
    if (code === CLOSE.SESSION_UNKNOWN) return 0; // the host is there, and begins another
    const wait = this._next;
    this._next = Math.min(LONGEST, wait * 2);
    return wait;
  }

  /** An attempt succeeded. */
  reset() {
    this._next = FIRST;
  }
}
