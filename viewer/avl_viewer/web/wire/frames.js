/**
 * Frames of the WebSocket carrier: each is one binary message (spec 02-transport, 2.10).
 *
 * Nothing is skipped or guessed: where a kind, a flag or a byte too many is met, the two sides do not speak the same
 * protocol, and TCP has no other way to get back in step.
 */

import { Reader } from "./buffer.js";
import { concat, utf8 } from "./bytes.js";
import { LocalProtocolError, RemoteProtocolError } from "./errors.js";
import { CARRIER_FRAME, CLOSE, MAX } from "./registry.js";
import * as varint from "./varint.js";

/** Most bytes of a CLOSE's text, in UTF-8. */
const MAX_TEXT = 256;
const TOKEN_BYTES = 8;
/** The only flag of STREAM. */
const END = 1;

/**
 * @typedef {{ kind: "STREAM", stream: number, data: Uint8Array, end: boolean }
 *   | { kind: "CREDIT", stream: number, limit: number }
 *   | { kind: "RESET", stream: number, code: number }
 *   | { kind: "DATAGRAM", data: Uint8Array }
 *   | { kind: "CLOSE", code: number, text: string }
 *   | { kind: "PING", token: Uint8Array }
 *   | { kind: "PONG", token: Uint8Array }} Frame
 */

/** A frame as a message. Throws LocalProtocolError for what is too long. @param {Frame} frame @returns
 * {Uint8Array<ArrayBuffer>} */
export function encode(frame) {
  const kind = Uint8Array.of(CARRIER_FRAME[frame.kind]);
  switch (frame.kind) {
    case "STREAM":
      return concat(kind, varint.encode(frame.stream), Uint8Array.of(frame.end ? END : 0), within(frame.data, MAX.WEBSOCKET_DATA));
    case "CREDIT":
      return concat(kind, varint.encode(frame.stream), varint.encode(frame.limit));
    case "RESET":
      return concat(kind, varint.encode(frame.stream), varint.encode(frame.code));
    case "DATAGRAM":
      return concat(kind, within(frame.data, MAX.DATAGRAM_PAYLOAD));
    case "CLOSE":
      return concat(kind, varint.encode(frame.code), within(utf8(frame.text), MAX_TEXT));
    default:
      if (frame.token.length !== TOKEN_BYTES) throw new LocalProtocolError("a token has eight bytes");
      return concat(kind, frame.token);
  }
}

/** The frame of a message; its bytes are not copied. Throws RemoteProtocolError(PROTOCOL_ERROR). @param {Uint8Array}
 * data @returns {Frame} */
export function decode(data) {
  const reader = new Reader(data);
  const kind = reader.uint(1);
  /** @type {Frame} */
  let frame;
  if (kind === CARRIER_FRAME.DATAGRAM) {
    frame = { kind: "DATAGRAM", data: rest(reader, MAX.DATAGRAM_PAYLOAD) };
  } else if (kind === CARRIER_FRAME.STREAM) {
    const stream = reader.integer();
    const flags = reader.uint(1);
    if (flags & ~END) throw broken(`unknown flags ${flags}`);
    frame = { kind: "STREAM", stream, data: rest(reader, MAX.WEBSOCKET_DATA), end: Boolean(flags) };
  } else if (kind === CARRIER_FRAME.CREDIT) {
    frame = { kind: "CREDIT", stream: reader.integer(), limit: reader.integer() };
  } else if (kind === CARRIER_FRAME.RESET) {
    frame = { kind: "RESET", stream: reader.integer(), code: reader.integer() };
  } else if (kind === CARRIER_FRAME.CLOSE) {
    frame = { kind: "CLOSE", code: reader.integer(), text: text(rest(reader, MAX_TEXT)) };
  } else if (kind === CARRIER_FRAME.PING) {
    frame = { kind: "PING", token: reader.take(TOKEN_BYTES) };
  } else if (kind === CARRIER_FRAME.PONG) {
    frame = { kind: "PONG", token: reader.take(TOKEN_BYTES) };
  } else {
    throw broken(`unknown frame ${kind}`);
  }
  if (reader.length) throw broken("bytes behind a frame");
  return frame;
}

/** @param {Uint8Array} data @param {number} limit */
function within(data, limit) {
  if (data.length > limit) throw new LocalProtocolError(`${data.length} bytes where ${limit} are the most`);
  return data;
}

/** @param {Reader} reader @param {number} limit */
function rest(reader, limit) {
  if (reader.length > limit) throw broken(`${reader.length} bytes where ${limit} are the most`);
  return reader.rest();
}

/** @param {Uint8Array} data */
function text(data) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw broken("text is not UTF-8");
  }
}

/** @param {string} why */
function broken(why) {
  return new RemoteProtocolError(CLOSE.PROTOCOL_ERROR, why);
}
