/**
 * Race: the best carrier that can be had, without waiting for one that can't.
 *
 * Where UDP is blocked nothing says so: packets vanish. So the second path is tried when the first has not answered for
 * a moment, and whichever is ready first is the carrier; the others are closed. Above it nobody asks which one it was.
 */

import { LocalProtocolError } from "../wire/errors.js";
import { CLOSE } from "../wire/registry.js";

/** @typedef {import("../carrier/carrier.js").Carrier} Carrier @typedef
 * {import("../carrier/carrier.js").CarrierReceiver} CarrierReceiver
 * @typedef {(receiver: CarrierReceiver) => Carrier} Attempt  Begins an attempt; what becomes of it is told to the
 * receiver, later. */

/** Milliseconds that a path has before the next one is tried too. */
export const PATIENCE = 400;

/** Several attempts until one is ready, then that one. @implements {Carrier} */
export class Race {
  /** @param {Attempt[]} attempts  preferred first @param {CarrierReceiver} receiver */
  constructor(attempts, receiver) {
    this._attempts = [...attempts];
    this._receiver = receiver;
    /** @type {Map<object, Carrier>} */
    this._running = new Map();
    /** @type {Carrier | null} */
    this._winner = null;
    this._over = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._patience = undefined;
    this._next();
  }

  /** Begin one more attempt. */
  _next() {
    clearTimeout(this._patience);
    const attempt = this._attempts.shift();
    if (!attempt) return;
    const mark = {};
    this._running.set(mark, attempt(this._entrant(mark)));
    if (this._attempts.length) this._patience = setTimeout(() => this._next(), PATIENCE);
  }

  /** What an attempt is told to. @param {object} mark @returns {CarrierReceiver} */
  _entrant(mark) {
    const receiver = this._receiver;
    return {
      carrierReady: (now) => this._ready(mark, now),
      streamReceived: (stream, data, end, now) => receiver.streamReceived(stream, data, end, now),
      streamReset: (stream, code, now) => receiver.streamReset(stream, code, now),
      streamWritable: (stream, now) => receiver.streamWritable(stream, now),
      datagramReceived: (data, now) => receiver.datagramReceived(data, now),
      carrierLost: (code, text, now) => this._lost(mark, code, text, now),
    };
  }

  /** @param {object} mark @param {number} now */
  _ready(mark, now) {
    const carrier = this._running.get(mark);
    if (!carrier || this._winner || this._over) return;
    this._winner = carrier;
    this._running.delete(mark);
    this._giveUp();
    this._receiver.carrierReady(now);
  }

  /** @param {object} mark @param {number} code @param {string} text @param {number} now */
  _lost(mark, code, text, now) {
    if (this._over) return;
    if (!this._winner) {
      this._running.delete(mark);
      if (this._attempts.length) this._next();
      if (this._running.size) return;
    }
    this._over = true;
    this._receiver.carrierLost(code, text, now);
  }

  /** No other attempt is wanted. */
  _giveUp() {
    clearTimeout(this._patience);
    this._attempts = [];
    const others = [...this._running.values()];
    this._running.clear();
    for (const other of others) other.close(CLOSE.NO_ERROR, "");
  }

  /** @returns {Carrier} */
  get _carrier() {
    if (!this._winner) throw new LocalProtocolError("the carrier is not ready");
    return this._winner;
  }

  // Carrier

  /** When anything last arrived; never, before one is ready. */
  get heardAt() {
    return this._winner?.heardAt ?? -Infinity;
  }

  /** Whether datagrams travel as a stream does. */
  get reliableDatagrams() {
    return this._winner?.reliableDatagrams ?? false;
  }

  /** Open a bidirectional stream and return its number. */
  openStream() {
    return this._carrier.openStream();
  }

  /** Queue bytes. @param {number} stream @param {Uint8Array} data @param {boolean} end */
  sendStream(stream, data, end = false) {
    this._carrier.sendStream(stream, data, end);
  }

  /** It leaves after the others. @param {number} stream */
  setStreamBulk(stream) {
    this._carrier.setStreamBulk(stream);
  }

  /** Abandon both directions. @param {number} stream @param {number} code */
  resetStream(stream, code) {
    this._carrier.resetStream(stream, code);
  }

  /** Bytes queued and not yet taken by the connection. @param {number} stream */
  streamBacklog(stream) {
    return this._winner?.streamBacklog(stream) ?? 0;
  }

  /** Close the connection, or give up the attempts. @param {number} code @param {string} text */
  close(code, text) {
    if (this._over) return;
    this._over = true;
    this._giveUp();
    this._winner?.close(code, text);
  }
}
