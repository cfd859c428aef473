/**
 * Clipboard text as it travels: LF alone ends its lines, and what holds NUL is no text (spec 04-session, 4.7).
 *
 * A clipboard without text is one of several things, and a person has to know which: CLIPBOARD_STATE says it.
 */

import { CLIPBOARD_STATE, MAX } from "./registry.js";

const KNOWN = new Set(Object.values(CLIPBOARD_STATE));

/** @typedef {{ state: number, text: string }} Content  a text that is not empty (state TEXT), or why there is none */

/** What a clipboard with this text holds: CR LF and lone CR are LF from here on. @param {string} text @returns
 * {Content} */
export function contentOf(text) {
  const lines = text.replace(/\r\n?/g, "\n");
  if (!lines) return { state: CLIPBOARD_STATE.EMPTY, text: "" };
  // a lone surrogate does not come back from UTF-8
  if (lines.includes("\0") || /\p{Surrogate}/u.test(lines)) return { state: CLIPBOARD_STATE.NOT_TEXT, text: "" };
  if (new TextEncoder().encode(lines).length > MAX.CLIPBOARD_TEXT) return { state: CLIPBOARD_STATE.TOO_LARGE, text: "" };
  return { state: CLIPBOARD_STATE.TEXT, text: lines };
}

/** What CLIPBOARD says; a state that this version does not know is no text. @param {number} state @param {string} text
 * @returns {Content} */
export function told(state, text) {
  if (state === CLIPBOARD_STATE.TEXT) return contentOf(text);
  return { state: KNOWN.has(/** @type {any} */ (state)) ? state : CLIPBOARD_STATE.NOT_TEXT, text: "" };
}
