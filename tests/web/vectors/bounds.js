/**
 * Bounds against the vectors: which sizes a viewer takes, and which access units are what was announced.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { checkBitstream, checkSize } from "../../../viewer/avl_viewer/web/media/bounds.js";
import { Refused, RemoteProtocolError } from "../../../viewer/avl_viewer/web/wire/errors.js";
import { CLOSE } from "../../../viewer/avl_viewer/web/wire/registry.js";
import { bytes, same } from "./notation.js";

/** The code with which a check refuses; null where it does not. @param {() => void} check */
function refusal(check) {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof Refused || error instanceof RemoteProtocolError) return error.code;
    throw error;
  }
}

/** @param {any} vectors @returns {Check[]} */
export function bounds(vectors) {
  return [
    ["a desktop has some pixels, and not too many", () => {
      for (const { width, height, fits } of vectors.sizes) {
        same(refusal(() => checkSize(width, height)), fits ? null : CLOSE.TOO_LARGE, `${width} x ${height}`);
      }
    }],
    ["a bitstream is the one picture that was announced", () => {
      for (const { about, unit, key, taken, ...group } of vectors.units) {
        same(refusal(() => checkBitstream(bytes(unit), group, key)), taken ? null : CLOSE.SESSION_PROTOCOL, about);
      }
    }],
  ];
}
