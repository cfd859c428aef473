/**
 * Notice: what a person should know while the picture is not live, and for how long that has been so.
 */

import { forDialog } from "../wire/foreign.js";
import { element } from "./elements.js";

/** @typedef {import("../session/client.js").State} State */

/** @type {Record<string, [string, string]>} */
const TEXTS = {
  connecting: ["Connecting", "Reaching the desktop."],
  waiting: ["Waiting for the host", "A person at the host is asked to let you in."],
  stale: ["The host is not heard", "What you see may be out of date. Nothing you type is sent."],
  lost: ["Connection lost", ""],
  ended: ["Session ended", ""],
};

/** Seconds as people say them. @param {number} seconds */
export function duration(seconds) {
  const whole = Math.floor(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** The panel in the middle of the page. */
export class Notice {
  constructor() {
    this._panel = element("notice", HTMLElement);
    this._title = element("notice-title", HTMLElement);
    this._text = element("notice-text", HTMLElement);
    this._elapsed = element("notice-elapsed", HTMLElement);
    this._state = "";
    this._since = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._ticking = undefined;
  }

  /** Show a state other than running. @param {State} state @param {string} reason @param {number} waited  milliseconds
   * that it has been so */
  show(state, reason, waited = 0) {
    const [title, sentence] = TEXTS[state] ?? [state, ""];
    if (state !== this._state || waited) this._since = performance.now() - waited;
    this._state = state;
    this._title.textContent = title;
    this._text.textContent = [forDialog(reason), sentence].filter(Boolean).join(" ");
    this._panel.hidden = false;
    clearInterval(this._ticking);
    this._elapsed.textContent = "";
    if (state === "ended") return;
    this._tick();
    this._ticking = setInterval(() => this._tick(), 1000);
  }

  /** All is well, or something else is shown. */
  hide() {
    this._state = "";
    clearInterval(this._ticking);
    this._panel.hidden = true;
  }

  _tick() {
    const seconds = (performance.now() - this._since) / 1000;
    this._elapsed.textContent = seconds < 1 ? "" : `for ${duration(seconds)}`;
  }
}
