/**
 * Channels of a session: who may open which, what leaves after pictures, and which messages travel where.
 *
 * The table is the registry's (spec 03-wire, 3.4; 04-session, 4.4), so that a channel is added in one place.
 */

import { LocalProtocolError } from "./errors.js";
import * as messages from "./messages.js";
import { CHANNELS, CLOSE } from "./registry.js";

/** @typedef {{ openedBy: number, bulk: boolean, messages: import("./messages.js").Table }} Row */

/** @type {Map<number, Row>} */
const ROWS = new Map(Object.entries(CHANNELS).map(([channel, row]) => [Number(channel), row]));
/** Message name -> the channel it travels on. @type {Map<string, number>} */
const CHANNEL_OF = new Map([...ROWS].flatMap(([channel, row]) => Object.keys(row.messages).map((kind) => [kind, channel])));

/** Channels that these permissions open, channel 0 first. @param {number} permissions @returns {number[]} */
export function channelsOf(permissions) {
  return [...ROWS].filter(([, { openedBy }]) => !openedBy || permissions & openedBy).map(([channel]) => channel);
}

/** Whether a channel's streams leave after pictures and its messages may be large; so it is with one that this version
 * does not know (R-WIRE-71). @param {number} channel */
export function isBulk(channel) {
  return ROWS.get(channel)?.bulk ?? true;
}

/** The channel that messages of this name travel on. Throws LocalProtocolError for what is no channel's message. @param
 * {string} kind */
export function channelOf(kind) {
  const channel = CHANNEL_OF.get(kind);
  if (channel === undefined) throw new LocalProtocolError(`${kind} travels on no channel`);
  return channel;
}

/** The bytes of a channel's message. @param {string} kind @param {Record<string, any>} fields */
export function encode(kind, fields) {
  return messages.encode(/** @type {Row} */ (ROWS.get(channelOf(kind))).messages, kind, fields);
}

/** The message of these bytes of a channel, or null for a type this version does not know. Throws
 * RemoteProtocolError(SESSION_PROTOCOL).
 * @param {number} channel @param {Uint8Array} data @returns {any} */
export function decode(channel, data) {
  return messages.decode(/** @type {Row} */ (ROWS.get(channel)).messages, data, CLOSE.SESSION_PROTOCOL);
}
