/**
 * Pasting: input that waits until the host has taken our clipboard, so that the pasting key finds it there.
 */

/** Milliseconds after which it is sent all the same. */
const PATIENCE = 500;

/** @typedef {import("./input/outbox.js").InputEvent} InputEvent */

/** One text at a time. */
export class Pasting {
  /** @param {(events: InputEvent[], at: number) => void} input */
  constructor(input) {
    this._input = input;
    this._serial = 0;
    /** @type {{ events: InputEvent[], at: number, due: number } | null} */
    this._waiting = null;
  }

  /** The number of the next clipboard. */
  next() {
    return ++this._serial;
  }

  /** Input that a person made `at` waits for the clipboard that was numbered last. @param {InputEvent[]} events @param
   * {number} at @param {number} now */
  wait(events, at, now) {
    if (events.length) this._waiting = { events, at, due: now + PATIENCE };
  }

  /** The host has taken this clipboard. @param {number} serial */
  taken(serial) {
    if (serial === this._serial) this._send();
  }

  /** The host has not taken this clipboard: the pasting key would paste another text. @param {number} serial */
  refused(serial) {
    if (serial === this._serial) this.clear();
  }

  /** Nothing waits any more. */
  clear() {
    this._waiting = null;
  }

  _send() {
    const waiting = this._waiting;
    this._waiting = null;
    if (waiting) this._input(waiting.events, waiting.at);
  }

  /** When `handleTimer` wants to be called. */
  nextTimeout() {
    return this._waiting?.due ?? null;
  }

  /** Time has passed. @param {number} now */
  handleTimer(now) {
    if (this._waiting && now >= this._waiting.due) this._send();
  }
}
