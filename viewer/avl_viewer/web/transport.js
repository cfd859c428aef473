/**
 * WebTransportCarrier: a WebTransport session as the carrier of a hop (spec 02-transport).
 *
 * Chromium queues datagrams without limit and without telling, so they are taken in a loop that does nothing else. When
 * each was read is noted there, before anything is done with it, and told to the relay (spec 07-rate). Streams are
 * opened asynchronously by the browser; what is written meanwhile waits in order.
 */

import { HopRate } from "./rate/hop.js";
import { CLOSE } from "./wire/registry.js";

/** @typedef {import("./carrier/carrier.js").Carrier} Carrier @typedef {import("./carrier/carrier.js").CarrierReceiver}
 * CarrierReceiver */

/** Milliseconds until a connection attempt counts as failed. */
const CONNECT_DEADLINE = 8000;

/**
 * @typedef {object} Stream
 * @property {Promise<WritableStreamDefaultWriter<any>>} writer
 * @property {Promise<void>} tail  what was written last
 * @property {number} backlog  bytes given to the browser and not yet taken by the connection
 * @property {WebTransportBidirectionalStream | null} both
 * @property {boolean} abandoned
 */

/** One connection to a relay. @implements {Carrier} */
export class WebTransportCarrier {
  /** @param {string} url @param {Uint8Array[]} hashes  SHA-256 of certificates to accept; empty: one the browser trusts
   * @param {CarrierReceiver} receiver @param {() => number} clock */
  constructor(url, hashes, receiver, clock) {
    this._receiver = receiver;
    this._clock = clock;
    this.heardAt = clock();
    this.reliableDatagrams = false;
    this._over = false;
    this._numbers = 0;
    /** @type {Map<number, Stream>} */
    this._streams = new Map();
    this._hop = new HopRate();
    /** When feedback is due, as the alarm was set; null: it is not. @type {number | null} */
    this._alarmAt = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._alarm = undefined;
    /** @type {WritableStreamDefaultWriter<any> | null} */
    this._datagrams = null;
    const options = /** @type {WebTransportOptions} */ ({ congestionControl: "low-latency", requireUnreliable: true });
    if (hashes.length) {
      options.serverCertificateHashes = hashes.map((value) => ({ algorithm: "sha-256", value: new Uint8Array(value) }));
    }
    this._transport = new WebTransport(url, options);
    this._deadline = setTimeout(() => this._lose(CLOSE.TIMEOUT, "The relay did not answer."), CONNECT_DEADLINE);
    void this._run();
  }

  async _run() {
    const transport = this._transport;
    transport.closed.then(
      (info) => this._lose(info.closeCode ?? 0, ""),
      (error) => this._lose(closeCode(error), ""),
    );
    try {
      await transport.ready;
      if (this._over) return;
      this._datagrams = outgoing(transport).getWriter();
    } catch {
      this._lose(CLOSE.TIMEOUT, "The relay did not answer.");
      return;
    }
    clearTimeout(this._deadline);
    this._datagrams.closed.catch(() => undefined); // the session's `closed` tells
    this.heardAt = this._clock();
    this._receiver.carrierReady(this.heardAt);
    void this._readDatagrams();
  }

  async _readDatagrams() {
    const reader = this._transport.datagrams.readable.getReader();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        const now = this._clock();
        if (done || this._over) return;
        this.heardAt = now;
        const whole = new Uint8Array(value.length + 1); // the browser has taken off the zero that begins a datagram elsewhere
        whole.set(value, 1);
        if (!this._hop.datagramReceived(whole, now)) this._receiver.datagramReceived(whole, now);
        this._sendFeedback();
      }
    } catch (error) {
      if (!isTransportError(error)) throw error;
    }
  }

  /** @param {number} roundTrip  milliseconds */
  measured(roundTrip) {
    this._hop.measured(roundTrip);
  }

  /** Send the feedback that is due, and come back when more is: never while nothing arrives. */
  _sendFeedback() {
    if (this._over) return;
    const now = this._clock();
    for (let feedback = this._hop.takeFeedback(now); feedback; feedback = this._hop.takeFeedback(now)) {
      this._datagrams?.write(feedback.subarray(1)).catch(() => undefined); // a lost one is repeated by the next
    }
    const due = this._hop.wakesAt();
    if (due === this._alarmAt) return;
    clearTimeout(this._alarm);
    this._alarmAt = due;
    if (due !== null) this._alarm = setTimeout(() => this._ring(), Math.max(0, Math.ceil(due - now))); // fractions are cut off
  }

  _ring() {
    this._alarmAt = null;
    this._sendFeedback();
  }

  // Carrier

  /** Open a bidirectional stream and return its number. */
  openStream() {
    const number = this._numbers++;
    /** @type {Stream} */
    const stream = { writer: Promise.reject(new TypeError("not opened")), tail: Promise.resolve(), backlog: 0, both: null, abandoned: false };
    stream.writer.catch(() => undefined);
    stream.writer = this._transport.createBidirectionalStream().then((both) => {
      stream.both = both;
      void this._readStream(number, both.readable);
      return both.writable.getWriter();
    });
    stream.writer.catch(() => undefined); // the session's `closed` tells
    this._streams.set(number, stream);
    return number;
  }

  /** @param {number} number @param {ReadableStream<Uint8Array>} readable */
  async _readStream(number, readable) {
    const reader = readable.getReader();
    for (;;) {
      let piece;
      try {
        piece = await reader.read();
      } catch (error) {
        if (!isTransportError(error)) throw error;
        if (/** @type {any} */ (error).source === "session") return; // its `closed` tells with which code
        if (!this._over && !this._streams.get(number)?.abandoned) this._receiver.streamReset(number, streamCode(error), this._clock());
        return;
      }
      if (this._over) return;
      this.heardAt = this._clock();
      if (this._streams.get(number)?.abandoned) return;
      await this._receiver.streamReceived(number, piece.value ?? new Uint8Array(0), piece.done, this._clock());
      if (piece.done) return;
    }
  }

  /** Queue bytes. @param {number} number @param {Uint8Array} data @param {boolean} end */
  sendStream(number, data, end = false) {
    const stream = this._streams.get(number);
    if (!stream || stream.abandoned || this._over) return;
    stream.backlog += data.length;
    stream.tail = this._write(number, stream, data, end);
  }

  /** @param {number} number @param {Stream} stream @param {Uint8Array} data @param {boolean} end */
  async _write(number, stream, data, end) {
    const before = stream.tail;
    try {
      const writer = await stream.writer;
      await before;
      if (stream.abandoned) return;
      if (data.length) await writer.write(data);
      if (end) await writer.close();
    } catch (error) {
      if (!isTransportError(error)) throw error; // a reset stream is told where it is read
    } finally {
      stream.backlog -= data.length;
    }
    if (!stream.backlog && !this._over) this._receiver.streamWritable(number, this._clock());
  }

  /** It leaves after the others. @param {number} number */
  setStreamBulk(number) {
    const stream = this._streams.get(number);
    stream?.writer.then(
      () => {
        const writable = /** @type {any} */ (stream.both?.writable);
        if (writable && "sendOrder" in writable) writable.sendOrder = -1;
      },
      () => undefined,
    );
  }

  /** Abandon both directions. @param {number} number @param {number} code */
  resetStream(number, code) {
    const stream = this._streams.get(number);
    if (!stream || stream.abandoned) return;
    stream.abandoned = true;
    stream.writer.then((writer) => writer.abort(abandonment(code))).catch(() => undefined);
  }

  /** Bytes queued and not yet taken by the connection. @param {number} number */
  streamBacklog(number) {
    return this._streams.get(number)?.backlog ?? 0;
  }

  /** Close the connection with a code of the registry. @param {number} code @param {string} text */
  close(code, text) {
    if (this._over) return;
    this._over = true;
    clearTimeout(this._deadline);
    clearTimeout(this._alarm);
    this._streams.clear();
    try {
      this._transport.close({ closeCode: code, reason: text });
    } catch (error) {
      if (!isTransportError(error)) throw error; // it was over already
    }
  }

  /** @param {number} code @param {string} text */
  _lose(code, text) {
    if (this._over) return;
    this.close(0, "");
    this._receiver.carrierLost(code, text, this._clock());
  }
}

/** Where datagrams are written; browsers disagree about how it is had. @param {WebTransport} transport @returns
 * {WritableStream<any>} */
function outgoing(transport) {
  const datagrams = /** @type {any} */ (transport.datagrams);
  return "createWritable" in datagrams ? datagrams.createWritable() : datagrams.writable;
}

/** The error that resets a stream with a code; browsers disagree about how it is made. @param {number} code */
function abandonment(code) {
  const options = { source: "stream", streamErrorCode: code };
  const Made = /** @type {any} */ (WebTransportError);
  try {
    return new Made("abandoned", options);
  } catch {
    return new Made({ message: "abandoned", ...options });
  }
}

/** Errors of the transport itself; anything else is a fault of ours. @param {unknown} error */
function isTransportError(error) {
  return error instanceof DOMException || error instanceof TypeError;
}

/** @param {unknown} error */
function streamCode(error) {
  return /** @type {any} */ (error)?.streamErrorCode ?? 0;
}

/** A session that ended without a close code was lost. @param {unknown} error */
function closeCode(error) {
  return streamCode(error) || CLOSE.SESSION_LOST;
}
