/**
 * Pasted: what a paste event of the browser brings, in all formats that travel.
 */

import { HTML, formatOf, kindOf } from "../wire/clipformats.js";

/**
 * @typedef {object} Copy  What is on our clipboard.
 * @property {string} text  "" where there is none
 * @property {Record<string, Blob>} formats
 * @property {Uint8Array} [origin]
 */

/** @param {ClipboardEvent} event @returns {Copy} */
export function pasted(event) {
  const data = event.clipboardData;
  /** @type {Copy} */
  const copy = { text: data?.getData("text/plain") ?? "", formats: {} };
  for (const type of data?.types ?? []) {
    const format = formatOf(type);
    if (format === HTML || kindOf(format) === "rtf") copy.formats[format] = new Blob([data?.getData(type) ?? ""], { type: format });
  }
  for (const file of data?.files ?? []) {
    const format = formatOf(file.type);
    if (kindOf(format) === "image") copy.formats[format] = file;
  }
  return copy;
}
