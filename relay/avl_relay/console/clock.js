/**
 * The relay's clock, by which everything is read that the relay tells: this browser's may be wrong by hours.
 */

import { h } from "../account/dom.js";
import { t } from "./words.js";

/** Seconds by which two clocks may differ before anybody is told. */
export const TOLERANCE = 60;

/** One page's idea of the relay's time. */
export class RelayClock {
  constructor() {
    /** Seconds that the relay is ahead of this browser. */
    this.ahead = 0;
    /** Says that the clocks differ, where they do. */
    this.notice = h("div", { class: "notice", role: "status", hidden: true }, h("span", {}));
  }

  /** The relay has just said what time it is. @param {number} now  Unix seconds */
  heard(now) {
    this.ahead = now - Date.now() / 1000;
    const text = differs(this.ahead);
    this.notice.hidden = !text;
    const place = /** @type {HTMLElement} */ (this.notice.firstElementChild);
    if (place.textContent !== text) place.textContent = text;
  }

  /** Unix seconds at the relay. */
  get now() {
    return Date.now() / 1000 + this.ahead;
  }
}

/** What is said of clocks that differ; "" where they do not. @param {number} ahead  seconds */
export function differs(ahead) {
  const size = Math.abs(ahead);
  if (size < TOLERANCE) return "";
  return t(ahead > 0 ? "clock.behind" : "clock.ahead", { span: span(60 * Math.round(size / 60)) });
}

/** How long something takes or took, in its two largest units. @param {number} seconds */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = /** @type {[string, number][]} */ ([["d", Math.floor(whole / 86_400)], ["h", Math.floor(whole / 3600) % 24], ["min", Math.floor(whole / 60) % 60], ["s", whole % 60]]);
  const first = parts.findIndex(([, n]) => n > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([, n]) => n > 0).map(([unit, n]) => `${n} ${unit}`).join(" ");
}
