/**
 * Toast: a line at the bottom that goes away by itself.
 */

import { element } from "./elements.js";

/** Milliseconds that a line stays at least, and for each character that has to be read. */
const STAY = 5000;
const READ = 80;

/** One line at a time. */
export class Toast {
  constructor() {
    this._panel = element("toast", HTMLElement);
    this._text = element("toast-text", HTMLElement);
    this._button = element("toast-action", HTMLButtonElement);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    this._act = () => undefined;
    /** @type {() => void} */
    this._gone = () => undefined;
    this._button.addEventListener("click", () => {
      this._panel.hidden = true;
      this._act();
    });
  }

  /** @param {string} text @param {[string, () => void]} [action]  a button
   * @param {() => void} [gone]  called when the line was there long enough to be read */
  show(text, action, gone = () => undefined) {
    this._gone = gone;
    this._text.textContent = text;
    this._button.hidden = !action;
    if (action) {
      this._button.textContent = action[0];
      this._act = () => void action[1]();
    }
    this._panel.hidden = false;
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this._panel.hidden = true;
      this._gone();
    }, Math.max(STAY, READ * text.length));
  }
}
