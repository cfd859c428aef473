/**
 * Figures: the statistics over the picture, once a second while they are seen.
 */

import { element } from "./elements.js";

/** @typedef {import("../statistics.js").Quantiles} Quantiles */

/** Names and values as people read them. @param {any} figures  the stats object @returns {[string, string][]} */
export function lines(figures) {
  /** @param {Quantiles} of */
  const both = (of) => (of.p50 === null ? "-" : `${of.p50} / ${of.p95} ms`);
  /** @type {[string, string][]} */
  const rows = [
    ["path", figures.path],
    ["frames", `${figures.fps} /s`],
    ["bitrate", `${(figures.bitrate_bps / 1e6).toFixed(2)} Mbit/s`],
    ["round trip", figures.rtt_ms === null ? "-" : `${figures.rtt_ms.toFixed(1)} ms`],
    ["loss", `${(figures.loss * 100).toFixed(2)} %`],
    ["input to photon", both(figures.input_to_photon_ms)],
    ["glass to glass", both(figures.glass_to_glass_ms)],
  ];
  for (const [name, value] of Object.entries(figures.stages_ms)) rows.push([`  ${name}`, value === null ? "-" : `${value} ms`]);
  return rows;
}

/** The panel. */
export class Figures {
  /** @param {(wanted: boolean) => void} measure  asks for figures, or for no more */
  constructor(measure) {
    this._panel = element("figures", HTMLElement);
    this._list = element("figures-list", HTMLElement);
    this._measure = measure;
  }

  /** Show or hide; whether it is shown now. */
  toggle() {
    this._panel.hidden = !this._panel.hidden;
    this._measure(!this._panel.hidden);
    return !this._panel.hidden;
  }

  /** @param {any} figures */
  show(figures) {
    this._list.replaceChildren(
      ...lines(figures).flatMap(([name, value]) => {
        const [term, definition] = [document.createElement("dt"), document.createElement("dd")];
        term.textContent = name;
        definition.textContent = value;
        return [term, definition];
      }),
    );
  }
}
