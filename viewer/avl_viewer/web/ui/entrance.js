/**
 * Entrance: the form that asks which desktop, and says why it could not be reached.
 */

import { element } from "./elements.js";

/** What a code looks like. */
const CODE = "XXXX-XXXX";

/** The connect form. */
export class HostHop {
  /** @param {(device: string, code: string) => Promise<void>} connect */
  constructor(connect) {
    this._section = element("entrance", HTMLElement);
    this._form = element("connect", HTMLFormElement);
    this._device = element("device", HTMLInputElement);
    this._code = element("code", HTMLInputElement);
    this._accounts = element("accounts", HTMLElement);
    this._error = element("error", HTMLElement);
    this._button = /** @type {HTMLButtonElement} */ (this._form.querySelector("button[type='submit']"));
    /** What was tried last. @type {[string, string]} */
    this.remembered = ["", ""];
    this._form.addEventListener("submit", (event) => {
      event.preventDefault();
      void connect(this._device.value, this._code.value);
    });
  }

  /** @param {string} device @param {string} code */
  fill(device, code) {
    this._device.value = device;
    this._code.value = code;
  }

  /** Show the form with a sentence above it; empty: none. @param {string} sentence @param {boolean} [keyed]  whether an
   * account or a link opens what was tried last, so that no code is asked for */
  show(sentence, keyed = false) {
    this.error(sentence);
    this._section.hidden = false;
    this._code.placeholder = keyed ? "none is needed" : CODE;
    (keyed ? this._button : this._device.value ? this._code : this._device).focus();
    if (sentence && !keyed) this._code.select();
  }

  /** Whether there is an account page to go to. @param {boolean} accounts */
  offer(accounts) {
    this._accounts.hidden = !accounts;
  }

  hide() {
    this._section.hidden = true;
  }

  /** @param {string} sentence */
  error(sentence) {
    this._error.textContent = sentence;
    this._error.hidden = !sentence;
  }

  /** @param {boolean} busy */
  busy(busy) {
    for (const button of this._form.querySelectorAll("button")) button.disabled = busy;
  }

  /** Nothing can be tried with this browser. */
  close() {
    for (const part of this._form.querySelectorAll("button, input")) /** @type {HTMLInputElement} */ (part).disabled = true;
  }

  /** @param {string} device @param {string} code */
  remember(device, code) {
    this.remembered = [device, code];
    this.fill(device, code);
  }
}
