/**
 * Datagrams of one track -> whole objects, in whatever order they arrive, within bounded memory (spec 05-media, 5.4).
 *
 * It does not decide what is lost: an object is given up only when newer ones have completed and `patience` has passed,
 * because a fragment may be late or repaired, and the decoder can't use what follows without it anyway.
 */

import { Assembly } from "./assembly.js";

/** Objects a track may have unfinished; an older one is given up when more begin. */
const UNFINISHED = 64;
/** Bytes that a track's unfinished objects may hold, parity included; the oldest are given up beyond that. */
const HELD = 8 * 1024 * 1024;
/** A number this far ahead of the newest is forged: it would only wipe the window. */
const LEAP = 1 << 20;

/**
 * @typedef {import("./assembly.js").Header & { object: number }} Header
 *
 * @typedef {object} Assembled  One whole sealed object; `first` and `last` are when its first datagram and the one that
 * completed it
 *   arrived, in milliseconds.
 * @property {number} number
 * @property {number} flags
 * @property {Uint8Array} sealed
 * @property {number} first
 * @property {number} last
 * @property {number} repaired  fragments that parity gave
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
    /** @type {Map<number, Assembly>} */
    this._partials = new Map();
    /** @type {Set<number>} */
    this._done = new Set();
    this._held = 0;
    this._floor = -1;
    this._newestDone = -1;
  }

  /** Bytes that unfinished objects hold. */
  get held() {
    return this._held;
  }

  /** Numbers of the objects that are not whole, the oldest first. @returns {number[]} */
  get unfinished() {
    return [...this._partials.keys()].sort((one, other) => one - other);
  }

  /** How many objects that are over it still knows, so that their late fragments count for nothing. */
  get remembered() {
    return this._done.size;
  }

  /** Take one checked MEDIA, REPAIR or PARITY datagram; the object when this completes it.
   * @param {Header} header @param {Uint8Array} payload @param {number} now @returns {Assembled | null} */
  add(header, payload, now) {
    const number = header.object;
    if (number <= this._floor || this._done.has(number)) return null;
    if (this.newest >= 0 && number > this.newest + LEAP) return null;
    const partial = this._partials.get(number) ?? this._begin(header, now);
    const before = partial.held;
    partial.add(header, payload);
    this._held += partial.held - before;
    if (!partial.whole) {
      this._trim();
      return null;
    }
    this._drop(number, partial);
    this._close(number);
    this._newestDone = Math.max(this._newestDone, number);
    this.received++;
    const { flags, first, repaired } = partial;
    return { number, flags, sealed: partial.sealed(), first, last: now, repaired };
  }

  /** @param {Header} header @param {number} now @returns {Assembly} */
  _begin(header, now) {
    const partial = new Assembly(header.length, header.flags, now);
    this._partials.set(header.object, partial);
    this.newest = Math.max(this.newest, header.object);
    return partial;
  }

  /** Give up the oldest objects while there are too many or they hold too much. */
  _trim() {
    while (this._partials.size > UNFINISHED || this._held > HELD) {
      const oldest = Math.min(...this._partials.keys());
      this._drop(oldest, /** @type {Assembly} */ (this._partials.get(oldest)));
      this._floor = Math.max(this._floor, oldest);
      this.givenUp++;
    }
  }

  /** @param {number} number @param {Assembly} partial */
  _drop(number, partial) {
    this._partials.delete(number);
    this._held -= partial.held;
  }

  /** Its late fragments are not wanted; how many numbers are remembered is bounded. @param {number} number */
  _close(number) {
    this._done.add(number);
    if (this._done.size > 2 * UNFINISHED) this._done.delete(/** @type {number} */ (this._done.values().next().value));
  }

  /** Give up objects that newer ones have overtaken for longer than `patience`; their numbers, oldest first. @param
   * {number} now */
  incomplete(now) {
    const late = [...this._partials]
      .filter(([number, partial]) => number < this._newestDone && now - partial.first > this.patience)
      .sort(([a], [b]) => a - b);
    for (const [number, partial] of late) {
      this._drop(number, partial);
      this._close(number);
    }
    this.givenUp += late.length;
    return late.map(([number]) => number);
  }

  /** Objects below `number` are no longer wanted: a key object has replaced them. @param {number} number */
  forgetBefore(number) {
    this._floor = Math.max(this._floor, number - 1);
    for (const [old, partial] of this._partials) if (old < number) this._drop(old, partial);
  }
}
