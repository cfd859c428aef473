/**
 * WebSocketCarrier: streams and datagrams in the messages of one WebSocket, as the carrier of a hop whose UDP is
 * blocked (spec 02-transport, 2.10).
 *
 * A browser takes whatever it is given and does not say when it has sent it. So bulk streams leave in rounds: what
 * follows waits until the relay has answered a PING behind the round, and input never stands behind more than one of
 * them.
 */

import { RemoteProtocolError } from "./wire/errors.js";
import { decode, encode } from "./wire/frames.js";
import { CLOSE, MAX, TIMER } from "./wire/registry.js";

/** @typedef {import("./carrier/carrier.js").Carrier} Carrier @typedef {import("./carrier/carrier.js").CarrierReceiver}
 * CarrierReceiver */

export const SUBPROTOCOL = "avl.1";
/** Milliseconds until a connection attempt counts as failed. */
const CONNECT_DEADLINE = 8000;
/** Bytes of bulk streams that leave in one round. */
export const ROUND = 64 * 1024;
/** Streams that one side may have open; a page has three. */
const MAX_OPEN = 64;
/** Eight bytes behind a round, and of a keepalive. */
const ROUND_TOKEN = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
const ALIVE_TOKEN = new Uint8Array(8);
/** WebSocket's own close code; ours has been said in a CLOSE. */
const NORMAL = 1000;

/**
 * @typedef {object} Stream  Sizes are bytes, counted from the stream's beginning.
 * @property {Uint8Array[]} queue
 * @property {number} backlog  bytes in `queue`
 * @property {boolean} finish  an end follows them
 * @property {boolean} finished
 * @property {number} sent
 * @property {number} limit
 * @property {number} received
 * @property {number} consumed
 * @property {number} granted
 * @property {boolean} ended
 * @property {boolean} bulk
 * @property {Promise<void>} tail  what was handed on last
 */

/** One connection to a relay. @implements {Carrier} */
export class WebSocketCarrier {
  /** @param {string} url @param {CarrierReceiver} receiver @param {() => number} clock */
  constructor(url, receiver, clock) {
    this._receiver = receiver;
    this._clock = clock;
    this._over = false;
    this._next = 0;
    /** @type {Map<number, Stream>} */
    this._streams = new Map();
    this._round = 0;
    this.heardAt = clock();
    this.reliableDatagrams = true;
    this._socket = new WebSocket(url, SUBPROTOCOL);
    this._socket.binaryType = "arraybuffer";
    this._socket.onopen = () => this._opened();
    this._socket.onmessage = (event) => this._arrived(event.data);
    this._socket.onclose = () => this._lose(this._opening ? CLOSE.TIMEOUT : CLOSE.SESSION_LOST, this._opening ? "The relay did not answer." : "");
    this._opening = true;
    this._alarm = setTimeout(() => this._lose(CLOSE.TIMEOUT, "The relay did not answer."), CONNECT_DEADLINE);
  }

  _opened() {
    if (this._over) return;
    this._opening = false;
    this.heardAt = this._clock();
    this._arm();
    this._receiver.carrierReady(this.heardAt);
  }

  /** Look again after so long whether the relay is there. */
  _arm() {
    clearTimeout(this._alarm);
    this._alarm = setTimeout(() => {
      const silence = this._clock() - this.heardAt;
      if (silence >= TIMER.IDLE) {
        this._lose(CLOSE.TIMEOUT, "");
        return;
      }
      if (silence >= TIMER.KEEPALIVE) this._send({ kind: "PING", token: ALIVE_TOKEN });
      this._arm();
    }, TIMER.KEEPALIVE);
  }

  // what arrives

  /** @param {ArrayBuffer | string} message */
  _arrived(message) {
    if (this._over) return;
    this.heardAt = this._clock();
    try {
      if (typeof message === "string") throw broken("a text message");
      this._frame(decode(new Uint8Array(message)), this.heardAt);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      const { code } = error;
      this.close(code, error.message);
      this._receiver.carrierLost(code, "", this.heardAt);
    }
  }

  /** @param {import("./wire/frames.js").Frame} frame @param {number} now */
  _frame(frame, now) {
    if (frame.kind === "DATAGRAM") {
      this._receiver.datagramReceived(frame.data, now);
    } else if (frame.kind === "STREAM") {
      this._bytes(frame.stream, frame.data, frame.end, now);
    } else if (frame.kind === "CREDIT") {
      const stream = this._find(frame.stream);
      if (stream) stream.limit = Math.max(stream.limit, frame.limit);
      this._flush();
    } else if (frame.kind === "RESET") {
      if (!this._find(frame.stream)) return;
      this._streams.delete(frame.stream);
      this._receiver.streamReset(frame.stream, frame.code, now);
    } else if (frame.kind === "CLOSE") {
      this._lose(frame.code, ""); // its text is for logs: a person is told the code's sentence
    } else if (frame.kind === "PING") {
      this._send({ kind: "PONG", token: frame.token });
    } else if (frame.token[7] === ROUND_TOKEN[7]) {
      this._round = 0;
      this._flush();
    }
  }

  /** The stream of a frame; undefined when it is over. @param {number} number @returns {Stream | undefined} */
  _find(number) {
    const known = this._streams.get(number);
    if (known) return known;
    if (number % 2 === 0) {
      if (number >= this._next) throw broken("a frame of a stream that was never opened");
      return undefined;
    }
    if (this._streams.size >= MAX_OPEN) throw broken("too many streams");
    return this._begin(number); // whether the relay may open streams is not a carrier's business
  }

  /** @param {number} number @param {Uint8Array} data @param {boolean} end @param {number} now */
  _bytes(number, data, end, now) {
    const stream = this._find(number);
    if (!stream) return;
    if (stream.ended) throw broken("bytes behind the end of a stream");
    stream.received += data.length;
    if (stream.received > stream.granted) throw broken("more bytes than there was credit for");
    stream.ended = end;
    stream.tail = this._hand(number, stream, data, end, now);
  }

  /** @param {number} number @param {Stream} stream @param {Uint8Array} data @param {boolean} end @param {number} now */
  async _hand(number, stream, data, end, now) {
    await stream.tail;
    if (this._over || this._streams.get(number) !== stream) return;
    await this._receiver.streamReceived(number, data, end, now);
    stream.consumed += data.length;
    const limit = stream.consumed + MAX.WEBSOCKET_CREDIT;
    if (!this._over && !stream.ended && limit - stream.granted >= MAX.WEBSOCKET_CREDIT / 4) {
      stream.granted = limit;
      this._send({ kind: "CREDIT", stream: number, limit });
    }
    if (end && stream.finished) this._streams.delete(number);
  }

  // Carrier

  /** Open a bidirectional stream and return its number. */
  openStream() {
    const number = this._next;
    this._next += 2;
    this._begin(number);
    return number;
  }

  /** @param {number} number @returns {Stream} */
  _begin(number) {
    const [limit, granted] = [MAX.WEBSOCKET_CREDIT, MAX.WEBSOCKET_CREDIT];
    /** @type {Stream} */
    const stream = {
      queue: [], backlog: 0, finish: false, finished: false, sent: 0, limit, received: 0, consumed: 0, granted, ended: false, bulk: false,
      tail: Promise.resolve(),
    };
    this._streams.set(number, stream);
    return stream;
  }

  /** Queue bytes. @param {number} number @param {Uint8Array} data @param {boolean} end */
  sendStream(number, data, end = false) {
    const stream = this._streams.get(number);
    if (!stream || stream.finish || this._over) return;
    if (data.length) stream.queue.push(data);
    stream.backlog += data.length;
    stream.finish = end;
    this._flush();
  }

  /** Write what may leave, streams that are not bulk first. */
  _flush() {
    for (const bulk of [false, true]) {
      for (const [number, stream] of this._streams) {
        if (stream.bulk === bulk) this._drain(number, stream);
      }
    }
  }

  /** @param {number} number @param {Stream} stream */
  _drain(number, stream) {
    const waited = stream.backlog > 0;
    while (!this._over && !stream.finished) {
      const room = Math.min(stream.limit - stream.sent, stream.bulk ? ROUND - this._round : Infinity, MAX.WEBSOCKET_DATA);
      const first = stream.queue[0];
      if (first ? room <= 0 : !stream.finish) break;
      const data = first ? first.subarray(0, room) : new Uint8Array(0);
      if (first && data.length < first.length) stream.queue[0] = first.subarray(data.length);
      else stream.queue.shift();
      stream.backlog -= data.length;
      stream.sent += data.length;
      stream.finished = stream.finish && !stream.backlog;
      this._send({ kind: "STREAM", stream: number, data, end: stream.finished });
      if (stream.bulk) this._count(data.length);
    }
    if (stream.finished && stream.ended) this._streams.delete(number);
    if (waited && !stream.backlog) queueMicrotask(() => this._over || this._receiver.streamWritable(number, this._clock()));
  }

  /** A bulk stream's bytes have left: the round is full when the PING behind it is on its way. @param {number} size */
  _count(size) {
    this._round += size;
    if (this._round >= ROUND) this._send({ kind: "PING", token: ROUND_TOKEN });
  }

  /** It leaves after the others. @param {number} number */
  setStreamBulk(number) {
    const stream = this._streams.get(number);
    if (stream) stream.bulk = true;
  }

  /** Abandon both directions. @param {number} number @param {number} code */
  resetStream(number, code) {
    if (this._streams.delete(number)) this._send({ kind: "RESET", stream: number, code });
  }

  /** Bytes queued and not yet given to the browser. @param {number} number */
  streamBacklog(number) {
    return this._streams.get(number)?.backlog ?? 0;
  }

  /** Close the connection with a code of the registry. @param {number} code @param {string} text */
  close(code, text) {
    if (this._over) return;
    if (!this._opening) this._send({ kind: "CLOSE", code, text: text.slice(0, 64) }); // at most three bytes each
    this._end();
  }

  /** @param {import("./wire/frames.js").Frame} frame */
  _send(frame) {
    if (!this._over && this._socket.readyState === WebSocket.OPEN) this._socket.send(encode(frame));
  }

  _end() {
    this._over = true;
    clearTimeout(this._alarm);
    this._streams.clear();
    this._socket.onopen = this._socket.onmessage = this._socket.onclose = null;
    this._socket.close(NORMAL);
  }

  /** @param {number} code @param {string} text */
  _lose(code, text) {
    if (this._over) return;
    this._end();
    this._receiver.carrierLost(code, text, this._clock());
  }
}

/** Where the WebSocket of the relay that served a page is. @param {{ protocol: string, host: string }} place @param
 * {string} path */
export function socketUrl(place, path) {
  return `${place.protocol === "https:" ? "wss" : "ws"}://${place.host}${path}`;
}

/** @param {string} why */
function broken(why) {
  return new RemoteProtocolError(CLOSE.PROTOCOL_ERROR, why);
}
