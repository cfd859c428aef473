/**
 * Path: one hop of a viewer's session, to a relay or to the host itself, from dialling to its loss.
 */

import { PATH_NAMES, PathKind } from "../path/selector.js";
import { Silence, Verdict } from "../path/silence.js";
import { Refused } from "../wire/errors.js";
import { CLOSE, PATH_TIMER } from "../wire/registry.js";
import { HopClientState, HopClient, knownCode } from "../session/hop/client.js";
import { Attachment } from "../session/pipes.js";
import { Timer, Timers } from "../session/timers.js";

const { PARTING, BUSY } = PATH_TIMER;

/**
 * @typedef {(url: string, hashes: Uint8Array[], receiver: import("../carrier/carrier.js").CarrierReceiver, tcp:
 * boolean) =>
 *   import("../carrier/carrier.js").Carrier} Dial  `tcp`: whether a WebSocket may take the place of WebTransport.
 *
 * @typedef {object} PathOwner  What the owner of a path is told.
 * @property {(path: Path, welcome: any, now: number) => void} pathUp  the right one is at the other end; `attach` may
 * be called
 * @property {(path: Path, now: number) => void} pathAttached  `path.attachment` is a place for the session
 * @property {(path: Path, message: any, now: number) => void} pathMessage  a hop message that is not the path's own
 * business
 * @property {(path: Path, channel: number, stream: number, data: Uint8Array, end: boolean) => Promise<void>}
 * pathChannel
 * @property {(path: Path, channel: number, stream: number, code: number) => void} pathReset  a channel's stream was
 * abandoned
 * @property {(path: Path, channel: number) => void} pathWritable
 * @property {(path: Path, data: Uint8Array, now: number) => void} pathMedia
 * @property {(path: Path, now: number) => void} pathHeard  one that was silent answers
 * @property {(path: Path, reason: Refused) => boolean} pathLeft  the relay says that the session is over; whether the
 * host's word is waited for
 * @property {(path: Path, reason: Refused, now: number) => void} pathLost  it is over, or never came to be
 *
 * @typedef {object} Whereto  `patience`: milliseconds until it has to be a place for the session.
 * @property {string} url
 * @property {import("../session/hop/client.js").HopClientSettings} settings
 * @property {boolean} tcp
 * @property {number} patience
 */

/** A HopClientOwner. */
export class Path {
  /** @param {PathOwner} owner @param {Dial} dial @param {Whereto} whereto @param {number} now */
  constructor(owner, dial, { url, settings, tcp, patience }, now) {
    this._owner = owner;
    this._timers = new Timers();
    this._silence = new Silence();
    this._mediaAt = -Infinity;
    this._over = false;
    this._moves = false;
    /** Why the relay says that the session is over. @type {Refused | null} */
    this._parting = null;
    /** @type {Uint8Array} */
    this._session = new Uint8Array(0);
    this.url = url;
    this.hashes = settings.hashes;
    /** Whether it leads to the host itself. */
    this.direct = settings.device !== undefined;
    /** The key of who is there; empty before they said so. @type {Uint8Array} */
    this.relay = new Uint8Array(0);
    /** Whether the relay says that it sees the host at our address. */
    this.near = false;
    /** @type {Attachment | null} */
    this.attachment = null;
    /** When the path fell silent; null while it answers. @type {number | null} */
    this.silentSince = null;
    /** The other end refused the session here, or did not take it in time. */
    this.unfit = false;
    /** To be closed once the session is elsewhere. */
    this.leaving = false;
    /** Why the session should leave it although it answers; empty: it should not. */
    this.going = "";
    this.hop = new HopClient(settings, this);
    this._timers.set(Timer.HELLO, now + patience);
    this.hop.attachCarrier(dial(url, settings.hashes, this.hop, tcp), now);
  }

  /** Ask for the device under a session id; `moves`: the session is running already.
   * @param {Uint8Array} device @param {Uint8Array} session @param {boolean} moves @param {Uint8Array} accessPass */
  attach(device, session, moves, accessPass) {
    this._moves = moves;
    this._session = session;
    this.hop.send("ATTACH", { device, session, moves: moves ? 1 : 0, access_pass: accessPass });
  }

  /** Give the path up; its owner is told nothing more. @param {number} code */
  close(code = CLOSE.NO_ERROR) {
    this._over = true;
    this._timers.stopAll();
    this.hop.close(code);
  }

  // what it is

  /** Whether the right one has answered. */
  get up() {
    return this.hop.state === HopClientState.UP;
  }

  /** A PathKind. */
  get kind() {
    if (this.direct) return PathKind.LAN;
    return this.up && this.hop.carrier.reliableDatagrams ? PathKind.TCP : PathKind.RELAY;
  }

  /** What people call it. */
  get name() {
    return PATH_NAMES[this.kind];
  }

  /** Round trip in milliseconds. */
  get rtt() {
    return this.hop.rtt;
  }

  /** The smoothed round trip or the last one: a path that is not in use has a sample every few seconds, and what its
   * handshake took would weigh on the smoothed one for a minute. */
  get _leastRtt() {
    return this.rtt === null ? null : Math.min(this.rtt, this.hop.latestRtt ?? this.rtt);
  }

  /** What the plan goes by; a page sends no datagrams that could be lost.
   * @returns {import("../path/plan.js").PathState<Path>} */
  state() {
    const { kind, _leastRtt: rtt, direct, silentSince, unfit } = this;
    return { name: this, kind, rtt, loss: 0, direct, attached: this.attachment !== null, silentSince, unfit, going: this.going !== "" };
  }

  /** Whether the session may be here. */
  get fit() {
    return this.silentSince === null && !this.unfit && !this.going;
  }

  // silence

  /** When `handleTimer` wants to be called. @returns {number | null} */
  nextTimeout() {
    const due = [this._timers.nextTimeout(), this.hop.nextTimeout()];
    if (this.up) due.push(this._silence.nextTimeout(this.hop.carrier.heardAt, this.hop.answeredAt, this.rtt));
    const set = due.filter((at) => at !== null);
    return set.length ? Math.min(...set) : null;
  }

  /** Time has passed; `waits`: something that was sent here should have been answered. @param {number} now @param
   * {boolean} waits
   * @returns {string} */
  handleTimer(now, waits) {
    if (this._timers.expired(now).length) {
      this._lose(this._parting ?? new Refused(CLOSE.TIMEOUT), now);
      return Verdict.FINE;
    }
    this.hop.handleTimer(now);
    if (!this.up) return Verdict.FINE;
    const { carrier, answeredAt } = this.hop;
    const verdict = this._silence.look(now, carrier.heardAt, answeredAt, waits || now - this._mediaAt < BUSY, this.rtt);
    if (verdict !== Verdict.FINE) this.hop.ping(now);
    if (!this._silence.silent) this.silentSince = null;
    else this.silentSince ??= now;
    return verdict;
  }

  /** Input has left here that wants an answer. @param {number} now */
  busy(now) {
    if (this.up) this._silence.busy(now);
  }

  /** Something has arrived. @param {number} now */
  _heard(now) {
    if (this.silentSince === null || !this.up) return;
    this.handleTimer(now, false);
    if (this.silentSince === null) this._owner.pathHeard(this, now);
  }

  // HopClientOwner

  /** @param {any} welcome @param {number} now */
  hopUp(welcome, now) {
    this.relay = welcome.identity;
    this.hop.ping(now);
    this._owner.pathUp(this, welcome, now);
  }

  /** @param {any} message @param {number} now */
  hopMessage(message, now) {
    this._heard(now);
    if (message.kind === "ATTACHED") {
      if (this.attachment || String(message.session) !== String(this._session)) return;
      this._timers.stop(Timer.HELLO);
      this.near = message.near === 1;
      this.attachment = new Attachment(this.hop, message.handle, this.hop.binding);
      this._owner.pathAttached(this, now);
    } else if (message.kind === "DETACH") {
      const reason = new Refused(knownCode(message.code, CLOSE.EVICTED));
      if (!this._owner.pathLeft(this, reason)) {
        this._lose(reason, now);
        return;
      }
      this._parting = reason;
      this._timers.set(Timer.PART, now + PARTING);
    } else {
      this._owner.pathMessage(this, message, now);
    }
  }

  /** An answer to a question. @param {number} now */
  hopAnswered(now) {
    this._heard(now);
  }

  /** @param {number} handle @param {number} channel @param {number} stream @param {Uint8Array} data @param {boolean}
   * end @param {number} now */
  async channelReceived(handle, channel, stream, data, end, now) {
    this._heard(now);
    if (handle === this.attachment?.handle) await this._owner.pathChannel(this, channel, stream, data, end);
  }

  /** @param {number} handle @param {number} channel @param {number} stream @param {number} code */
  channelReset(handle, channel, stream, code) {
    if (handle === this.attachment?.handle) this._owner.pathReset(this, channel, stream, code);
  }

  /** @param {number} handle @param {number} channel */
  channelWritable(handle, channel) {
    if (handle === this.attachment?.handle) this._owner.pathWritable(this, channel);
  }

  /** @param {Uint8Array} data @param {number} now */
  mediaReceived(data, now) {
    this._mediaAt = now;
    this._heard(now);
    this._owner.pathMedia(this, data, now);
  }

  /** @param {Refused} reason @param {number} now */
  hopLost(reason, now) {
    this._lose(reason, now);
  }

  /** @param {Refused} reason @param {number} now */
  _lose(reason, now) {
    if (this._over) return;
    this.close();
    this._owner.pathLost(this, reason, now);
  }
}
