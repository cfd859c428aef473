/**
 * Figures: the statistics over the picture, once a second while they are seen.
 */

import { forDialog } from "../wire/foreign.js";
import { element } from "./elements.js";

/** @typedef {import("../statistics.js").Quantiles} Quantiles */

/** Most characters of what another program says in its own words. */
const WORDS = 60;

/** How the sender of a hop sees it. @param {string} hop @param {Record<string, any>} told  as `readable` says it
 * @returns {[string, string][]} */
function hopLines(hop, told) {
  /** @param {any} value @param {number} scale @param {number} digits */
  const number = (value, scale, digits) => (Number.isFinite(value) ? (value * scale).toFixed(digits) : "-");
  const capacity = told.capacity_bps > 0 ? ` of ${number(told.capacity_bps, 1e-6, 2)}` : "";
  const words = forDialog(`${told.state}: ${told.reason}`, WORDS);
  return [
    [hop, `${number(told.target_bps, 1e-6, 2)}${capacity} Mbit/s`],
    ["  queue", `${number(told.queue_ms, 1, 1)} ms`],
    ["  loss / parity", `${number(told.loss, 100, 1)} / ${number(told.parity, 100, 1)} %`],
    ["  skipped", `${number(told.skipped, 1, 0)} pictures`],
    ["  state", words],
  ];
}

/** How much of the desktop is exact, and what pictures are. @param {any} figures  the stats object @returns {[string,
 * string][]} */
function contentLines({ exact, video }) {
  /** @type {[string, string][]} */
  const rows = [];
  if (exact) rows.push(["exact", exact.since_s === null ? `${(exact.share * 100).toFixed(1)} %` : `all, for ${Math.round(exact.since_s)} s`]);
  if (video) rows.push(["video", `${video.width}x${video.height} ${video.chroma}`], ["  codec", forDialog(video.codec, WORDS)], ["  coded / decoded by", forDialog(`${video.encoder ?? "-"} / ${video.decoder ?? "-"}`, WORDS)]);
  return rows;
}

/** The last change of path. @param {{ from: string, to: string, reason: string, ago_s: number } | null | undefined}
 * last
 * @returns {[string, string][]} */
function switchLine(last) {
  if (!last) return [];
  return [["  switched", forDialog(`${last.from} to ${last.to} ${Math.round(last.ago_s)} s ago: ${last.reason}`, 2 * WORDS)]];
}

/** How the sound goes. @param {{ late: number, concealed: number, buffer_ms: number, delay_ms: number | null } | null | undefined}
 * audio @returns {[string, string][]} */
function audioLines(audio) {
  if (!audio) return [];
  return [["sound", audio.delay_ms === null ? "silent" : `${audio.delay_ms} ms, of ${audio.buffer_ms} wanted`], ["  late / concealed", `${(audio.late * 100).toFixed(2)} / ${(audio.concealed * 100).toFixed(2)} %`]];
}

/** Names and values as people read them. @param {any} figures  the stats object @returns {[string, string][]} */
export function lines(figures) {
  /** @param {Quantiles} of */
  const both = (of) => (of.p50 === null ? "-" : `${of.p50} / ${of.p95} ms`);
  /** @type {[string, string][]} */
  const rows = [
    ["path", figures.path],
    ...switchLine(figures.switch),
    ...contentLines(figures),
    ["frames", `${figures.fps} /s`],
    ["bitrate", `${(figures.bitrate_bps / 1e6).toFixed(2)} Mbit/s`],
    ...audioLines(figures.audio),
    ["round trip", figures.rtt_ms === null ? "-" : `${figures.rtt_ms.toFixed(1)} ms`],
    ["loss", `${(figures.loss * 100).toFixed(2)} %`],
    ["input to photon", both(figures.input_to_photon_ms)],
    ["glass to glass", both(figures.glass_to_glass_ms)],
  ];
  for (const [name, value] of Object.entries(figures.stages_ms)) rows.push([`  ${name}`, value === null ? "-" : `${value} ms`]);
  for (const hop of ["upload", "download"]) {
    if (figures.rate?.[hop]) rows.push(...hopLines(hop, figures.rate[hop]));
  }
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
