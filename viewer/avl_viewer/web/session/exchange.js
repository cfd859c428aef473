/**
 * ClockExchange: how our clock lies to the host's, asked quickly at first, so that it is known before it is needed, and
 * then now and then.
 */

import { ClockOffset } from "../media/clock.js";

const QUICK = 200;
const SLOW = 10_000;
const QUICK_ONES = 5;

/** `send` is given the fields of a CLOCK_PING. Times are milliseconds. */
export class ClockExchange {
  /** @param {(fields: { sent_us: number }) => void} send */
  constructor(send) {
    this._send = send;
    this._sent = 0;
    this.offset = new ClockOffset();
  }

  /** Ask; when to ask again. @param {number} now @returns {number} */
  ask(now) {
    this._sent++;
    this._send({ sent_us: Math.round(now * 1000) });
    return now + (this._sent < QUICK_ONES ? QUICK : SLOW);
  }

  /** The host has answered. @param {{ sent_us: number, host_us: number }} pong @param {number} now */
  answered(pong, now) {
    this.offset.sample(pong.sent_us / 1000, pong.host_us / 1000, now);
  }
}
