/**
 * The offset between the host's clock and ours, from ping exchanges by a minimum filter (spec 05-media, 5.6).
 *
 * The exchange with the least round trip of the last ones bounds the offset best (NTP, RFC 5905, section 10): half of
 * its round trip is the error.
 */

/** Exchanges whose least round trip is the path's as it is now. */
const NEWEST = 3;

/** Host time = our time + `offset`, all in milliseconds. */
export class ClockOffset {
  /** @param {number} window  exchanges that count */
  constructor(window = 16) {
    this._window = window;
    /** @type {{ trip: number, offset: number }[]} */
    this._samples = [];
    this._seeded = false;
    /** @type {number[]} */
    this._trips = [];
  }

  /** One exchange: we sent at `sent`, the host answered at its `host`, we received at `received`.
   * @param {number} sent @param {number} host @param {number} received */
  sample(sent, host, received) {
    if (received < sent) return;
    this._trips = [...this._trips.slice(1 - NEWEST), received - sent];
    if (this._seeded) this._samples = [];
    this._seeded = false;
    this._samples.push({ trip: received - sent, offset: host - (sent + received) / 2 });
    if (this._samples.length > this._window) this._samples.shift();
  }

  /** A first guess from a one-way message, replaced by the first exchange. @param {number} host @param {number}
   * received */
  seed(host, received) {
    if (this._samples.length) return;
    this._samples = [{ trip: 10_000, offset: host - received }];
    this._seeded = true;
  }

  /** @returns {{ trip: number, offset: number } | null} */
  get _best() {
    return this._samples.length ? this._samples.reduce((a, b) => (b.trip < a.trip ? b : a)) : null;
  }

  /** Milliseconds to add to our time to get the host's; null before the first sample. */
  get offset() {
    return this._best?.offset ?? null;
  }

  /** Half the round trip of the best exchange; null before the first. */
  get error() {
    return this._best ? this._best.trip / 2 : null;
  }

  /** Milliseconds of the best of the newest exchanges; null before the first. */
  get roundTrip() {
    return this._trips.length ? Math.min(...this._trips) : null;
  }

  /** Our time as the host's clock shows it (unchanged before the first sample). @param {number} ours */
  toHost(ours) {
    return ours + (this.offset ?? 0);
  }

  /** The host's time as our clock shows it. @param {number} host */
  fromHost(host) {
    return host - (this.offset ?? 0);
  }
}
