/**
 * Pasting: input that waits until the host has taken our clipboard, so that the pasting key finds it there.
 *
 * What a person does meanwhile waits behind it: Control's release that overtook the key would make a letter of it, and
 * letters that did would stand before the text.
 */

/** Milliseconds after which it is sent all the same. */
const PATIENCE = 500;

/** @typedef {import("./input/outbox.js").InputEvent} InputEvent */

/** The latest text, and the input from its pasting key on. */
export class Pasting {
  /** @param {(events: InputEvent[], at: number) => void} input */
  constructor(input) {
    this._input = input;
    this._serial = 0;
    /** In the order in which it was made. @type {{ events: InputEvent[], at: number, pastes: boolean }[]} */
    this._waiting = [];
    /** @type {number | null} */
    this._due = null;
  }

  /** The number of the next clipboard. */
  next() {
    return ++this._serial;
  }

  /** The pasting key, pressed `at`, waits for the clipboard that was numbered last. @param {InputEvent[]} events @param
   * {number} at @param {number} now */
  wait(events, at, now) {
    if (!events.length) return;
    this._waiting.push({ events, at, pastes: true });
    this._due ??= now + PATIENCE;
  }

  /** Let input wait behind a pasting key; false where none waits. @param {InputEvent[]} events @param {number} at */
  behind(events, at) {
    if (!this._waiting.length) return false;
    this._waiting.push({ events, at, pastes: false });
    return true;
  }

  /** The host has taken this clipboard. @param {number} serial */
  taken(serial) {
    if (serial === this._serial) this._send(() => true);
  }

  /** The host has not taken this clipboard: the pasting key would paste another text. @param {number} serial */
  refused(serial) {
    if (serial === this._serial) this._send(({ pastes }) => !pastes);
  }

  /** Nothing waits any more. */
  clear() {
    this._waiting = [];
    this._due = null;
  }

  /** @param {(one: { pastes: boolean }) => boolean} wanted */
  _send(wanted) {
    const waiting = this._waiting;
    this.clear();
    for (const one of waiting) if (wanted(one)) this._input(one.events, one.at);
  }

  /** When `handleTimer` wants to be called. */
  nextTimeout() {
    return this._due;
  }

  /** Time has passed. @param {number} now */
  handleTimer(now) {
    if (this._due !== null && now >= this._due) this._send(() => true);
  }
}
