/**
 * The feedback datagram: which datagrams a neighbour received, and when (spec 07-rate, 7.1).
 *
 * Everything is named by (handle, track, object, fragment), so that a relay forwards media unchanged and a page, which
 * sees no packet numbers, can answer too.
 *
 * @typedef {object} Run  Datagrams of one object that arrived one after the other.
 * @property {Uint8Array} name  Type, handle, track and object as they stood in their headers
 * @property {number} fragment  the first one's
 * @property {number[]} times  arrivals in units since the datagram before, in this run or an earlier one
 *
 * @typedef {object} ArrivalReport  What arrived since the report before.
 * @property {number} sequence
 * @property {number} base  the first arrival, in units of the receiver's clock; the first run's first time is 0
 * @property {number} marked  datagrams that carried ECN-CE so far; 0 where that can't be seen
 * @property {Run[]} runs
 */

import { Reader } from "./buffer.js";
import { concat } from "./bytes.js";
import { LocalProtocolError, RemoteProtocolError } from "./errors.js";
import { CLOSE, DATAGRAM, MAX } from "./registry.js";
import * as varint from "./varint.js";

/** Units of time in a report that a millisecond has. */
export const UNITS = 10;
/** Bytes of the shortest datagram of an object. */
export const SHORTEST = 12;
/** Datagrams that one report may name, and reports in one datagram. */
export const MOST_NAMED = 64;
export const MOST_REPORTS = 2;
/** Bytes of a report's runs, so that two reports always fit a datagram. */
export const MOST_BYTES = 540;

const BEGINNING = Uint8Array.of(0, 0, DATAGRAM.FEEDBACK);

/** Type, handle, track and object as one run's name, and the fragment, of an encoded media datagram.
 * Throws RemoteProtocolError(PROTOCOL_ERROR) when it ends before its fragment does.
 * @param {Uint8Array} payload @returns {{ name: Uint8Array<ArrayBuffer>, fragment: number }} */
export function nameOf(payload) {
  const type = 1 + (1 << (payload[1] >> 6));
  const found = varint.decode(payload, type + 7);
  if (found === null) fail();
  const name = new Uint8Array(type + 5);
  name[0] = payload[type];
  name.set(payload.subarray(1, type), 1);
  name.set(payload.subarray(type + 1, type + 6), type);
  return { name, fragment: found[0] };
}

/** One report, to stand in a datagram or two. @param {ArrivalReport} report @returns {Uint8Array<ArrayBuffer>} */
export function encodeReport({ sequence, base, marked, runs }) {
  const parts = [sequence, base, marked, runs.length].map(varint.encode);
  for (const { name, fragment, times } of runs) {
    parts.push(/** @type {Uint8Array<ArrayBuffer>} */ (name), varint.encode(fragment), varint.encode(times.length), ...times.map(varint.encode));
  }
  return concat(...parts);
}

/** The datagram payload of encoded reports, the newest first. @param {Uint8Array[]} reports @returns
 * {Uint8Array<ArrayBuffer>} */
export function encode(reports) {
  const out = concat(BEGINNING, ...reports);
  if (out.length > MAX.DATAGRAM_PAYLOAD || !reports.length || reports.length > MOST_REPORTS) {
    throw new LocalProtocolError(`${reports.length} reports of ${out.length} bytes don't fit a datagram`);
  }
  return out;
}

/** The reports of a datagram. Throws RemoteProtocolError(PROTOCOL_ERROR) for what no receiver would write.
 * @param {Uint8Array} payload @returns {ArrivalReport[]} */
export function decode(payload) {
  if (payload.length > MAX.DATAGRAM_PAYLOAD || BEGINNING.some((byte, at) => byte !== payload[at])) fail();
  const reader = new Reader(payload);
  reader.take(BEGINNING.length);
  const reports = [];
  while (reader.length) reports.push(readReport(reader, payload));
  if (!reports.length || reports.length > MOST_REPORTS) fail();
  return reports;
}

/** @param {Reader} reader @param {Uint8Array} payload @returns {ArrivalReport} */
function readReport(reader, payload) {
  const sequence = reader.integer();
  const base = reader.integer();
  const marked = reader.integer();
  const count = reader.integer();
  if (count < 1 || count > MOST_NAMED) fail();
  const runs = [];
  for (let run = 0, named = 0; run < count; run++) {
    const start = reader.offset;
    const handle = reader.take(2)[1];
    reader.take(4 + (1 << (handle >> 6)));
    const name = payload.slice(start, reader.offset);
    const fragment = reader.integer();
    const length = reader.integer();
    named += length;
    if (!length || named > MOST_NAMED) fail();
    const times = [];
    for (let at = 0; at < length; at++) times.push(reader.integer());
    runs.push({ name, fragment, times });
  }
  if (runs[0].times[0]) fail();
  return { sequence, base, marked, runs };
}

/** @returns {never} */
function fail() {
  throw new RemoteProtocolError(CLOSE.PROTOCOL_ERROR, "malformed feedback");
}
