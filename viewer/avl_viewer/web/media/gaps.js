/**
 * Gaps: which objects of a track a viewer lacks, where it has to ask for what they showed (spec 05-media, 5.7.4).
 */

import { MAX } from "../wire/registry.js";

/** @typedef {[number, number]} Row  First and last object. */

/**
 * The objects from `first` on that have not come. Times are milliseconds.
 *
 * At most MISSING_ROWS gaps are told apart; beyond that they count as one, objects between them that came included:
 * what is asked for needlessly costs a few bytes.
 */
export class Gaps {
  /** @param {number} first */
  constructor(first) {
    this._newest = first - 1;
    /** @type {{ first: number, last: number, since: number }[]} */
    this._gaps = [];
  }

  /** The highest number that came or was told. */
  get newest() {
    return this._newest;
  }

  /** What is missing. @returns {Row[]} */
  get rows() {
    return this._gaps.map(({ first, last }) => [first, last]);
  }

  /** Whether an object up to `last` is missing. @param {number} last */
  lacks(last) {
    return this._gaps.length > 0 && this._gaps[0].first <= last;
  }

  /** An object is here, or is of no use any more. @param {number} number @param {number} now */
  came(number, now) {
    if (number > this._newest) {
      this._lack(this._newest + 1, number - 1, now);
      this._newest = number;
    } else if (this._gaps.length) {
      this._close(number, number);
    }
  }

  /** The host says that it has made objects up to `newest`. @param {number} newest @param {number} now */
  told(newest, now) {
    if (newest <= this._newest) return;
    this._lack(this._newest + 1, newest, now);
    this._newest = newest;
  }

  /** An object came and could not be used. @param {number} number @param {number} now */
  leftOut(number, now) {
    this._lack(number, number, now);
  }

  /** What these objects showed is sent again in others. @param {Row[]} rows */
  replaced(rows) {
    for (const [first, last] of rows) this._close(first, last);
  }

  /** What has been missing for so long; it is missed anew from now on. @param {number} now @param {number} patience
   * @returns {Row[]} */
  due(now, patience) {
    const late = this._gaps.filter(({ since }) => now - since >= patience);
    for (const gap of late) gap.since = now;
    return late.map(({ first, last }) => [first, last]);
  }

  /** When `due` has something to say; null: never. @param {number} patience @returns {number | null} */
  nextCheck(patience) {
    return this._gaps.length ? Math.min(...this._gaps.map(({ since }) => since)) + patience : null;
  }

  /** @param {number} first @param {number} last @param {number} now */
  _lack(first, last, now) {
    if (first > last) return;
    const gaps = [...this._gaps, { first, last, since: now }].sort((one, other) => one.first - other.first);
    const merged = () => ({ first: gaps[0].first, last: Math.max(...gaps.map((gap) => gap.last)), since: Math.min(...gaps.map(({ since }) => since)) });
    this._gaps = gaps.length > MAX.MISSING_ROWS ? [merged()] : gaps;
  }

  /** @param {number} first @param {number} last */
  _close(first, last) {
    this._gaps = this._gaps.flatMap((gap) => {
      if (gap.last < first || gap.first > last) return [gap];
      const before = gap.first < first ? [{ ...gap, last: first - 1 }] : [];
      const after = gap.last > last ? [{ ...gap, first: last + 1 }] : [];
      return [...before, ...after];
    });
  }
}
