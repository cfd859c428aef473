/**
 * Track: what a sequence of objects is, said once by its host in GRANT (spec 05-media, 5.1); a datagram's header names
 * it by number alone.
 */

import { RemoteProtocolError } from "../wire/errors.js";
import { CLOSE, MAX, PRIORITY, TRACK_ENTRY, TRACK_KIND } from "../wire/registry.js";

/**
 * @typedef {object} Track
 * @property {number} id  its number in headers
 * @property {number} kind  one of `track_kinds`
 * @property {number} priority  its rank in queues of datagrams
 * @property {number} lifetime  how long one of its datagrams may wait there, in milliseconds
 * @property {number} entry  what somebody who comes late needs
 * @property {boolean} dependent  whether an object may need the ones before it, back to a key object
 * @property {number} first  the first object that we can open, where who lacks one asks for what it showed
 *
 * @typedef {{ pictures: Track, exact: Track | null, lower: Track | null }} DesktopTracks
 */

const ENTRIES = new Set(/** @type {number[]} */ (Object.values(TRACK_ENTRY)));

/** The tracks that the rows of GRANT describe; values behind the sixth are ignored. Throws
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
  const [id, kind, priority, lifetime, entry, start = 0] = row;
  const first = entry === TRACK_ENTRY.ASKED ? start : 0;
  const ranked = priority > PRIORITY.FEEDBACK && priority < PRIORITY.PROBE;
  const waits = lifetime > 0 && lifetime <= MAX.TRACK_LIFETIME;
  if (!(id >= 0 && id <= 0xff && kind >= 0 && ranked && waits && ENTRIES.has(entry) && first >= 0)) fail("a track out of range");
  return { id, kind, priority, lifetime, entry, dependent: entry === TRACK_ENTRY.KEY, first };
}

/** The lower rungs of a host's pictures: the number of each such track, and of the track of pictures that it is one of;
 * the first of each. @param {Track[]} tracks @returns {Map<number, number>} */
export function rungs(tracks) {
  const found = new Map();
  /** @type {number | null} */
  let pictures = null;
  for (const track of tracks) {
    if (track.kind === TRACK_KIND.VIDEO) pictures = track.id;
    else if (track.kind === TRACK_KIND.LOWER && track.dependent && pictures !== null) {
      found.set(track.id, pictures);
      pictures = null;
    }
  }
  return found;
}

/** The desktops of a host: each track of pictures with that of exact pixels and with the lower rung behind it, if there
 * are such.
 * @param {Track[]} tracks @returns {DesktopTracks[]} */
export function desktops(tracks) {
  /** @type {DesktopTracks[]} */
  const found = [];
  const lower = rungs(tracks);
  for (const track of tracks) {
    const last = found.at(-1);
    if (track.kind === TRACK_KIND.VIDEO) found.push({ pictures: track, exact: null, lower: null });
    else if (track.kind === TRACK_KIND.EXACT && last && !last.exact) last.exact = track;
    else if (last && lower.get(track.id) === last.pictures.id) last.lower = track;
  }
  return found;
}

/** The track of a host's sound; null where it shares none. @param {Track[]} tracks @returns {Track | null} */
export function soundOf(tracks) {
  return tracks.find(({ kind }) => kind === TRACK_KIND.AUDIO) ?? null;
}

/** @param {string} text @returns {never} */
function fail(text) {
  throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, text);
}
