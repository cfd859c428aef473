/**
 * Channels of a session: who may open which, what leaves after pictures, and which messages travel where.
 *
 * The table is the registry's (spec 03-wire, 3.4; 04-session, 4.4), so that a channel is added in one place.
 */

import { LocalProtocolError } from "./errors.js";
import * as messages from "./messages.js";
import { CHANNELS, CLOSE, LANES } from "./registry.js";

/** @typedef {{ openedBy: number, bulk: boolean, messages: import("./messages.js").Table }} Row */

/** @type {Map<number, Row>} */
const ROWS = new Map(Object.entries(CHANNELS).map(([channel, row]) => [Number(channel), row]));
/** Message name -> the channels that carry it: one, or the lanes. @type {Map<string, number[]>} */
const CHANNELS_OF = new Map();
for (const [channel, row] of ROWS) {
  for (const kind of Object.keys(row.messages)) CHANNELS_OF.set(kind, [...(CHANNELS_OF.get(kind) ?? []), channel]);
}

/** Channels that these permissions open, channel 0 first. @param {number} permissions @returns {number[]} */
export function channelsOf(permissions) {
  return [...ROWS].filter(([, { openedBy }]) => !openedBy || permissions & openedBy).map(([channel]) => channel);
}

/** Those of them that are opened as soon as they may be: all but the lanes (R-SESS-260). @param {number} permissions */
export function firstChannelsOf(permissions) {
  return channelsOf(permissions).filter((channel) => !LANES.has(channel));
}

/** The permissions, any of which opens a channel; 0: it is always open. @param {number} channel */
export function openedBy(channel) {
  return ROWS.get(channel)?.openedBy ?? 0;
}

/** Whether a channel's streams leave after pictures and its messages may be large; so it is with one that this version
 * does not know (R-WIRE-71). @param {number} channel */
export function isBulk(channel) {
  return ROWS.get(channel)?.bulk ?? true;
}

/** The channel that messages of this name travel on; `lane` says which one where there are several. Throws
 * LocalProtocolError for what is no channel's message, or not that lane's. @param {string} kind @param {number} [lane]
 * @returns {number} */
export function channelOf(kind, lane) {
  const found = CHANNELS_OF.get(kind) ?? [];
  if (!found.length) throw new LocalProtocolError(`${kind} travels on no channel`);
  const channel = lane ?? (found.length === 1 ? found[0] : undefined);
  if (channel === undefined || !found.includes(channel)) throw new LocalProtocolError(`${kind} does not travel on channel ${lane}`);
  return channel;
}

/** The bytes of a channel's message. @param {string} kind @param {Record<string, any>} fields */
export function encode(kind, fields) {
  const [channel] = CHANNELS_OF.get(kind) ?? [];
  if (channel === undefined) throw new LocalProtocolError(`${kind} travels on no channel`);
  return messages.encode(/** @type {Row} */ (ROWS.get(channel)).messages, kind, fields);
}

/** The message of these bytes of a channel, or null for a type this version does not know. Throws
 * RemoteProtocolError(SESSION_PROTOCOL).
 * @param {number} channel @param {Uint8Array} data @returns {any} */
export function decode(channel, data) {
  return messages.decode(/** @type {Row} */ (ROWS.get(channel)).messages, data, CLOSE.SESSION_PROTOCOL);
}
