/**
 * Rows of TRACKS and GRANT against the vectors: what they say, and which are refused.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { rungs, tracksOf } from "../../../viewer/avl_viewer/web/media/track.js";
import { RemoteProtocolError } from "../../../viewer/avl_viewer/web/wire/errors.js";
import { same } from "./notation.js";

/** The tracks that rows describe; null where they are refused. @param {number[][]} rows */
function read(rows) {
  try {
    return tracksOf(rows).map(({ id, kind, priority, lifetime, entry, dependent, first }) => ({ id, kind, priority, lifetime_ms: lifetime, entry, dependent, first }));
  } catch (error) {
    if (error instanceof RemoteProtocolError) return null;
    throw error;
  }
}

/** @param {any} vectors @returns {Check[]} */
export function tracks(vectors) {
  return [
    ["rows say what the tracks are", () => {
      for (const { why, rows, tracks: told } of vectors.valid) same(read(rows), told, why);
    }],
    ["rows say which pictures are the lower rung of which", () => {
      for (const { why, rows, rungs: told } of vectors.valid) same([...rungs(tracksOf(rows))], told, why);
    }],
    ["rows that describe no tracks are refused", () => {
      for (const { why, rows } of vectors.invalid) same(read(rows), null, why);
    }],
  ];
}
