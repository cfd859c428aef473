/**
 * Parity against the vectors: the matrix, the rows' datagrams, and which losses they repair.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { coefficient } from "../../../viewer/avl_viewer/web/media/parity.js";
import { Reassembler } from "../../../viewer/avl_viewer/web/media/reassembler.js";
import { PARITY_BLOCK, decode } from "../../../viewer/avl_viewer/web/wire/datagram.js";
import { DATAGRAM, MAX } from "../../../viewer/avl_viewer/web/wire/registry.js";
import { bytes, hex, same } from "./notation.js";

/** An object's bytes, as the vectors say how to compute them. @param {number} seed @param {number} length */
function content(seed, length) {
  let x = seed;
  return Uint8Array.from({ length }, () => {
    x = (Math.imul(1103515245, x) + 12345) & 0x7fffffff;
    return (x >> 16) & 255;
  });
}

/** @param {any} vectors @returns {Check[]} */
export function parities(vectors) {
  return [
    ["the matrix is the one of the specification", () => {
      for (const { row, coefficients } of vectors.matrix) {
        same(hex(Uint8Array.from({ length: PARITY_BLOCK }, (_, place) => coefficient(row, place))), coefficients, `row ${row}`);
      }
    }],
    ["rows of parity repair what the vectors say, and nothing else", () => {
      for (const one of vectors.objects) {
        const sealed = content(one.object, one.length);
        const rows = one.parity.map(bytes).map(decode);
        for (const { lost, come, whole } of one.losses) {
          const about = `object ${one.object} without ${lost}, with ${come}`;
          const reassembler = new Reassembler();
          let found = null;
          for (let fragment = 0; fragment < one.fragments; fragment++) {
            if (lost.includes(fragment)) continue;
            const payload = sealed.subarray(fragment * MAX.FRAGMENT_PAYLOAD, (fragment + 1) * MAX.FRAGMENT_PAYLOAD);
            const { object, flags, length } = one;
            found ??= reassembler.add({ type: DATAGRAM.MEDIA, object, flags, fragment, length }, payload, 0);
          }
          for (const [block, row] of come) {
            const header = rows.find((/** @type {{ fragment: number }} */ { fragment }) => fragment === block * PARITY_BLOCK + row);
            found ??= reassembler.add(header, header.payload, 0);
          }
          same(found !== null, whole, about);
          if (found) same([hex(found.sealed) === hex(sealed), found.repaired], [true, lost.length], about);
        }
      }
    }],
  ];
}
