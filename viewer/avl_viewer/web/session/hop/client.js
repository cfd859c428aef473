/**
 * HopClient: a viewer's side of the hop to its relay, or to the host itself (spec 04-session, 4.2; 08-paths, 8.4).
 *
 * It checks who the relay is before anything but HELLO is sent, and sorts streams by session. A page can't see the
 * certificate of its connection; what it can do is allow only certificates whose hashes its own origin named, so the
 * relay's identity has to vouch for one of those.
 */

import * as identities from "../../crypto/identity.js";
import { concat } from "../../wire/bytes.js";
import { LocalProtocolError, Refused, RemoteProtocolError } from "../../wire/errors.js";
import { CLOSE, HOP_VERSIONS, ROLE, TIMER } from "../../wire/registry.js";
import { CONTROL_HEADER, HopStream, channelHeader, hopBytes } from "./stream.js";
import { Timer, Timers } from "../timers.js";

/** @typedef {import("../../carrier/carrier.js").Carrier} Carrier */

/** Where the hop is. */
export const HopClientState = Object.freeze({ CONNECTING: "CONNECTING", GREETING: "GREETING", UP: "UP", DOWN: "DOWN" });

/** Questions that may be open at a time. */
const PINGS = 16;
const KNOWN_CODES = new Set(Object.values(CLOSE));

/**
 * @typedef {object} HopClientSettings  `pin`: SHA-256 of the relay's identity key, null where the browser verified a
 * public certificate;
 * `hashes`: SHA-256 of the certificates the connection was limited to; `device`: the number of the device that has to
 * be there itself.
 * @property {string} software
 * @property {Uint8Array | null} pin
 * @property {Uint8Array[]} hashes
 * @property {bigint} [device]
 *
 * @typedef {object} HopClientOwner  What the owner of a link is told.
 * @property {(welcome: any, now: number) => void} hopUp
 * @property {(message: any, now: number) => void} hopMessage
 * @property {(now: number) => void} hopAnswered  a PING was
 * @property {(handle: number, channel: number, stream: number, data: Uint8Array, end: boolean, now: number) =>
 * Promise<void>} channelReceived
 * @property {(handle: number, channel: number, stream: number, code: number, now: number) => void} channelReset
 * @property {(handle: number, channel: number, now: number) => void} channelWritable
 * @property {(data: Uint8Array, now: number) => void} mediaReceived
 * @property {(reason: Refused, now: number) => void} hopLost
 */

/** A CarrierReceiver that speaks hop control as a client. */
export class HopClient {
  /** @param {HopClientSettings} settings @param {HopClientOwner} owner */
  constructor(settings, owner) {
    this._settings = settings;
    this._owner = owner;
    /** @type {Carrier | null} */
    this._carrier = null;
    /** @type {number | null} */
    this._control = null;
    this._hop = new HopStream();
    /** @type {Map<number, { handle: number, channel: number }>} */
    this._channels = new Map();
    this._timers = new Timers();
    this._pings = 0;
    /** When each PING that was not answered left. @type {Map<number, number>} */
    this._pinged = new Map();
    /** @type {string} */
    this.state = HopClientState.CONNECTING;
    /** Round trip in milliseconds, smoothed; null before it was measured. @type {number | null} */
    this.rtt = null;
    /** The last round trip in milliseconds; null before it was measured. @type {number | null} */
    this.latestRtt = null;
    /** When a question was last answered. */
    this.answeredAt = -Infinity;
    /** SHA-256 of the certificate of a device that is there itself; empty at a relay. @type {Uint8Array} */
    this.binding = new Uint8Array(0);
  }

  /** The connection below. Throws LocalProtocolError before there is one. @returns {Carrier} */
  get carrier() {
    if (!this._carrier) throw new LocalProtocolError("the link has no carrier yet");
    return this._carrier;
  }

  /** Name the carrier this link receives from; it has until HELLO's deadline. @param {Carrier} carrier @param {number}
   * now */
  attachCarrier(carrier, now) {
    this._carrier = carrier;
    this._timers.set(Timer.HELLO, now + TIMER.HELLO);
  }

  /** Send a hop message; silently nothing once the link is down. @param {string} kind @param {Record<string, any>}
   * fields */
  send(kind, fields) {
    if (this._control !== null && this.state !== HopClientState.DOWN) this.carrier.sendStream(this._control, hopBytes(kind, fields));
  }

  /** Open a stream for a channel of a session and return its number. @param {number} handle @param {number} channel */
  openChannel(handle, channel) {
    const stream = this.carrier.openStream();
    this._channels.set(stream, { handle, channel });
    this.carrier.sendStream(stream, channelHeader(handle, channel));
    return stream;
  }

  /** Ask for a sign of life; the answer also measures the round trip. @param {number} now */
  ping(now) {
    if (this.state !== HopClientState.UP) return;
    this._pinged.set(++this._pings, now);
    this._pinged.delete(this._pings - PINGS);
    this.send("PING", { token: this._pings });
  }

  /** End the hop. @param {number} code @param {string} text */
  close(code, text = "") {
    if (this.state === HopClientState.DOWN) return;
    this.state = HopClientState.DOWN;
    this._timers.stopAll();
    this._carrier?.close(code, text);
  }

  /** When `handleTimer` wants to be called. */
  nextTimeout() {
    return this._timers.nextTimeout();
  }

  /** Time has passed. @param {number} now */
  handleTimer(now) {
    if (this._timers.expired(now).includes(Timer.HELLO)) this._fail(new Refused(CLOSE.TIMEOUT, "The relay did not answer in time."), now);
  }

  // CarrierReceiver

  /** Open the control stream and say HELLO. @param {number} _now */
  carrierReady(_now) {
    if (this.state === HopClientState.DOWN) return;
    this._control = this.carrier.openStream();
    this.state = HopClientState.GREETING;
    const hello = { versions: HOP_VERSIONS, role: ROLE.VIEWER, software: this._settings.software, required: [] };
    this.carrier.sendStream(this._control, concat(CONTROL_HEADER, hopBytes("HELLO", hello)));
  }

  /** Sort a stream's bytes to hop control or to a channel.
   * @param {number} stream @param {Uint8Array} data @param {boolean} end @param {number} now */
  async streamReceived(stream, data, end, now) {
    if (this.state === HopClientState.DOWN) return;
    try {
      if (stream === this._control) {
        for (const message of this._hop.receive(data)) await this._message(message, now);
        if (end && this._isOpen()) throw new Refused(CLOSE.GOING_AWAY);
        return;
      }
      const known = this._channels.get(stream);
      if (!known) throw new RemoteProtocolError(CLOSE.PROTOCOL_ERROR, "the relay opened a stream");
      await this._owner.channelReceived(known.handle, known.channel, stream, data, end, now);
      if (end) this._channels.delete(stream);
    } catch (error) {
      if (error instanceof RemoteProtocolError) this._fail(new Refused(error.code, error.message), now);
      else if (error instanceof Refused) this._fail(error, now);
      else throw error;
    }
  }

  /** A stream was abandoned; without control the hop is over. @param {number} stream @param {number} code @param
   * {number} now */
  streamReset(stream, code, now) {
    const known = this._channels.get(stream);
    if (stream === this._control) {
      this._fail(new Refused(CLOSE.GOING_AWAY), now);
    } else if (known) {
      this._channels.delete(stream);
      this._owner.channelReset(known.handle, known.channel, stream, code, now);
    }
  }

  /** Tell the channel's owner. @param {number} stream @param {number} now */
  streamWritable(stream, now) {
    const known = this._channels.get(stream);
    if (known) this._owner.channelWritable(known.handle, known.channel, now);
  }

  /** Media. @param {Uint8Array} data @param {number} now */
  datagramReceived(data, now) {
    if (this.state === HopClientState.UP) this._owner.mediaReceived(data, now);
  }

  /** The connection is gone. @param {number} code @param {string} text @param {number} now */
  carrierLost(code, text, now) {
    if (this.state === HopClientState.DOWN) return;
    const known = code === CLOSE.NO_ERROR ? CLOSE.GOING_AWAY : knownCode(code, CLOSE.SESSION_LOST);
    this._down(new Refused(known, text), now);
  }

  // inside

  _isOpen() {
    return this.state !== HopClientState.DOWN;
  }

  /** @param {any} message @param {number} now */
  async _message(message, now) {
    if (!this._isOpen()) return;
    if (message.kind === "CLOSE") throw new Refused(knownCode(message.code, CLOSE.SESSION_LOST));
    if (this.state === HopClientState.GREETING) {
      if (message.kind !== "WELCOME") throw new RemoteProtocolError(CLOSE.PROTOCOL_ERROR, "the relay spoke before WELCOME");
      await this._welcomed(message, now);
    } else if (message.kind === "PING") {
      this.send("PONG", { token: message.token });
    } else if (message.kind === "PONG") {
      this._measured(message.token, now);
    } else {
      this._owner.hopMessage(message, now);
    }
  }

  /** @param {number} token @param {number} now */
  _measured(token, now) {
    const sent = this._pinged.get(token);
    if (sent === undefined) return;
    for (const older of [...this._pinged.keys()]) if (older <= token) this._pinged.delete(older);
    this.answeredAt = now;
    this.latestRtt = now - sent;
    this.rtt = this.rtt === null ? this.latestRtt : this.rtt + (this.latestRtt - this.rtt) / 8;
    this._carrier?.measured?.(this.rtt);
    this._owner.hopAnswered(now);
  }

  /** R-SEC-2, R-PATH-7: the pinned relay, or the device itself. @param {any} welcome */
  async _checkIdentity({ identity, endorsement }) {
    const { pin, hashes, device } = this._settings;
    if (device !== undefined) {
      const there = (await identities.deviceNumber(identity)) === device;
      const own = await identities.pin(identity);
      const binding = there ? await identities.vouchedFor(own, identity, endorsement, hashes, identities.HOST_CERTIFICATE) : null;
      if (!binding) throw new Refused(CLOSE.WRONG_HOST);
      this.binding = binding;
    } else if (pin && !(await identities.vouchedFor(pin, identity, endorsement, hashes))) {
      throw new Refused(CLOSE.WRONG_RELAY);
    }
  }

  /** @param {any} welcome @param {number} now */
  async _welcomed(welcome, now) {
    await this._checkIdentity(welcome);
    if (!HOP_VERSIONS.includes(welcome.version)) throw new Refused(CLOSE.VERSION);
    if (!this._isOpen()) return;
    this._timers.stop(Timer.HELLO);
    this.state = HopClientState.UP;
    this.answeredAt = now;
    this._owner.hopUp(welcome, now);
  }

  /** @param {Refused} reason @param {number} now */
  _fail(reason, now) {
    if (this.state === HopClientState.DOWN) return;
    this._carrier?.close(reason.code, reason.message);
    this._down(reason, now);
  }

  /** @param {Refused} reason @param {number} now */
  _down(reason, now) {
    this.state = HopClientState.DOWN;
    this._timers.stopAll();
    this._owner.hopLost(reason, now);
  }
}

/** A number from the wire if the registry knows it, else `otherwise`, which is never one of success. @param {number}
 * code @param {number} otherwise */
export function knownCode(code, otherwise) {
  return KNOWN_CODES.has(/** @type {any} */ (code)) ? code : otherwise;
}
