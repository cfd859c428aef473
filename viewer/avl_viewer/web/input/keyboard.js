/**
 * Keyboard: key events become input rows (registry "input_events").
 *
 * A key travels as its place plus the text it made here. A held key is not repeated, because the host's own display
 * does that. What an input method is working on is left to it, and travels as text when it is done.
 *
 * Browsers lose releases: the system takes a shortcut whose keys went down in the page. So what is held is checked
 * against what every event says: the modifiers it carries, a key that goes down twice, and repetitions that cease.
 */

import { INPUT, MODIFIER } from "../wire/registry.js";
import { CODES, KEYPAD, LETTERS, MODIFIER_KEYS, TWOFOLD, USAGE } from "./keys.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent */

/** Milliseconds after which a key that is neither repeated nor released is up: systems repeat one that is held sooner.
 * */
export const SILENT = 1250;
/** Milliseconds by which the pointer's events may be behind those of keys, or tell modifiers of before. */
const BEHIND = 100;
/** With one of these held a key is a command. */
const COMMAND = MODIFIER.CONTROL | MODIFIER.ALT | MODIFIER.META;

/** @type {[string, number][]} */
const STATES = [
  ["Control", MODIFIER.CONTROL], ["Shift", MODIFIER.SHIFT], ["Alt", MODIFIER.ALT], ["Meta", MODIFIER.META], ["AltGraph", MODIFIER.ALTGR],
  ["CapsLock", MODIFIER.CAPS_LOCK], ["NumLock", MODIFIER.NUM_LOCK], ["ScrollLock", MODIFIER.SCROLL_LOCK],
];

/**
 * @typedef {Pick<KeyboardEvent, "code" | "key" | "keyCode" | "repeat" | "isComposing" | "getModifierState" |
 * "timeStamp">} KeyEvent
 * @typedef {Pick<MouseEvent, "getModifierState" | "timeStamp">} PointerEvidence
 *
 * @typedef {"taken" | "compose" | "paste"} Verdict  What is to become of the browser's own handling: prevented, left to
 * an input method, or left so that a paste event follows.
 */

/** Turns key events into rows and hands them to `send`. */
export class Keyboard {
  /** @param {(rows: InputEvent[]) => void} send @param {(wanted: boolean) => void} watch  have `silent` called after
   * SILENT, instead of whenever it was to be called before; or not at all @param {boolean} mac  Alt is a level shift,
   * and Command swallows releases */
  constructor(send, watch, mac = false) {
    this._send = send;
    this._watch = watch;
    this._mac = mac;
    /** Keys that are down, and when they went down. @type {Map<number, number>} */
    this._held = new Map();
    /** The key that the desktop repeats now, and one that was let go of because it seemed to be up. @type {number |
     * null} */
    this._repeats = null;
    /** @type {number | null} */
    this._quiet = null;
    /** Keys travel by their place alone, as games want it. */
    this.places = false;
  }

  /** A key went down. @param {KeyEvent} event @returns {Verdict} */
  press(event) {
    if (event.isComposing || event.keyCode === 229 || event.key === "Process") return "compose";
    if (event.key === "Dead" && !this.places) return "compose";
    const usage = CODES.get(event.code);
    const printable = [...event.key].length === 1;
    if (usage === undefined) {
      if (!printable) return event.key === "Unidentified" ? "compose" : "taken";
      this._send([[INPUT.TEXT, event.key]]);
      return "taken";
    }
    const command = this._mac && event.getModifierState("Meta") && !MODIFIER_KEYS.has(usage);
    if (event.repeat && usage !== this._quiet && !command) {
      if (usage === this._repeats) this._watch(true);
      return "taken";
    }
    const rows = this._reconcile(event, usage);
    if (this._held.has(usage)) rows.push(...this._release([usage], event)); // its release was lost
    let bits = modifiers(event);
    if (pastes(event, bits)) {
      if (rows.length) this._send(rows);
      return "paste";
    }
    if (usage === USAGE.ALT_RIGHT && event.key === "AltGraph" && this._held.delete(USAGE.CONTROL)) {
      rows.push([INPUT.KEY, USAGE.CONTROL, false, bits & ~MODIFIER.CONTROL, ""]); // Windows makes AltGr from Control and Alt
    }
    if (bits & MODIFIER.ALTGR) bits &= ~(MODIFIER.CONTROL | MODIFIER.ALT);
    if (this._mac && printable && (bits & COMMAND) === MODIFIER.ALT) bits = (bits & ~MODIFIER.ALT) | MODIFIER.ALTGR;
    if (TWOFOLD.has(usage)) { // X makes digits where either Num Lock or Shift is on
      const lock = printable !== Boolean(bits & MODIFIER.SHIFT);
      bits = lock ? bits | MODIFIER.NUM_LOCK : bits & ~MODIFIER.NUM_LOCK;
    }
    const shifted = this._mac && bits & MODIFIER.ALT; // what Option made of the letter is not what is on the key
    const text = printable && !this.places && !KEYPAD.has(usage) && !shifted ? event.key : "";
    rows.push([INPUT.KEY, usage, true, bits, text]);
    if (command) {
      rows.push([INPUT.KEY, usage, false, bits, ""]); // macOS does not tell that keys go up while Command is held
    } else {
      this._held.set(usage, event.timeStamp);
      if (!MODIFIER_KEYS.has(usage)) this._expect(usage);
    }
    this._send(rows);
    return "taken";
  }

  /** A key went up; those that are not held are left out. @param {KeyEvent} event */
  release(event) {
    const usage = CODES.get(event.code);
    const known = usage !== undefined && this._held.has(usage);
    const rows = event.isComposing || event.keyCode === 229 ? [] : this._reconcile(event, usage);
    if (known) rows.push(...this._release([usage], event));
    if (usage === USAGE.META || usage === USAGE.META_RIGHT) {
      // macOS does not tell that keys went up while Command was held
      rows.push(...this._release([...this._held.keys()].filter((other) => !MODIFIER_KEYS.has(other)), event));
    }
    if (rows.length) this._send(rows);
  }

  /** An event of the pointer says which modifiers are held. @param {PointerEvidence} event */
  evidence(event) {
    const rows = this._reconcile(event, undefined, BEHIND);
    if (rows.length) this._send(rows);
  }

  /** The key that the system would repeat by now, were it held, is neither repeated nor released. */
  silent() {
    if (this._repeats === null || this.places || !this._held.has(this._repeats)) return;
    this._quiet = this._repeats;
    this._send(this._release([this._quiet], null));
  }

  /** Let go of everything: the page lost the keyboard. */
  releaseAll() {
    const held = this._held.size > 0;
    this._held.clear();
    this._expect(null);
    this._quiet = null;
    if (held) this._send([[INPUT.RELEASE_ALL]]);
  }

  /** Modifier keys that an event of another key, or of the pointer, says are up.
   * @param {PointerEvidence} event @param {number | undefined} usage  the key of the event @param {number} behind
   * milliseconds @returns {InputEvent[]} */
  _reconcile(event, usage, behind = 0) {
    const bits = modifiers(event);
    const told = bits & MODIFIER.ALTGR ? bits | MODIFIER.ALT : bits;
    const bit = (/** @type {number | undefined} */ key) => (key === USAGE.ALT_RIGHT ? MODIFIER.ALT : MODIFIER_KEYS.get(key ?? 0) ?? 0);
    const lost = [...this._held].filter(([key, since]) => {
      const mine = bit(key);
      return mine && mine !== bit(usage) && !(told & mine) && event.timeStamp >= since + behind;
    });
    return this._release(lost.map(([key]) => key), event);
  }

  /** Let go of these keys. @param {number[]} keys @param {PointerEvidence | null} event @returns {InputEvent[]} */
  _release(keys, event) {
    for (const key of keys) {
      this._held.delete(key);
      if (key === this._repeats) this._expect(null);
    }
    const held = [...this._held.keys()].reduce((all, key) => all | (MODIFIER_KEYS.get(key) ?? 0), 0);
    const bits = event ? modifiers(event) : held;
    return keys.map((key) => [INPUT.KEY, key, false, bits, ""]);
  }

  /** This key is going to be repeated, if it is held; the one before it is not any more. @param {number | null} usage
   * */
  _expect(usage) {
    this._repeats = usage;
    if (usage !== null) this._quiet = null;
    this._watch(usage !== null);
  }
}

/** Usages pressed one after the other and released in reverse. @param {number[]} usages @param {number} already  bits
 * of modifiers that are held anyway
 * @returns {InputEvent[]} */
export function combination(usages, already = 0) {
  /** @type {InputEvent[]} */
  const rows = [];
  let bits = already;
  for (const usage of usages) {
    bits |= MODIFIER_KEYS.get(usage) ?? 0;
    rows.push([INPUT.KEY, usage, true, bits, bits & COMMAND ? LETTERS.get(usage) ?? "" : ""]);
  }
  for (const usage of [...usages].reverse()) {
    bits = (bits & ~(MODIFIER_KEYS.get(usage) ?? 0)) | already;
    rows.push([INPUT.KEY, usage, false, bits, ""]);
  }
  return rows;
}

/** The bits of an event's modifiers and locks. @param {Pick<KeyboardEvent, "getModifierState">} event */
export function modifiers(event) {
  return STATES.reduce((bits, [name, bit]) => (event.getModifierState(name) ? bits | bit : bits), 0);
}

/** Whether a key pastes on most desktops, and here: by its letter, and by its place where that shows no Latin one.
 * @param {KeyEvent} event @param {number} bits */
function pastes({ code, key }, bits) {
  const letter = /^[a-z]$/i.test(key) ? key.toLowerCase() === "v" : code === "KeyV";
  if (!letter && code !== "Insert") return false;
  const chord = bits & (MODIFIER.CONTROL | MODIFIER.SHIFT | MODIFIER.ALT | MODIFIER.META | MODIFIER.ALTGR);
  if (code === "Insert") return chord === MODIFIER.SHIFT;
  return chord === MODIFIER.CONTROL || chord === MODIFIER.META || chord === (MODIFIER.CONTROL | MODIFIER.SHIFT);
}
