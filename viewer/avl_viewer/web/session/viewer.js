/**
 * ViewerSession: the viewer's side of one desktop, from the first handshake byte to the last (spec 04-session, 4.4 and 4.5).
 */

import * as identities from "../crypto/identity.js";
import { ViewerHandshake } from "../crypto/handshake.js";
import { ObjectOpener } from "../crypto/sframe.js";
import { ClockOffset } from "../media/clock.js";
import { concat } from "../wire/bytes.js";
import { Refused, RemoteProtocolError } from "../wire/errors.js";
import { ShortFrameReader } from "../wire/framing.js";
import { decode, encode } from "../wire/messages.js";
import {
  BULK_MESSAGES, CHANNEL, CLOSE, CONTROL_MESSAGES, INPUT_MESSAGES, MAX, PERMISSION, SESSION_VERSIONS, TIMER,
} from "../wire/registry.js";
import { knownCode } from "./link.js";
import { MediaReceiver } from "./mediain.js";
import { InputOutbox } from "./outbox.js";
import { SecureChannels } from "./secure.js";
import { Timer, Timers } from "./timers.js";

/** Clock exchanges: the first few quickly, so that the offset is good before it is needed. */
const CLOCK_QUICK = 200;
const CLOCK_SLOW = 10_000;
const QUICK_EXCHANGES = 5;
/** Bytes of a media key: generation, step, base. */
const MEDIA_KEY = 37;

const HANDS = PERMISSION.POINTER | PERMISSION.KEYBOARD;
const CLIPBOARD = PERMISSION.CLIPBOARD_IN | PERMISSION.CLIPBOARD_OUT;
const ALL_PERMISSIONS = Object.values(PERMISSION).reduce((all, one) => all | one, 0);

/** Where a session stands. */
export const ViewerState = Object.freeze({ HANDSHAKE: "HANDSHAKE", ADMITTED: "ADMITTED", ENDED: "ENDED" });

/**
 * @typedef {import("./mediain.js").ReceivedFrame} ReceivedFrame
 * @typedef {import("./outbox.js").InputEvent} InputEvent
 *
 * @typedef {object} ViewerSettings  Whom we want and what for. `decodes`: chroma samplings our decoder can do.
 * @property {any} identity
 * @property {bigint} device
 * @property {Uint8Array} sessionId
 * @property {string} code
 * @property {string} name
 * @property {number} permissions
 * @property {number[]} decodes
 *
 * @typedef {object} ViewerSessionOwner  What the owner of a session is told.
 * @property {(seconds: number) => void} sessionWaiting  a person at the host is being asked
 * @property {(grant: any) => void} sessionAdmitted
 * @property {(frames: ReceivedFrame[]) => void} sessionFrames  to decode, in order
 * @property {(track: number, number: number) => void} sessionRecover  a track can't be decoded from object `number` on
 * @property {(message: any) => void} sessionMessage  layout, cursor, stages, clipboard
 * @property {(sequence: number, hostTime: number) => void} sessionEcho  batches up to `sequence` were applied (host's clock, ms)
 * @property {(stale: boolean) => void} sessionStale  the host has (not) been heard for 3 s
 * @property {(reason: Refused) => void} sessionEnded
 */

/** Our session with one host. `clock`: milliseconds; `wall`: Unix time in seconds, for certificates. */
export class ViewerSession {
  /** @param {ViewerSettings} settings @param {import("./pipes.js").SessionPipes} pipes @param {ViewerSessionOwner} owner
   * @param {() => number} clock @param {number} wall */
  constructor(settings, pipes, owner, clock, wall) {
    this._settings = settings;
    this._pipes = pipes;
    this._owner = owner;
    this._clock = clock;
    this._wall = wall;
    /** @type {any} */
    this._handshake = null;
    this._frames = new ShortFrameReader(MAX.HANDSHAKE_MESSAGE);
    /** @type {SecureChannels | null} */
    this._secure = null;
    this._timers = new Timers();
    this._outbox = new InputOutbox();
    this._flushing = false;
    this._exchanges = 0;
    this.clock = new ClockOffset();
    /** @type {MediaReceiver | null} */
    this.media = null;
    /** @type {string} */
    this.state = ViewerState.HANDSHAKE;
    this.permissions = 0;
    this.stale = false;
    this.visible = true;
    this._timers.set(Timer.HANDSHAKE, clock() + TIMER.UNADMITTED);
  }

  /** The relay's number for this session. */
  get handle() {
    return this._pipes.handle;
  }

  /** Open channel 0 and send the first handshake message. */
  async start() {
    const { identity, device, sessionId, code, name, permissions } = this._settings;
    this._handshake = new ViewerHandshake(identity, device, sessionId, code, name, permissions, SESSION_VERSIONS, this._wall);
    const first = await this._handshake.start();
    if (!this._going()) return;
    this._pipes.open(CHANNEL.CONTROL);
    this._sendBody(first);
  }

  // bytes

  /** Bytes of one of the session's channels. @param {number} channel @param {Uint8Array} data @param {boolean} end */
  async channelReceived(channel, data, end) {
    if (!this._going()) return;
    try {
      if (!this._secure) await this._shake(data);
      else await this._messages(channel, data);
      if (end && channel === CHANNEL.CONTROL && this._going()) throw new Refused(CLOSE.SESSION_LOST);
    } catch (error) {
      this._failed(error);
    }
  }

  /** A channel's stream was abandoned. @param {number} channel @param {number} code */
  channelReset(channel, code) {
    if (channel !== CHANNEL.CONTROL) return;
    const known = code === CLOSE.NO_ERROR ? CLOSE.SESSION_LOST : knownCode(code, CLOSE.SESSION_LOST);
    this._ended(new Refused(known));
  }

  /** A channel's backlog is gone. @param {number} channel */
  channelWritable(channel) {
    if (channel === CHANNEL.INPUT) this._flushInput();
  }

  _going() {
    return this.state !== ViewerState.ENDED;
  }

  /** @param {unknown} error */
  _failed(error) {
    if (error instanceof RemoteProtocolError) this._fail(new Refused(error.code));
    else if (error instanceof Refused) this._fail(error);
    else throw error;
  }

  /** @param {Uint8Array} body */
  _sendBody(body) {
    this._pipes.send(CHANNEL.CONTROL, concat(Uint8Array.of(body.length >> 8, body.length & 255), body));
  }

  /** @param {Uint8Array} data */
  async _shake(data) {
    this._frames.feed(data);
    while (!this._handshake.admitted) {
      const body = this._frames.next();
      if (body === null) break;
      for (const out of await this._handshake.receive(body)) this._sendBody(out);
      if (!this._going()) return;
      const waiting = this._handshake.waiting;
      if (waiting !== null && !this._handshake.admitted) {
        this._timers.set(Timer.HANDSHAKE, this._clock() + waiting * 1000 + TIMER.UNADMITTED);
        this._owner.sessionWaiting(waiting);
      }
    }
    if (!this._handshake.admitted) return;
    this._secure = new SecureChannels(this._handshake.keys, this._settings.sessionId, this._pipes, (error) => this._failed(error));
    await this._messages(CHANNEL.CONTROL, this._frames.clear());
  }

  // messages

  /** Send a control message to the host. @param {string} kind @param {Record<string, any>} fields */
  send(kind, fields) {
    if (this.state === ViewerState.ADMITTED) void this._secure?.send(CHANNEL.CONTROL, encode(CONTROL_MESSAGES, kind, fields));
  }

  /** Send a bulk message. Throws Refused(NOT_PERMITTED). @param {string} kind @param {Record<string, any>} fields */
  sendBulk(kind, fields) {
    if (!(this.permissions & CLIPBOARD)) throw new Refused(CLOSE.NOT_PERMITTED);
    if (this.state === ViewerState.ADMITTED) void this._secure?.send(CHANNEL.BULK, encode(BULK_MESSAGES, kind, fields));
  }

  /** Send input at once as one batch (moves coalesce while the hop is backed up); its sequence number.
   * Throws Refused(NOT_PERMITTED), or Refused(SESSION_LOST) while the host is not heard. @param {InputEvent[]} events */
  sendInput(events) {
    if (!(this.permissions & HANDS)) throw new Refused(CLOSE.NOT_PERMITTED);
    if (this.stale || !this._secure || !this._going()) throw new Refused(CLOSE.SESSION_LOST);
    const sequence = this._outbox.add(events);
    this._flushInput();
    return sequence;
  }

  /** One batch at a time: what comes while it is sealed and written coalesces. */
  _flushInput() {
    const secure = this._secure;
    if (!secure || this._flushing || this.state !== ViewerState.ADMITTED || !this._outbox.pending) return;
    if (this._pipes.backlog(CHANNEL.INPUT) > this._outbox.room || !secure.writable(CHANNEL.INPUT)) return;
    const batch = this._outbox.take(this.clock.toHost(this._clock()) * 1000);
    this._flushing = true;
    void secure.send(CHANNEL.INPUT, encode(INPUT_MESSAGES, "BATCH", batch)).then(() => {
      this._flushing = false;
      this._flushInput();
    });
    this._refreshHolding();
  }

  _refreshHolding() {
    if (this._outbox.holds) this._timers.set(Timer.HOLDING, this._clock() + TIMER.INPUT_REFRESH);
    else this._timers.stop(Timer.HOLDING);
  }

  /** @param {number} channel @param {Uint8Array} data */
  async _messages(channel, data) {
    const secure = /** @type {SecureChannels} */ (this._secure);
    for (const raw of await secure.receive(channel, data)) {
      if (!this._going()) return;
      if (channel === CHANNEL.CONTROL) {
        const message = decode(CONTROL_MESSAGES, raw, CLOSE.SESSION_PROTOCOL);
        if (this.state === ViewerState.HANDSHAKE) await this._granted(message);
        else if (message) await this._control(message);
      } else if (channel === CHANNEL.INPUT) {
        const echo = decode(INPUT_MESSAGES, raw, CLOSE.SESSION_PROTOCOL);
        if (echo?.kind === "ECHO") this._owner.sessionEcho(echo.sequence, echo.host_us / 1000);
      } else {
        const bulk = decode(BULK_MESSAGES, raw, CLOSE.SESSION_PROTOCOL);
        if (bulk) this._owner.sessionMessage(bulk);
      }
    }
    if (channel === CHANNEL.INPUT) this._flushInput();
  }

  /** @param {any} grant */
  async _granted(grant) {
    if (grant?.kind === "END") throw new Refused(knownCode(grant.code, CLOSE.ENDED));
    if (grant?.kind !== "GRANT") throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "the host spoke before GRANT");
    const host = this._handshake.hostIdentity;
    if (!(await identities.checkSigner(host, grant.endorsement, grant.media_session, grant.signer))) {
      throw new RemoteProtocolError(CLOSE.TAMPERED, "the media signer is not endorsed");
    }
    const opener = new ObjectOpener(grant.media_session, grant.signer);
    const media = new MediaReceiver(opener, this._clock, {
      frames: (frames) => this._owner.sessionFrames(frames),
      missingKey: (track, kid) => this.send("NEED_KEYS", { track, kid }),
    });
    await this._learn(media, grant.keys);
    if (!this._going()) return;
    const now = this._clock();
    this.media = media;
    this.state = ViewerState.ADMITTED;
    this.permissions = grant.permissions & ALL_PERMISSIONS;
    this.clock.seed(grant.host_time_us / 1000, now);
    this._timers.stop(Timer.HANDSHAKE);
    this._timers.set(Timer.STALE, now + TIMER.STALE);
    if (this.permissions & HANDS) this._pipes.open(CHANNEL.INPUT);
    if (this.permissions & CLIPBOARD) this._pipes.open(CHANNEL.BULK);
    this.send("DECODER", { chroma: this._settings.decodes, max_width: 4096, max_height: 4096 });
    this._exchangeClocks();
    this._owner.sessionAdmitted(grant);
  }

  /** @param {any} message */
  async _control(message) {
    if (message.kind === "CLOCK_PONG") this.clock.sample(message.sent_us / 1000, message.host_us / 1000, this._clock());
    else if (message.kind === "BEACON") this._beacon(message);
    else if (message.kind === "MEDIA_KEYS") await this._learn(/** @type {MediaReceiver} */ (this.media), message.keys);
    else if (message.kind === "END") this._ended(new Refused(knownCode(message.code, CLOSE.ENDED)));
    else this._owner.sessionMessage(message);
  }

  /** @param {any} beacon */
  _beacon(beacon) {
    const now = this._clock();
    this._timers.set(Timer.STALE, now + TIMER.STALE);
    if (this.stale) {
      this.stale = false;
      this._owner.sessionStale(false);
    }
    if (!this.media || !this.visible) return;
    for (const row of beacon.objects) if (row.length === 2 && row[0] >= 0 && row[0] < 256) this.media.beacon(row[0], row[1], now);
    for (const [track, number] of this.media.tails(now)) this._owner.sessionRecover(track, number);
  }

  /** @param {MediaReceiver} media @param {Uint8Array[]} keys */
  async _learn(media, keys) {
    for (const key of keys) {
      if (key.length !== MEDIA_KEY) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "malformed media key");
      const generation = new DataView(key.buffer, key.byteOffset, 4).getUint32(0);
      await media.addKey(generation, key[4], key.slice(5));
    }
  }

  // media

  /** A media datagram of this session. @param {Uint8Array} data @param {number} now */
  datagramReceived(data, now) {
    if (!this.media || this.state !== ViewerState.ADMITTED) return;
    this.media.datagram(data, now);
    const check = this.media.nextCheck(now);
    if (check === null) this._timers.stop(Timer.RECOVER);
    else this._timers.set(Timer.RECOVER, check);
  }

  // time and end

  /** When `handleTimer` wants to be called. */
  nextTimeout() {
    return this._timers.nextTimeout();
  }

  /** Time has passed. @param {number} now */
  handleTimer(now) {
    for (const timer of this._timers.expired(now)) {
      if (timer === Timer.HANDSHAKE) {
        this._fail(new Refused(CLOSE.TIMEOUT));
      } else if (timer === Timer.STALE) {
        this.stale = true;
        this._outbox.clear();
        this._owner.sessionStale(true);
      } else if (timer === Timer.HOLDING) {
        this._outbox.hold();
        this._flushInput();
        this._refreshHolding();
      } else if (timer === Timer.CLOCK) {
        this._exchangeClocks();
      } else if (timer === Timer.RECOVER && this.media) {
        for (const [track, number] of this.media.recoveries(now)) this._owner.sessionRecover(track, number);
        const check = this.media.nextCheck(now);
        if (check !== null) this._timers.set(Timer.RECOVER, check);
      }
    }
  }

  _exchangeClocks() {
    this._exchanges++;
    const now = this._clock();
    this.send("CLOCK_PING", { sent_us: Math.round(now * 1000) });
    this._timers.set(Timer.CLOCK, now + (this._exchanges < QUICK_EXCHANGES ? CLOCK_QUICK : CLOCK_SLOW));
  }

  /** Leave: tell the host, then end our streams. */
  async end() {
    const secure = this._secure;
    if (this.state === ViewerState.ADMITTED && secure) {
      this.send("END", { code: CLOSE.ENDED, text: "" });
      this._ended(new Refused(CLOSE.ENDED));
      await secure.finish(CHANNEL.CONTROL);
      this._pipes.finish(CHANNEL.CONTROL);
    } else {
      this._ended(new Refused(CLOSE.ENDED));
    }
  }

  /** The link below is gone. @param {Refused} reason */
  lost(reason) {
    this._ended(reason);
  }

  /** @param {Refused} reason */
  _fail(reason) {
    if (!this._going()) return;
    this._pipes.close(reason.code);
    this._ended(reason);
  }

  /** @param {Refused} reason */
  _ended(reason) {
    if (!this._going()) return;
    this.state = ViewerState.ENDED;
    this._timers.stopAll();
    this._owner.sessionEnded(reason);
  }
}
