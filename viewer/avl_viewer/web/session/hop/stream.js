/**
 * What begins a stream: its type, and for a channel the session handle and channel number (spec 02-transport, 2.4); and
 * hop messages.
 */

import { concat } from "../../wire/bytes.js";
import { RemoteProtocolError } from "../../wire/errors.js";
import { FrameReader, frame } from "../../wire/framing.js";
import { decode, encode } from "../../wire/messages.js";
import { CLOSE, HOP_MESSAGES, MAX, STREAM } from "../../wire/registry.js";
import * as varint from "../../wire/varint.js";

/** No header is longer: type, handle and channel are integers. */
const LONGEST_HEADER = 24;

export const CONTROL_HEADER = varint.encode(STREAM.HOP_CONTROL);

/** The bytes that begin a stream carrying `channel` of the session `handle`. @param {number} handle @param {number}
 * channel */
export function channelHeader(handle, channel) {
  return concat(varint.encode(STREAM.CHANNEL), varint.encode(handle), varint.encode(channel));
}

/** Reads a stream's header from its first bytes. Handle and channel are 0 on the control stream. */
export class HeaderReader {
  constructor() {
    this._buffer = new Uint8Array(0);
  }

  /** Header and what follows it, once it is whole. Throws RemoteProtocolError for an unknown stream type.
   * @param {Uint8Array} data @returns {{ type: number, handle: number, channel: number, rest: Uint8Array } | null} */
  feed(data) {
    this._buffer = concat(this._buffer, data);
    /** @type {number[]} */
    const values = [];
    let offset = 0;
    let wanted = 1;
    while (values.length < wanted) {
      const found = varint.decode(this._buffer, offset);
      if (found === null) {
        if (this._buffer.length > LONGEST_HEADER) throw new RemoteProtocolError(CLOSE.PROTOCOL_ERROR, "stream header is too long");
        return null;
      }
      values.push(found[0]);
      offset = found[1];
      if (values.length > 1) continue;
      if (found[0] !== STREAM.HOP_CONTROL && found[0] !== STREAM.CHANNEL) {
        throw new RemoteProtocolError(CLOSE.PROTOCOL_ERROR, `unknown stream type ${found[0]}`);
      }
      wanted = found[0] === STREAM.CHANNEL ? 3 : 1;
    }
    const [type, handle = 0, channel = 0] = values;
    return { type, handle, channel, rest: this._buffer.subarray(offset) };
  }
}

/** The hop control stream: messages in. */
export class HopStream {
  constructor() {
    this._frames = new FrameReader(MAX.HOP_MESSAGE);
  }

  /** Messages completed by these bytes; those of unknown type are left out (P3). @param {Uint8Array} data @returns
   * {any[]} */
  receive(data) {
    return this._frames
      .feed(data)
      .map((message) => decode(HOP_MESSAGES, message))
      .filter((message) => message !== null);
  }
}

/** A hop message as it stands on the control stream. @param {string} kind @param {Record<string, any>} fields */
export function hopBytes(kind, fields) {
  return frame(encode(HOP_MESSAGES, kind, fields), MAX.HOP_MESSAGE);
}
