/**
 * Conflicts: what becomes of a file in whose place there is something (spec 15, 15.4; R-SESS-268).
 */

import { FILE_KIND, FILE_OVERWRITE } from "../wire/registry.js";

/** @typedef {{ kind: number, size: number, modified_us: number }} Found  What is at a place. */

/** What to do: write the file, ask whether what is there is the same, leave what is there, or ask a person.
 * @typedef {"write" | "same" | "leave" | "ask"} Ruling */

/** What becomes of a file that is offered. A browser can't give a file its time: here what has the same size may be the
 * same, whatever its time says.
 * @param {import("./entries.js").Entry} entry @param {Found | null} there @param {number} overwrite  of FILE_OVERWRITE
 * @param {boolean} differs  it was compared with what is there @returns {Ruling} */
export function rule(entry, there, overwrite, differs) {
  if (!there) return "write";
  if (there.kind !== FILE_KIND.FILE || entry.kind !== FILE_KIND.FILE) return "leave";
  if (!differs && there.size === entry.size) return "same";
  if (overwrite === FILE_OVERWRITE.ALWAYS) return "write";
  if (overwrite === FILE_OVERWRITE.NEWER) return entry.modified_us > there.modified_us ? "write" : "leave";
  return overwrite === FILE_OVERWRITE.NEVER ? "leave" : "ask";
}
