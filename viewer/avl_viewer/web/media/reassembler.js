/**
 * Datagrams of one track -> whole objects, in whatever order they arrive, within bounded memory (spec 05-media, 5.4).
 *
 * It does not decide what is lost: an object is given up only when newer ones have completed and `patience` has passed, because a
 * fragment may be late or repaired, and the decoder can't use what follows without it anyway.
 */

import { MAX } from "../wire/registry.js";

/** Objects a track may have unfinished; an older one is given up when more begin. */
const UNFINISHED = 64;
/** A number this far ahead of the newest is forged: it would only wipe the window. */
const LEAP = 1 << 20;

/**
 * @typedef {object} Assembled  One whole sealed object; `first` and `last` are when its first and last fragment arrived, in milliseconds.
 * @property {number} number
 * @property {number} flags
 * @property {Uint8Array} sealed
 * @property {number} first
 * @property {number} last
 *
 * @typedef {{ flags: number, length: number, missing: number, first: number, data: Uint8Array, have: Uint8Array }} Partial
 */

/** One track's objects. */
export class Reassembler {
  /** @param {number} patience  milliseconds */
  constructor(patience = 250) {
    this.patience = patience;
    /** The highest object number seen, -1 before any. */
    this.newest = -1;
    this.received = 0;
    this.givenUp = 0;
    /** @type {Map<number, Partial>} */
    this._partials = new Map();
    /** @type {Set<number>} */
    this._done = new Set();
    this._floor = -1;
    this._newestDone = -1;
  }

  /** Take one checked fragment; the object when this completes it.
   * @param {{ object: number, flags: number, fragment: number, length: number }} header
   * @param {Uint8Array} payload @param {number} now @returns {Assembled | null} */
  add(header, payload, now) {
    const number = header.object;
    if (number <= this._floor || this._done.has(number)) return null;
    if (this.newest >= 0 && number > this.newest + LEAP) return null;
    const partial = this._partials.get(number) ?? this._begin(header, now);
    if (partial.length !== header.length || partial.flags !== header.flags || partial.have[header.fragment]) return null;
    partial.have[header.fragment] = 1;
    partial.data.set(payload, header.fragment * MAX.FRAGMENT_PAYLOAD);
    if (--partial.missing) return null;
    this._partials.delete(number);
    this._done.add(number);
    if (this._done.size > 2 * UNFINISHED) this._done.delete(/** @type {number} */ (this._done.values().next().value));
    this._newestDone = Math.max(this._newestDone, number);
    this.received++;
    return { number, flags: partial.flags, sealed: partial.data, first: partial.first, last: now };
  }

  /** @param {{ object: number, flags: number, length: number }} header @param {number} now @returns {Partial} */
  _begin(header, now) {
    const count = Math.ceil(header.length / MAX.FRAGMENT_PAYLOAD);
    const partial = {
      flags: header.flags,
      length: header.length,
      missing: count,
      first: now,
      data: new Uint8Array(header.length),
      have: new Uint8Array(count),
    };
    this._partials.set(header.object, partial);
    this.newest = Math.max(this.newest, header.object);
    while (this._partials.size > UNFINISHED) {
      const oldest = Math.min(...this._partials.keys());
      this._partials.delete(oldest);
      this._floor = Math.max(this._floor, oldest);
      this.givenUp++;
    }
    return partial;
  }

  /** Give up objects that newer ones have overtaken for longer than `patience`; their numbers, oldest first. @param {number} now */
  incomplete(now) {
    const late = [...this._partials]
      .filter(([number, partial]) => number < this._newestDone && now - partial.first > this.patience)
      .map(([number]) => number)
      .sort((a, b) => a - b);
    for (const number of late) {
      this._partials.delete(number);
      this._done.add(number);
    }
    this.givenUp += late.length;
    return late;
  }

  /** Objects below `number` are no longer wanted: a key object has replaced them. @param {number} number */
  forgetBefore(number) {
    this._floor = Math.max(this._floor, number - 1);
    for (const old of [...this._partials.keys()]) if (old < number) this._partials.delete(old);
  }
}
