/**
 * Keyboard: key events become input rows (registry "input_events").
 *
 * A key travels as its place plus the text it made here. A held key is not repeated, because the host's own display does that. What an
 * input method is working on is left to it, and travels as text when it is done.
 */

import { INPUT, MODIFIER } from "../wire/registry.js";
import { CODES, MODIFIER_KEYS, USAGE } from "./keys.js";

/** @typedef {import("../session/outbox.js").InputEvent} InputEvent */

/** Keys that paste on most desktops. */
const PASTE_KEYS = new Set(["KeyV", "Insert"]);

/** @type {[string, number][]} */
const STATES = [
  ["Control", MODIFIER.CONTROL], ["Shift", MODIFIER.SHIFT], ["Alt", MODIFIER.ALT], ["Meta", MODIFIER.META], ["AltGraph", MODIFIER.ALTGR],
  ["CapsLock", MODIFIER.CAPS_LOCK], ["NumLock", MODIFIER.NUM_LOCK], ["ScrollLock", MODIFIER.SCROLL_LOCK],
];

/**
 * @typedef {Pick<KeyboardEvent, "code" | "key" | "keyCode" | "repeat" | "isComposing" | "getModifierState">} KeyEvent
 *
 * @typedef {"taken" | "compose" | "paste"} Verdict  What is to become of the browser's own handling: prevented, left to an input method,
 * or left so that a paste event follows.
 */

/** Turns key events into rows and hands them to `send`. */
export class Keyboard {
  /** @param {(rows: InputEvent[]) => void} send @param {boolean} optionTypes  Alt is a level shift here (macOS) */
  constructor(send, optionTypes = false) {
    this._send = send;
    this._optionTypes = optionTypes;
    /** @type {Set<number>} */
    this._held = new Set();
  }

  /** A key went down. @param {KeyEvent} event @returns {Verdict} */
  press(event) {
    if (event.isComposing || event.keyCode === 229 || event.key === "Dead" || event.key === "Process") return "compose";
    const usage = CODES.get(event.code);
    const printable = [...event.key].length === 1;
    if (usage === undefined) {
      if (!printable) return event.key === "Unidentified" ? "compose" : "taken";
      this._send([[INPUT.TEXT, event.key]]);
      return "taken";
    }
    if (event.repeat || this._held.has(usage)) return "taken";
    let bits = modifiers(event);
    if (pastes(event.code, bits)) return "paste";
    /** @type {InputEvent[]} */
    const rows = [];
    if (usage === USAGE.ALT_RIGHT && event.key === "AltGraph" && this._held.delete(USAGE.CONTROL)) {
      rows.push([INPUT.KEY, USAGE.CONTROL, false, bits & ~MODIFIER.CONTROL, ""]); // Windows makes AltGr from Control and Alt
    }
    if (bits & MODIFIER.ALTGR) bits &= ~(MODIFIER.CONTROL | MODIFIER.ALT);
    if (this._optionTypes && printable && (bits & (MODIFIER.ALT | MODIFIER.CONTROL | MODIFIER.META)) === MODIFIER.ALT) {
      bits = (bits & ~MODIFIER.ALT) | MODIFIER.ALTGR;
    }
    const command = bits & (MODIFIER.CONTROL | MODIFIER.ALT | MODIFIER.META);
    this._held.add(usage);
    rows.push([INPUT.KEY, usage, true, bits, printable && !command ? event.key : ""]);
    this._send(rows);
    return "taken";
  }

  /** A key went up; those that are not held are left out. @param {KeyEvent} event */
  release(event) {
    const usage = CODES.get(event.code);
    if (usage === undefined || !this._held.delete(usage)) return;
    const bits = modifiers(event);
    /** @type {InputEvent[]} */
    const rows = [[INPUT.KEY, usage, false, bits, ""]];
    if (usage === USAGE.META || usage === USAGE.META_RIGHT) {
      // macOS does not tell that keys went up while Command was held
      for (const other of [...this._held]) {
        if (MODIFIER_KEYS.has(other)) continue;
        this._held.delete(other);
        rows.push([INPUT.KEY, other, false, bits, ""]);
      }
    }
    this._send(rows);
  }

  /** Let go of everything: the page lost the keyboard. */
  releaseAll() {
    const held = this._held.size > 0;
    this._held.clear();
    if (held) this._send([[INPUT.RELEASE_ALL]]);
  }
}

/** Usages pressed one after the other and released in reverse. @param {number[]} usages @param {number} already  bits of modifiers that are held anyway
 * @returns {InputEvent[]} */
export function combination(usages, already = 0) {
  /** @type {InputEvent[]} */
  const rows = [];
  let bits = already;
  for (const usage of usages) {
    bits |= MODIFIER_KEYS.get(usage) ?? 0;
    rows.push([INPUT.KEY, usage, true, bits, ""]);
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

/** @param {string} code @param {number} bits */
function pastes(code, bits) {
  if (!PASTE_KEYS.has(code)) return false;
  const chord = bits & (MODIFIER.CONTROL | MODIFIER.SHIFT | MODIFIER.ALT | MODIFIER.META | MODIFIER.ALTGR);
  if (code === "Insert") return chord === MODIFIER.SHIFT;
  return chord === MODIFIER.CONTROL || chord === MODIFIER.META || chord === (MODIFIER.CONTROL | MODIFIER.SHIFT);
}
