/**
 * Track: what a sequence of objects is, said once by its host in GRANT (spec 05-media, 5.1); a datagram's header names
 * it by number alone.
 */

import { RemoteProtocolError } from "../wire/errors.js";
import { CLOSE, MAX, PRIORITY, TRACK_ENTRY } from "../wire/registry.js";

/**
 * @typedef {object} Track
 * @property {number} id  its number in headers
 * @property {number} kind  one of `track_kinds`
 * @property {number} priority  its rank in queues of datagrams
 * @property {number} lifetime  how long one of its datagrams may wait there, in milliseconds
 * @property {number} entry  what somebody who comes late needs
 * @property {boolean} dependent  whether an object may need the ones before it, back to a key object
 */

const ENTRIES = new Set(/** @type {number[]} */ (Object.values(TRACK_ENTRY)));

/** The tracks that the rows of GRANT describe; values behind the fifth are ignored. Throws
 * RemoteProtocolError(SESSION_PROTOCOL) where a row is not one, a number stands twice, or there are too many. @param
 * {number[][]} rows @returns {Track[]} */
export function tracksOf(rows) {
  const tracks = rows.map(trackOf);
  if (tracks.length > MAX.TRACKS || new Set(tracks.map(({ id }) => id)).size < tracks.length) fail("a track twice, or too many tracks");
  return tracks;
}

/** @param {number[]} row @returns {Track} */
function trackOf(row) {
  if (row.length < 5) fail("a row of a track is too short");
  const [id, kind, priority, lifetime, entry] = row;
  const ranked = priority > PRIORITY.FEEDBACK && priority < PRIORITY.PROBE;
  const waits = lifetime > 0 && lifetime <= MAX.TRACK_LIFETIME;
  if (!(id >= 0 && id <= 0xff && kind >= 0 && ranked && waits && ENTRIES.has(entry))) fail("a track out of range");
  return { id, kind, priority, lifetime, entry, dependent: entry === TRACK_ENTRY.KEY };
}

/** @param {string} text @returns {never} */
function fail(text) {
  throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, text);
}
