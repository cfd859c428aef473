/**
 * SecureChannels: messages of one session under its keys (spec 04-session, 4.4; 06-security, 6.3).
 *
 * WebCrypto answers later than it is asked, and records must leave in the order of their counters: each channel does
 * one thing at a time, in each direction.
 */

import { openChannel } from "../crypto/channel.js";
import { isBulk } from "../wire/channels.js";
import { Refused } from "../wire/errors.js";
import { FrameReader, frame } from "../wire/framing.js";
import { CLOSE, MAX } from "../wire/registry.js";

/** Bytes of messages that may wait for a peer that has stopped acknowledging. */
export const WAITING = 2 * 1024 * 1024;

/**
 * @typedef {{ send: (channel: number, data: Uint8Array) => void }} Pipes  Where a session's channel bytes go.
 * @typedef {Awaited<ReturnType<typeof openChannel>>} SecureChannel
 * @typedef {object} Conversation  One channel: its records, its message frames, and what waits for room.
 * @property {Promise<SecureChannel>} opening
 * @property {SecureChannel | null} secure
 * @property {FrameReader} frames
 * @property {Uint8Array[]} waiting
 * @property {number} waitingSize
 * @property {Promise<void>} tail  what was asked for last
 * @property {boolean} suspended  it waits for another stream
 */

/** All channels of a session after its handshake. */
export class SecureChannels {
  /** @param {any} keys  the handshake's SessionKeys @param {Uint8Array} sessionId @param {Pipes} pipes
   * @param {(error: unknown) => void} failed  told of an error in something that nobody awaits */
  constructor(keys, sessionId, pipes, failed) {
    this._keys = keys;
    this._sessionId = sessionId;
    this._pipes = pipes;
    this._failed = failed;
    /** @type {Map<number, Conversation>} */
    this._channels = new Map();
  }

  /** @param {number} channel @returns {Conversation} */
  _conversation(channel) {
    const known = this._channels.get(channel);
    if (known) return known;
    const limit = isBulk(channel) ? MAX.CHANNEL_MESSAGE : MAX.RECORD_DATA;
    /** @type {Conversation} */
    const made = {
      opening: Promise.resolve(openChannel(this._keys, channel, true, this._sessionId)),
      secure: null,
      frames: new FrameReader(limit, CLOSE.SESSION_PROTOCOL),
      waiting: [],
      waitingSize: 0,
      tail: Promise.resolve(),
      suspended: false,
    };
    this._channels.set(channel, made);
    return made;
  }

  /** Do `work` on a channel after all that was asked before. @param {number} channel @param {(of: SecureChannel, at:
   * Conversation) => Promise<void>} work */
  _then(channel, work) {
    const at = this._conversation(channel);
    const done = at.tail.then(async () => {
      at.secure ??= await at.opening;
      await work(at.secure, at);
    });
    at.tail = done.catch(() => undefined);
    return done;
  }

  /** Done when all that was asked of every channel so far is: what was sent is sealed, what came is opened. */
  async settled() {
    await Promise.all([...this._channels.values()].map(({ tail }) => tail));
  }

  /** Seal a message and send it, or keep it until the peer has acknowledged enough; done when it is with the connection
   * or waits. Errors go to `failed`. @param {number} channel @param {Uint8Array} message @returns {Promise<void>} */
  send(channel, message) {
    const framed = frame(message, MAX.CHANNEL_MESSAGE);
    return this._then(channel, async (secure, at) => {
      if (!at.waiting.length && secure.writable) {
        this._pipes.send(channel, await secure.send(framed));
        return;
      }
      at.waiting.push(framed);
      at.waitingSize += framed.length;
      if (at.waitingSize > WAITING) throw new Refused(CLOSE.TOO_SLOW);
    }).catch(this._failed);
  }

  /** Messages completed by these bytes of a channel's stream, if they still count when it is their turn: a channel may
   * have left the stream meanwhile, and what it left there is repeated. Rejects with RemoteProtocolError.
   * @param {number} channel @param {Uint8Array} data @param {() => boolean} counts @returns {Promise<Uint8Array[]>} */
  async receive(channel, data, counts = () => true) {
    /** @type {Uint8Array[]} */
    const messages = [];
    await this._then(channel, async (secure, at) => {
      if (!counts()) return;
      for (const chunk of await secure.receive(data)) messages.push(...at.frames.feed(chunk));
      this._pipes.send(channel, await secure.takeOutput());
      await this._sendWaiting(channel, secure, at);
    });
    return messages;
  }

  /** Send what has waited for room, as far as there is. @param {number} channel @param {SecureChannel} secure @param
   * {Conversation} at */
  async _sendWaiting(channel, secure, at) {
    while (at.waiting.length && secure.writable) {
      const framed = /** @type {Uint8Array} */ (at.waiting.shift());
      at.waitingSize -= framed.length;
      this._pipes.send(channel, await secure.send(framed));
    }
  }

  /** Say that a channel ends here, so that its end is not taken for truncation (P6). @param {number} channel */
  async finish(channel) {
    if (!this._channels.has(channel)) return;
    await this._then(channel, async (secure) => this._pipes.send(channel, await secure.finish()));
  }

  /** Whether a message would go out at once. @param {number} channel */
  writable(channel) {
    const at = this._conversation(channel);
    return !at.suspended && !at.waiting.length && (at.secure?.writable ?? true);
  }

  /** Bytes of a channel's records that the peer has not acknowledged. @param {number} channel */
  unacknowledged(channel) {
    return this._conversation(channel).secure?.retained ?? 0;
  }

  // moving to another route (spec 08-paths, 8.5)

  /** The channel's stream is gone: hold back what is sent until it has another. @param {number} channel */
  suspend(channel) {
    this._conversation(channel).suspended = true;
    void this._then(channel, async (secure) => secure.suspend()).catch(this._failed);
  }

  /** Our Channel Resume for another stream, under the next epoch, once all before it is done. The channel is suspended
   * at once.
   * @param {number} channel @param {Uint8Array} binding @param {(header: Uint8Array) => void} ready */
  moveHeader(channel, binding, ready) {
    this._conversation(channel).suspended = true;
    return this._then(channel, async (secure) => ready(await secure.resumeHeader(secure.epoch + 1, binding))).catch(this._failed);
  }

  /** Accept the peer's Channel Resume. `arrived` is given what to repeat, and says whether the channel still wants to
   * be there; nothing else happens on the channel before it has answered. Rejects with RemoteProtocolError(TAMPERED).
   * @param {number} channel @param {import("../crypto/channel.js").ResumeHeader} header @param {Uint8Array} binding
   * @param {(repeat: Uint8Array) => boolean} arrived */
  acceptMove(channel, header, binding, arrived) {
    return this._then(channel, async (secure, at) => {
      if (!arrived(await secure.resume(header, binding))) {
        secure.suspend();
        return;
      }
      at.suspended = false;
      await this._sendWaiting(channel, secure, at);
    });
  }
}
