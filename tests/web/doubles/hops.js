/**
 * Hops in memory: everything that `Paths` dials, each answered, silenced or lost as a test wishes.
 */

import { CONTROL_HEADER, HopStream, hopBytes } from "../../../viewer/avl_viewer/web/session/hop/stream.js";
import { concat } from "../../../viewer/avl_viewer/web/wire/bytes.js";

const NOBODY = new Uint8Array(32);
/** Milliseconds after which an answer is there. */
const LATENCY = 1;

/** One connection, as its other end sees it. */
export class MemoryHop {
  /** @param {MemoryHops} net @param {string} url @param {Uint8Array[]} hashes @param {any} receiver @param {boolean}
   * tcp */
  constructor(net, url, hashes, receiver, tcp) {
    this.net = net;
    this.url = url;
    this.hashes = hashes;
    this.receiver = receiver;
    this.tcp = tcp;
    /** Whether questions are answered. */
    this.answers = true;
    /** @type {number | null} */
    this.closed = null;
    this._said = new Uint8Array(0);
    this._read = 0;
    let streams = 0;
    this.carrier = /** @type {any} */ ({
      heardAt: net.now,
      reliableDatagrams: false,
      openStream: () => streams++,
      sendStream: (/** @type {number} */ stream, /** @type {Uint8Array} */ data) => stream === 0 && this._hear(data),
      setStreamBulk() {},
      resetStream() {},
      streamBacklog: () => 0,
      close: (/** @type {number} */ code) => (this.closed ??= code),
    });
  }

  /** What the viewer said on hop control. @returns {any[]} */
  get said() {
    return new HopStream().receive(this._said.slice(CONTROL_HEADER.length));
  }

  /** @param {Uint8Array} data */
  _hear(data) {
    this._said = concat(this._said, data);
    for (const message of this.said.slice(this._read)) {
      this._read++;
      if (message.kind === "PING" && this.answers) queueMicrotask(() => void this.say("PONG", { token: message.token }));
    }
  }

  /** Say something to the viewer. @param {string} kind @param {Record<string, any>} fields */
  async say(kind, fields) {
    if (this.closed !== null) return;
    this.carrier.heardAt = this.net.now + LATENCY;
    await this.receiver.streamReceived(0, hopBytes(kind, fields), false, this.carrier.heardAt);
  }

  /** Answer as a relay does, or as the host itself: WELCOME, and a place for the session unless `place` is false.
   * @param {{ identity?: Uint8Array, endorsement?: Uint8Array, observed?: string, place?: boolean }} [as] */
  async welcome({ identity = NOBODY, endorsement = NOBODY, observed = "", place = true } = {}) {
    this.carrier.heardAt = this.net.now;
    this.receiver.carrierReady(this.net.now);
    await this.say("WELCOME", { version: 1, nonce: new Uint8Array(16), observed, identity, endorsement });
    const attach = this.said.find(({ kind }) => kind === "ATTACH");
    if (attach && place) await this.say("ATTACHED", { session: attach.session, handle: 7, media_handle: 7 });
    return attach;
  }

  /** The connection breaks. @param {number} code */
  lose(code) {
    this.closed = code;
    this.receiver.carrierLost(code, "", this.net.now);
  }
}

/** The net: what was dialled, and the time. */
export class MemoryHops {
  constructor() {
    this.now = 10_000;
    /** @type {MemoryHop[]} */
    this.dialled = [];
  }

  /** The connection that was dialled last. */
  get last() {
    return /** @type {MemoryHop} */ (this.dialled.at(-1));
  }

  /** See Dial. */
  get dial() {
    return (/** @type {string} */ url, /** @type {Uint8Array[]} */ hashes, /** @type {any} */ receiver, /** @type {boolean} */ tcp) => {
      const hop = new MemoryHop(this, url, hashes, receiver, tcp);
      this.dialled.push(hop);
      return hop.carrier;
    };
  }
}
