/**
 * Composition: text that an input method or a phone's keyboard is making.
 *
 * Where the method converts what is typed (Chinese, Japanese, Korean), the text travels once it is done. A phone's
 * keyboard for other languages composes whole words, and nobody wants to type a word blindly: there each change travels
 * as it happens.
 */

import { INPUT } from "../wire/registry.js";
import { USAGE } from "./keys.js";
import { combination } from "./keyboard.js";

/** @typedef {import("../session/input/outbox.js").InputEvent} InputEvent */

/** Languages whose methods convert. */
const CONVERTED = /^(zh|ja|ko)\b/i;

/** Whether words are to be sent while they are composed. @param {string} language  BCP 47 */
export function sendsWhileComposing(language) {
  return !CONVERTED.test(language);
}

/** One composition after another. `live`: changes travel as they happen. */
export class Composition {
  constructor() {
    this.live = false;
    this._sent = "";
  }

  /** The text under composition is now this. @param {string} text @returns {InputEvent[]} */
  update(text) {
    return this.live ? this._change(text) : [];
  }

  /** It is done. @param {string} text @returns {InputEvent[]} */
  end(text) {
    const rows = this._change(text);
    this._sent = "";
    return rows;
  }

  /** @param {string} text @returns {InputEvent[]} */
  _change(text) {
    const before = [...this._sent];
    const after = [...text];
    let same = 0;
    while (same < before.length && same < after.length && before[same] === after[same]) same++;
    this._sent = text;
    const rows = before.slice(same).flatMap(() => combination([USAGE.BACKSPACE]));
    const rest = after.slice(same).join("");
    if (rest) rows.push([INPUT.TEXT, rest]);
    return rows;
  }
}
