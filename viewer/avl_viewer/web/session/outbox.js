/**
 * InputOutbox: input on its way out, numbered and coalesced (spec 04-session, 4.6).
 */

import { INPUT } from "../wire/registry.js";

/** Events of one batch; a record holds at least this many. */
const BATCH = 64;
/** Characters of one TEXT event. */
const TEXT = 1024;

/**
 * @typedef {(number | boolean | string)[]} InputEvent  A row of (INPUT kind, ...).
 * @typedef {{ sequence: number, time_us: number, events: InputEvent[] }} Batch
 */

/** Events that have not left yet. */
export class InputOutbox {
  /** Bytes the hop may have in flight before moves wait and coalesce. */
  room = 4096;

  constructor() {
    /** @type {InputEvent[]} */
    this._events = [];
    this._sequence = 0;
    /** @type {Set<string>} */
    this._held = new Set();
  }

  /** Whether something waits. */
  get pending() {
    return this._events.length > 0;
  }

  /** Whether a key or button is down. */
  get holds() {
    return this._held.size > 0;
  }

  /** Queue events; the sequence number of the batch that will carry the last of them. @param {InputEvent[]} events */
  add(events) {
    for (const event of events) {
      const kind = event[0];
      if (kind === INPUT.MOVE && this._events.at(-1)?.[0] === INPUT.MOVE) {
        this._events[this._events.length - 1] = event;
        continue;
      }
      if (kind === INPUT.TEXT && String(event[1]).length > TEXT) {
        for (const part of pieces(String(event[1]))) this._events.push([kind, part]);
        continue;
      }
      if (kind === INPUT.KEY || kind === INPUT.BUTTON) {
        const name = `${kind} ${event[1]}`;
        if (event[2]) this._held.add(name);
        else this._held.delete(name);
      } else if (kind === INPUT.RELEASE_ALL) {
        this._held.clear();
      }
      this._events.push(event);
    }
    return this._sequence + this._batches();
  }

  _batches() {
    let batches = 0;
    let begun = 0;
    for (let at = 0; at < this._events.length; at++) {
      if (at > 0 && !this._full(at, begun)) continue;
      batches++;
      begun = at;
    }
    return batches;
  }

  /** Whether the batch that begins at `begun` ends before event `at`: a TEXT travels alone, so that a record holds it.
   * @param {number} at @param {number} begun */
  _full(at, begun) {
    return at - begun >= BATCH || this._events[at][0] === INPUT.TEXT || this._events[at - 1][0] === INPUT.TEXT;
  }

  /** Say that what is held stays held. */
  hold() {
    if (this._held.size && !this._events.length) this._events.push([INPUT.HOLDING]);
  }

  /** The first batch of what waits, of this moment of the host's clock in microseconds. Only while `pending`.
   * @param {number} hostTimeUs @returns {Batch} */
  take(hostTimeUs) {
    let size = 1;
    while (size < this._events.length && !this._full(size, 0)) size++;
    return { sequence: ++this._sequence, time_us: Math.max(0, Math.round(hostTimeUs)), events: this._events.splice(0, size) };
  }

  /** Forget what waits and what is held: the host has let go of it. */
  clear() {
    this._events = [];
    this._held.clear();
  }
}

/** A text in pieces of at most TEXT UTF-16 units that never part a surrogate pair. @param {string} text */
function* pieces(text) {
  let at = 0;
  while (at < text.length) {
    let end = Math.min(text.length, at + TEXT);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last < 0xdc00) end--;
    yield text.slice(at, end);
    at = end;
  }
}
