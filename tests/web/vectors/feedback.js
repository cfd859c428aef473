/**
 * Feedback against the vectors: names, reports both ways, what is refused, and what a collector says when.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { HopRate } from "../../../viewer/avl_viewer/web/rate/hop.js";
import { LocalProtocolError } from "../../../viewer/avl_viewer/web/wire/errors.js";
import { decode, encode, encodeReport, nameOf } from "../../../viewer/avl_viewer/web/wire/feedback.js";
import { bytes, errorOf, hex, holds, same } from "./notation.js";

/** @param {any} report */
const written = (report) => encodeReport({ ...report, runs: report.runs.map((/** @type {any} */ run) => ({ ...run, name: bytes(run.name) })) });

/** @param {any} report */
const shown = (report) => ({ ...report, runs: report.runs.map((/** @type {any} */ run) => ({ ...run, name: hex(run.name) })) });

/** @param {any} vectors @returns {Check[]} */
export function feedbacks(vectors) {
  return [
    ["datagrams are named by what stands in their header", async () => {
      for (const { datagram, name, fragment } of vectors.names) {
        const found = nameOf(bytes(datagram));
        same([hex(found.name), found.fragment], [name, fragment], datagram);
      }
      const hop = new HopRate();
      for (const text of vectors.nameless) {
        same(await errorOf(() => nameOf(bytes(text))), "PROTOCOL_ERROR", text);
        hop.datagramReceived(bytes(text), 1);
        same(hop.wakesAt(), null, text);
      }
    }],
    ["reports are read and written", () => {
      for (const { why, reports, encoded } of [...vectors.valid, ...vectors.read]) same(decode(bytes(encoded)).map(shown), reports, why);
      for (const { why, reports, encoded } of vectors.valid) same(hex(encode(reports.map(written))), encoded, why);
    }],
    ["what no receiver would write is refused", async () => {
      for (const { why, encoded, error } of vectors.invalid) same(await errorOf(() => decode(bytes(encoded))), error, why);
    }],
    ["what does not fit a datagram is not written", () => {
      for (const reports of vectors.too_large) {
        let error = null;
        try {
          encode(reports.map(written));
        } catch (caught) {
          error = caught;
        }
        holds(error instanceof LocalProtocolError, `${reports.length} reports`);
      }
    }],
    ["a collector says what arrived, and when it is due", () => {
      const hop = new HopRate();
      for (const { ms, header, size, feedback } of vectors.collected) {
        if (header === undefined) {
          const taken = hop.takeFeedback(ms);
          same(taken && hex(taken), feedback, `at ${ms} ms`);
        } else {
          const data = new Uint8Array(size);
          data.set(bytes(header));
          hop.datagramReceived(data, ms);
        }
      }
    }],
  ];
}
