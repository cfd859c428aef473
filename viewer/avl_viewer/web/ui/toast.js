/**
 * Toast: lines at the bottom that go away by themselves.
 *
 * A line takes the place of the last one of its kind. A remark never takes the place of a question, or of what was lost: these stay beside
 * it until they were there long enough to be read.
 */

import { element } from "./elements.js";

/** Milliseconds that a line stays at least, and for each character that has to be read. */
const STAY = 5000;
const READ = 80;

/** At most one remark, one question and one loss at a time. */
export class Toast {
  constructor() {
    this._panel = element("toast", HTMLElement);
    /** @type {Map<string, { line: HTMLElement, timer: ReturnType<typeof setTimeout> }>} */
    this._shown = new Map();
  }

  /** @param {string} text @param {[string, () => void]} [action]  a button, which makes the line a question
   * @param {() => void} [gone]  called when the line was there long enough to be read: it says what was lost */
  show(text, action, gone) {
    const kind = action ? "question" : gone ? "loss" : "remark";
    this._remove(kind);
    const line = document.createElement("p");
    line.append(text);
    if (action) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = action[0];
      button.addEventListener("click", () => {
        this._remove(kind);
        action[1]();
      });
      line.append(button);
    }
    this._panel.append(line);
    this._panel.hidden = false;
    const timer = setTimeout(() => {
      this._remove(kind);
      gone?.();
    }, Math.max(STAY, READ * text.length));
    this._shown.set(kind, { line, timer });
  }

  /** @param {string} kind */
  _remove(kind) {
    const shown = this._shown.get(kind);
    if (!shown) return;
    clearTimeout(shown.timer);
    shown.line.remove();
    this._shown.delete(kind);
    this._panel.hidden = !this._shown.size;
  }
}
