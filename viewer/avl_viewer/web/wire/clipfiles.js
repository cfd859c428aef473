/**
 * Lists of files on a clipboard as they travel: paths at the host, a line each (spec 04-session, 4.7).
 */

import { MAX } from "./registry.js";

/** The paths that have travelled, each once; what is none is left out (R-SESS-302). @param {Uint8Array} data */
export function listed(data) {
  const found = [...new Set(new TextDecoder().decode(data).split("\n"))];
  const fits = (/** @type {string} */ path) => path && new TextEncoder().encode(path).length <= MAX.FILE_PATH && !/[\0-\x1f\x7f-\x9f]/.test(path);
  return found.filter(fits).slice(0, MAX.FILE_SOURCES);
}
