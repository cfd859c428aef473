/**
 * Typing: the page's keyboard, through a text field that nobody sees. A field, because only there input methods, dead
 * keys and phones' keyboards work, and only there the browser gives a paste without asking.
 */

import { INPUT } from "../wire/registry.js";
import { Composition, sendsWhileComposing } from "./composition.js";
import { Keyboard, SILENT, combination, modifiers } from "./keyboard.js";
import { CODES, MODIFIER_KEYS, USAGE } from "./keys.js";
import { pasted } from "./pasted.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent */

/** Milliseconds in which a paste event must follow its keys. */
const PASTE_PATIENCE = 30;
/** Held together, these give a key to the page itself. */
const OWN = ["Control", "Alt", "Shift"];
/** What editing does on a phone's keyboard, which tells no keys -> usages. @type {Record<string, number[]>} */
const EDITS = {
  deleteContentBackward: [USAGE.BACKSPACE],
  deleteWordBackward: [USAGE.CONTROL, USAGE.BACKSPACE],
  deleteContentForward: [USAGE.DELETE],
  insertLineBreak: [USAGE.ENTER],
  insertParagraph: [USAGE.ENTER],
};
/** Something to delete, or a phone's keyboard does not say that it deletes. */
const FILLING = "\u00a0\u00a0";

/**
 * @typedef {object} TypingOwner
 * @property {(rows: InputEvent[], at: number) => void} send  `at`: milliseconds since 1970
 * @property {(data: DataTransfer) => boolean} files  sends pasted files; false where these are none
 * @property {(copy: import("./pasted.js").Copy, rows: InputEvent[], at: number) => void} paste  set the host's
 * clipboard, then send the rows
 * @property {() => boolean} mayPaste  whether the host takes our clipboard
 * @property {(key: string) => boolean} own  a key of the page's own, by its letter; whether there is such a key
 */

/** The keyboard of a hidden text field. */
export class Typing {
  /** @param {HTMLTextAreaElement} field @param {TypingOwner} owner */
  constructor(field, owner) {
    this._field = field;
    this._owner = owner;
    this._at = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._watching = undefined;
    this._keyboard = new Keyboard(
      (rows) => this._send(rows, this._at), (wanted) => this._watch(wanted), /mac|iphone|ipad/i.test(navigator.platform),
    );
    this._composition = new Composition();
    /** Keys that wait for their paste event, and what was typed behind them. @type {{ rows: InputEvent[], behind: [InputEvent[],
     * number][], timer: ReturnType<typeof setTimeout> } | null} */
    this._pasting = null;
    field.addEventListener("keydown", (event) => this._down(event));
    field.addEventListener("keyup", (event) => this._up(event));
    field.addEventListener("beforeinput", (event) => this._edit(event));
    field.addEventListener("compositionupdate", (event) => this._compose(this._composition.update(event.data), event));
    field.addEventListener("compositionend", (event) => {
      this._compose(this._composition.end(event.data), event);
      this._fill();
    });
    field.addEventListener("input", (event) => {
      if (!(/** @type {InputEvent_} */ (event).isComposing)) this._fill();
    });
    field.addEventListener("paste", (event) => this._paste(event));
    field.addEventListener("blur", () => this.releaseAll());
    document.addEventListener("visibilitychange", () => this.releaseAll());
    this._fill();
  }

  /** Take the keyboard. */
  focus() {
    this._field.focus({ preventScroll: true });
  }

  /** Show a phone's keyboard, or put it away. @param {boolean} wanted */
  raise(wanted) {
    this._field.inputMode = wanted ? "text" : "none";
    this._composition.live = wanted && sendsWhileComposing(navigator.language);
    this._field.blur();
    if (wanted) this.focus();
  }

  /** Press and release keys, one after the other. @param {number[]} usages */
  press(usages) {
    this._send(combination(usages), now());
  }

  /** Send rows, behind keys that wait. @param {InputEvent[]} rows @param {number} at */
  _send(rows, at) {
    if (this._pasting) this._pasting.behind.push([rows, at]);
    else this._owner.send(rows, at);
  }

  /** Keys travel by their place alone, or not; whether they do now. */
  togglePlaces() {
    this.releaseAll();
    this._keyboard.places = !this._keyboard.places;
    return this._keyboard.places;
  }

  /** An event of the pointer, which says which modifiers are held. @param {MouseEvent} event */
  evidence(event) {
    this._at = time(event);
    this._keyboard.evidence(event);
  }

  /** @param {boolean} wanted */
  _watch(wanted) {
    clearTimeout(this._watching);
    if (!wanted) return;
    this._watching = setTimeout(() => {
      this._at = now();
      this._keyboard.silent();
    }, SILENT);
  }

  /** Let go of everything. */
  releaseAll() {
    this._at = now();
    this._keyboard.releaseAll();
  }

  /** @param {KeyboardEvent} event */
  _down(event) {
    this._at = time(event);
    if (OWN.every((name) => event.getModifierState(name)) && !MODIFIER_KEYS.has(CODES.get(event.code) ?? 0)) {
      const key = event.code.replace(/^(Key|Digit)/, "").toLowerCase();
      if (this._owner.own(key)) {
        event.preventDefault();
        this._keyboard.releaseAll();
        return;
      }
    }
    const verdict = this._keyboard.press(event);
    if (verdict === "paste") this._expectPaste(event);
    else if (verdict === "taken") event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event */
  _up(event) {
    this._at = time(event);
    this._keyboard.release(event);
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event */
  _expectPaste(event) {
    if (this._pasting) this._flushPaste();
    const usage = /** @type {number} */ (CODES.get(event.code));
    const bits = modifiers(event);
    const text = event.key.length === 1 && !this._keyboard.places ? event.key : "";
    const rows = /** @type {InputEvent[]} */ ([
      [INPUT.KEY, usage, true, bits, text],
      [INPUT.KEY, usage, false, bits, ""],
    ]);
    if (!this._owner.mayPaste()) {
      event.preventDefault();
      this._send(rows, this._at);
      return;
    }
    this._pasting = { rows, behind: [], timer: setTimeout(() => this._flushPaste(), PASTE_PATIENCE) };
  }

  _flushPaste() {
    const pasting = this._endWait();
    if (pasting) this._owner.send(pasting.rows, now());
    this._follow(pasting);
  }

  /** Keys wait no more; what waited. */
  _endWait() {
    const pasting = this._pasting;
    this._pasting = null;
    if (pasting) clearTimeout(pasting.timer);
    return pasting;
  }

  /** What was typed behind keys that waited. @param {{ behind: [InputEvent[], number][] } | null} pasting */
  _follow(pasting) {
    for (const [rows, at] of pasting?.behind ?? []) this._owner.send(rows, at);
  }

  /** @param {ClipboardEvent} event */
  _paste(event) {
    event.preventDefault();
    const pasting = this._endWait();
    if (event.clipboardData && this._owner.files(event.clipboardData)) {
      this._follow(pasting);
      return;
    }
    const copy = pasted(event);
    const rows = pasting?.rows ?? combination([USAGE.CONTROL, /** @type {number} */ (CODES.get("KeyV"))]);
    if (copy.text || Object.keys(copy.formats).length) this._owner.paste(copy, rows, time(event));
    else this._owner.send(rows, time(event));
    this._follow(pasting);
  }

  /** @param {InputEvent_} event */
  _edit(event) {
    if (event.isComposing || event.inputType === "insertCompositionText") return;
    event.preventDefault();
    const keys = EDITS[event.inputType];
    if (keys) this._send(combination(keys), time(event));
    else if (event.data && event.inputType.startsWith("insert")) this._send([[INPUT.TEXT, event.data]], time(event));
  }

  /** @param {InputEvent[]} rows @param {Event} event */
  _compose(rows, event) {
    if (rows.length) this._send(rows, time(event));
  }

  _fill() {
    this._field.value = FILLING;
    this._field.setSelectionRange(FILLING.length, FILLING.length);
  }
}

/** @typedef {globalThis.InputEvent} InputEvent_ */

/** When an event happened, in milliseconds since 1970 with fractions. @param {Event} event */
export function time(event) {
  return performance.timeOrigin + event.timeStamp;
}

function now() {
  return performance.timeOrigin + performance.now();
}
