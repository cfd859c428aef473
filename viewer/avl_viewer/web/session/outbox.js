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
      const last = this._events.at(-1);
      if (kind === INPUT.MOVE && last?.[0] === INPUT.MOVE) {
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
    return this._sequence + this._cut().length;
  }

  /** The events in batches, each with at most one TEXT so that a record holds it. @returns {InputEvent[][]} */
  _cut() {
    /** @type {InputEvent[][]} */
    const out = [];
    for (const event of this._events) {
      const batch = out.at(-1);
      const full =
        !batch || batch.length >= BATCH || event[0] === INPUT.TEXT || batch[batch.length - 1][0] === INPUT.TEXT;
      if (full) out.push([event]);
      else batch.push(event);
    }
    return out;
  }

  /** Say that what is held stays held. */
  hold() {
    if (this._held.size && !this._events.length) this._events.push([INPUT.HOLDING]);
  }

  /** All that waits, as batches of this moment of the host's clock in microseconds. @param {number} hostTimeUs @returns {Batch[]} */
  take(hostTimeUs) {
    const time_us = Math.max(0, Math.round(hostTimeUs));
    const out = this._cut().map((events) => ({ sequence: ++this._sequence, time_us, events }));
    this._events = [];
    return out;
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
