/**
 * Formats of a clipboard as they are named when they travel, and what kind each is (spec 04-session, 4.7; 03-wire,
 * 3.4.4).
 *
 * Programs have several names for one thing; what travels has one. Names come from programs and from the other end, so
 * that each is held to its grammar before anybody uses it.
 */

import { MAX } from "./registry.js";

export const PLAIN = "text/plain;charset=utf-8";
export const HTML = "text/html";
export const RTF = "text/rtf";
export const PNG = "image/png";
/** Files: what travels is their paths at the host, whatever list of them a system has. */
export const FILES = "application/x-avl-files";
/** Bytes of an origin. */
export const ORIGIN_BYTES = 16;
/** Other names of a format, by which programs know it. @type {Record<string, string[]>} */
const ALIASES = {
  [RTF]: ["application/rtf", "text/richtext", "application/x-rtf"],
  "image/bmp": ["image/x-bmp", "image/x-ms-bmp", "image/x-win-bitmap"],
  "image/jpeg": ["image/jpg", "image/pjpeg"],
  "image/tiff": ["image/x-tiff"],
  [FILES]: ["text/uri-list", "x-special/gnome-copied-files"],
};
const NAMED = new Map(Object.entries(ALIASES).flatMap(([name, aliases]) => aliases.map((alias) => [alias, name])));
const NAME = /^(?:[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*|text\/plain;charset=utf-8)$/;

/** @typedef {{ name: string, size: number }} Format  one format of a copy, and its bytes; 0: not known */

/** Whether this names a format as it may travel (R-WIRE-90). @param {string} name */
export function isName(name) {
  return name.length <= MAX.CLIPBOARD_FORMAT && NAME.test(name);
}

/** The format that a system calls so; "" for what is none that travels. @param {string} name */
export function formatOf(name) {
  const small = /^[\0-\x7f]*$/.test(name) ? name.toLowerCase() : "";
  const known = NAMED.get(small) ?? small;
  return isName(known) && kindOf(known) ? known : "";
}

/** The kind of a format; "" for what does not travel. @param {string} name */
export function kindOf(name) {
  if (name === PLAIN) return "text";
  if (name === HTML) return "html";
  if (name === RTF) return "rtf";
  if (name === FILES) return "files";
  return name.startsWith("image/") ? "image" : "";
}

/** The formats that the rows of an offer name, each once; rows that are none are left out, and those beyond
 * CLIPBOARD_FORMATS. @param {any[][]} rows @returns {Format[]} */
export function offered(rows) {
  /** @type {Map<string, Format>} */
  const found = new Map();
  for (const [name, size] of rows.slice(0, MAX.CLIPBOARD_FORMATS)) {
    if (typeof name !== "string" || !Number.isSafeInteger(size) || size < 0 || size > MAX.CLIPBOARD_DATA) continue;
    if (isName(name) && kindOf(name) && !found.has(name)) found.set(name, { name, size });
  }
  return [...found.values()];
}
