/**
 * Warning: a sentence that stays until somebody has read it, for what must not pass unseen.
 */

import { element } from "./elements.js";

/** One sentence at a time; the newest. */
export class Warning {
  constructor() {
    this._panel = element("warning", HTMLElement);
    this._text = element("warning-text", HTMLElement);
    element("warning-seen", HTMLButtonElement).addEventListener("click", () => (this._panel.hidden = true));
  }

  /** @param {string} text */
  show(text) {
    this._text.textContent = text;
    this._panel.hidden = false;
  }
}
