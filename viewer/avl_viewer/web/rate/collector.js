/**
 * Collector: the receiving half of a hop, which notes what arrived and says so in feedback datagrams (spec 07-rate,
 * 7.1). Times are milliseconds of our clock.
 */

import { equal } from "../wire/bytes.js";
import { MOST_BYTES, MOST_NAMED, UNITS, encode, encodeReport, nameOf } from "../wire/feedback.js";

/** @typedef {import("../wire/feedback.js").Run} Run */

/** Milliseconds from the first unreported arrival to its report. */
export const INTERVAL = 12;
/** Where less than SLOW bytes a millisecond arrive: milliseconds between two reports, and from the first unreported
 * arrival to its report at least. */
export const SLOW = 125;
export const SLOW_INTERVAL = 25;
export const GATHER = 10;
/** On a long path, or one whose queue somebody fills, a report waits for this share of the round trip, at most so many
 * milliseconds: news that is a second old says no less for being a tenth older, and a thin uplink carries more of
 * others. */
export const SHARE = 0.1;
export const LONGEST_INTERVAL = 100;
/** Arrivals that are reported without waiting longer. */
export const ENOUGH = 24;
/** Reports of one burst that may wait to leave; older ones are forgotten. */
export const WAITING = 32;
/** Bytes that are reckoned for a run beside its name and times, and for a time. */
const NAME = 6;
const TIME = 4;
/** Milliseconds over which the arrival rate is averaged. */
const AVERAGE = 500;

/** Arrivals of one connection, in order. */
export class Collector {
  constructor() {
    /** @type {Uint8Array[]} */
    this._full = [];
    /** @type {Run[]} */
    this._runs = [];
    this._name = new Uint8Array(0);
    this._next = 0;
    this._first = 0;
    /** @type {number[]} */
    this._times = [];
    this._count = 0;
    this._size = 0;
    this._began = 0;
    this._base = 0;
    this._last = 0;
    this._sequence = 0;
    /** @type {Uint8Array | null} */
    this._before = null;
    this._rate = 0;
    /** Milliseconds that a round trip of the connection takes; 0: unknown. */
    this.roundTrip = 0;
    this._bytes = 0;
    this._counted = 0;
  }

  /** A media datagram arrived. Throws RemoteProtocolError(PROTOCOL_ERROR) when it ends before its fragment's number
   * does.
   * @param {Uint8Array} payload @param {number} now */
  arrived(payload, now) {
    const { name, fragment } = nameOf(payload);
    const at = Math.max(Math.floor(now * UNITS), this._last);
    let begins = !this._times.length || fragment !== this._next || !equal(name, this._name);
    if (this._count && (this._count >= MOST_NAMED || this._size + name.length + NAME > MOST_BYTES)) {
      this._full.push(this._report());
      if (this._full.length > WAITING) this._full.shift();
      begins = true;
    }
    if (!this._count) {
      this._began = now;
      this._base = this._last = at;
    }
    if (begins) {
      this._close();
      this._name = name;
      this._first = fragment;
      this._size += name.length + NAME;
    }
    this._next = fragment + 1;
    this._times.push(at - this._last);
    this._last = at;
    this._count++;
    this._size += TIME;
    this._bytes += payload.length;
  }

  get _interval() {
    return Math.max(this._rate > SLOW ? INTERVAL : SLOW_INTERVAL, Math.min(LONGEST_INTERVAL, SHARE * this.roundTrip));
  }

  /** When the next report should leave; null while there is nothing to say. @returns {number | null} */
  due() {
    if (this._full.length) return -Infinity;
    if (!this._count) return null;
    const interval = this._interval;
    if (this._count >= (interval <= SLOW_INTERVAL ? ENOUGH : MOST_NAMED)) return this._began;
    if (interval === SLOW_INTERVAL) return Math.max(this._began + GATHER, this._counted + interval);
    return this._began + interval;
  }

  /** A feedback datagram, which repeats the report before; null while there is nothing to say. After a burst there are
   * several.
   * @param {number} now @returns {Uint8Array<ArrayBuffer> | null} */
  take(now) {
    if (!this._full.length && !this._count) return null;
    const report = this._full.shift() ?? this._report();
    const out = encode(this._before ? [report, this._before] : [report]);
    this._before = report;
    const elapsed = now - this._counted;
    this._rate += (this._bytes / Math.max(elapsed, 1) - this._rate) * Math.min(1, Math.max(0, elapsed) / AVERAGE);
    this._counted = now;
    this._bytes = 0;
    return out;
  }

  _report() {
    this._close();
    const report = encodeReport({ sequence: this._sequence, base: this._base, marked: 0, runs: this._runs });
    this._sequence++;
    this._runs = [];
    this._count = this._size = 0;
    return report;
  }

  _close() {
    if (!this._times.length) return;
    this._runs.push({ name: this._name, fragment: this._first, times: this._times });
    this._times = [];
  }
}
