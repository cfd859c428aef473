/**
 * Hands objects to the decoder in an order it can decode: each only after the one it depends on (spec 05-media, 5.4).
 *
 * A dependency named in the preamble tells a dropped object (nothing depends on it) from a lost one. What can't be
 * decoded waits
 * `patience` for its dependency to be repaired; then the track must recover, and everything up to the next key object
 * is useless.
 */

/** Objects that may wait for a dependency. */
const WAITING = 64;

/**
 * One track's decode order. Times are milliseconds.
 * @template T
 */
export class Ordering {
  /** @param {number} patience */
  constructor(patience = 150) {
    this.patience = patience;
    /** The newest object handed to the decoder; null before any. @type {number | null} */
    this.last = null;
    /** @type {Map<number, { depends: number, since: number, value: T }>} */
    this._waiting = new Map();
  }

  /** Take an opened object; what may be decoded now, in order.
   * @param {number} number @param {number | null} depends  null for a key object @param {T} value @param {number} now
   * @returns {T[]} */
  add(number, depends, value, now) {
    if (this.last !== null && number <= this.last) return [];
    if (depends !== null && depends !== this.last) {
      if (this.last !== null && depends < this.last) return []; // of a group that a key object has replaced
      this._waiting.set(number, { depends, since: now, value });
      if (this._waiting.size > WAITING) this._waiting.delete(Math.min(...this._waiting.keys()));
      return [];
    }
    const out = [value];
    this.last = number;
    if (!this._waiting.size) return out;
    for (const old of [...this._waiting.keys()]) if (old <= number) this._waiting.delete(old);
    for (let next = this._successor(); next !== null; next = this._successor()) {
      out.push(/** @type {{ value: T }} */ (this._waiting.get(next)).value);
      this._waiting.delete(next);
      this.last = next;
    }
    return out;
  }

  /** @returns {number | null} */
  _successor() {
    let found = null;
    for (const [number, waiting] of this._waiting) {
      if (waiting.depends === this.last && (found === null || number < found)) found = number;
    }
    return found;
  }

  /** What waits is of no use any more. */
  forgetWaiting() {
    this._waiting.clear();
  }

  /** The first object that can't be decoded for longer than `patience`: recovery is needed from it on. @param {number}
   * now */
  stuck(now) {
    const late = [...this._waiting].filter(([, waiting]) => now - waiting.since >= this.patience).map(([number]) => number);
    return late.length ? Math.min(...late) : null;
  }

  /** When `stuck` may turn true; null when nothing waits. @returns {number | null} */
  nextCheck() {
    if (!this._waiting.size) return null;
    return Math.min(...[...this._waiting.values()].map((waiting) => waiting.since)) + this.patience;
  }
}
