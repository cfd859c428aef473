/**
 * ViewerSession: the viewer's side of one desktop, from the first handshake byte to the last (spec 04-session, 4.4 and
 * 4.5).
 */

import * as identities from "../crypto/identity.js";
import { ObjectOpener } from "../crypto/sframe.js";
import { checkSize } from "../media/bounds.js";
import { tracksOf } from "../media/track.js";
import { channelOf, channelsOf, decode, encode, firstChannelsOf, openedBy } from "../wire/channels.js";
import { Refused, RemoteProtocolError, notPermitted } from "../wire/errors.js";
import { CHANNEL, CLOSE, LANES, LOSSES, PERMISSION, TIMER, TRACK_KIND } from "../wire/registry.js";
import { ClockExchange } from "./exchange.js";
import { InputSender } from "./input/sender.js";
import { knownCode } from "./hop/client.js";
import { ViewerMoves } from "./moves.js";
import { Opening } from "./opening.js";
import { SecureChannels } from "./secure.js";
import { Timer, Timers } from "./timers.js";
import { ViewerState } from "./viewing.js";
import { Watching } from "./media/watching.js";

/** Kinds of tracks that a desktop is shown from, and its sound. @type {Set<number>} */
const SHOWN = new Set([TRACK_KIND.VIDEO, TRACK_KIND.LOWER, TRACK_KIND.EXACT, TRACK_KIND.AUDIO]);
/** Milliseconds until channels that a relay did not let through are opened again, and how often. */
const REOPEN = 100;
const REOPENINGS = 20;
const ALL_PERMISSIONS = Object.values(PERMISSION).reduce((all, one) => all | one, 0);

/**
 * @typedef {import("./input/outbox.js").InputEvent} InputEvent @typedef {import("./pipes.js").Attachment} Attachment
 * @typedef {import("./viewing.js").ViewerSettings} ViewerSettings @typedef {import("./viewing.js").ViewerSessionOwner}
 * ViewerSessionOwner
 */

/** Our session with one host. `clock`: milliseconds; `wall`: Unix time in seconds, for certificates. */
export class ViewerSession {
  /** @param {ViewerSettings} settings @param {import("./pipes.js").SessionPipes} pipes @param {ViewerSessionOwner}
   * owner
   * @param {() => number} clock @param {number} wall */
  constructor(settings, pipes, owner, clock, wall) {
    this._settings = settings;
    this._pipes = pipes;
    this._owner = owner;
    this._clock = clock;
    this._opening = new Opening(settings, wall, (data) => pipes.send(CHANNEL.CONTROL, data));
    /** @type {SecureChannels | null} */
    this._secure = null;
    this._timers = new Timers();
    /** @type {InputSender | null} */
    this._input = null;
    /** @type {ViewerMoves | null} */
    this._moves = null;
    /** What the session does itself with a message; all others are its owner's. @type {Map<string, (message: any) =>
     * unknown>} */
    this._own = new Map([
      ["CLOCK_PONG", (message) => this._clockAnswered(message)],
      ["BEACON", (message) => this._beacon(message)],
      ["MEDIA_KEYS", (message) => this._watching?.learn(message.keys)],
      ["END", (message) => this._ended(new Refused(knownCode(message.code, CLOSE.EVICTED)))],
      ["ECHO", (message) => this._applied(message)],
      ["REPLACED", (message) => this._watching?.replaced(message)],
      ["RIGHTS", (message) => this._rights(message)],
    ]);
    /** Whether streams are opened for what RIGHTS gave, and nothing moves; how often they were asked for in vain. */
    this._opens = false;
    this._inVain = 0;
    /** Lanes that were needed so far. @type {Set<number>} */
    this._lanes = new Set();
    this._clocks = new ClockExchange((fields) => this.send("CLOCK_PING", fields));
    this.clock = this._clocks.offset;
    /** @type {Watching | null} */
    this._watching = null;
    /** @type {string} */
    this.state = ViewerState.HANDSHAKE;
    /** What the host publishes, as GRANT said. @type {import("../media/track.js").Track[]} */
    this.tracks = [];
    this.permissions = 0;
    this.stale = false;
    this.visible = true;
    this._timers.set(Timer.HANDSHAKE, clock() + TIMER.UNADMITTED);
  }

  /** What has arrived of the host's media; null before GRANT. */
  get media() {
    return this._watching?.receiver ?? null;
  }

  /** Where the session is, or was last. */
  get attachment() {
    return this._pipes.attachment;
  }

  /** Whether input is under way that the host has not applied. */
  get inputWaits() {
    return this._input?.unanswered ?? false;
  }

  /** Done when what was sent so far is with the connection, and what came was read. */
  async settled() {
    await this._secure?.settled();
  }

  /** Open channel 0 and send the first handshake message. */
  async start() {
    const first = await this._opening.first();
    if (!this._going()) return;
    this._pipes.open(CHANNEL.CONTROL);
    this._pipes.send(CHANNEL.CONTROL, first);
  }

  // bytes

  /** Bytes of one of the session's channels.
   * @param {Attachment} attachment @param {number} channel @param {number} stream @param {Uint8Array} data @param
   * {boolean} end */
  async channelReceived(attachment, channel, stream, data, end) {
    if (!this._going()) return;
    try {
      const counts = () => !this._moves?.moving(channel) && this._pipes.uses(channel, attachment, stream);
      let bytes = data;
      if (this._moves?.isArrival(channel, attachment, stream)) {
        const rest = await this._arrive(this._moves, channel, attachment, data);
        if (!rest) return;
        bytes = rest;
      } else if (!counts()) {
        return; // the last of a stream that the channel has left
      }
      if (!this._secure) await this._shake(bytes);
      else await this._messages(channel, bytes, counts);
      if (end && channel === CHANNEL.CONTROL && this._going() && counts()) this.channelReset(attachment, channel, stream, CLOSE.SESSION_LOST);
    } catch (error) {
      this._failed(error);
    }
  }

  /** Bytes of a stream that a channel moves to; what follows the host's answer.
   * @param {ViewerMoves} moves @param {number} channel @param {Attachment} attachment @param {Uint8Array} data @returns
   * {Promise<Uint8Array | null>} */
  async _arrive(moves, channel, attachment, data) {
    let arrived;
    try {
      arrived = await moves.received(channel, data);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      if (moves.target === attachment) this._unmoved(moves, attachment);
      return null;
    }
    if (arrived && LANES.has(channel) && this._going()) this._owner.sessionLane(channel);
    if (arrived?.last && this._going() && this._opens) {
      this._opens = false;
      this._flushInput();
    } else if (arrived?.last && this._going()) {
      this._timers.set(Timer.STALE, this._clock() + TIMER.STALE);
      this._flushInput();
      this._owner.sessionMoved(attachment);
    }
    return arrived?.rest ?? null;
  }

  /** @param {ViewerMoves} moves @param {Attachment} attachment */
  _unmoved(moves, attachment) {
    moves.giveUp();
    const opened = this._opens;
    this._opens = false;
    if (!opened) this._owner.sessionUnmoved(attachment);
  }

  /** A channel's stream was abandoned. @param {Attachment} attachment @param {number} channel @param {number} stream
   * @param {number} code */
  channelReset(attachment, channel, stream, code) {
    if (this._moves?.isArrival(channel, attachment, stream)) {
      if (this._opens && code === CLOSE.FORBIDDEN) {
        this._moves.close(channel); // the relay has not heard of it yet
        this._opens = this._moves.target !== null;
        if (this._inVain < REOPENINGS) this._timers.set(Timer.REOPEN, this._clock() + REOPEN);
      } else this._unmoved(this._moves, attachment);
      return;
    }
    if (!this._going() || !this._pipes.uses(channel, attachment, stream)) return;
    if (this.state === ViewerState.ADMITTED && (LOSSES.has(code) || channel !== CHANNEL.CONTROL)) {
      this._lose(channel); // the host has left it for where we move, or the relay has lost the host
      if (channel === CHANNEL.CONTROL && !this._moves?.target) this._owner.sessionAdrift();
    } else if (channel === CHANNEL.CONTROL) {
      this._ended(new Refused(code === CLOSE.NO_ERROR ? CLOSE.SESSION_LOST : knownCode(code, CLOSE.SESSION_LOST)));
    }
  }

  /** A channel has no stream: hold back until it has moved. @param {number} channel */
  _lose(channel) {
    this._pipes.drop(channel);
    this._secure?.suspend(channel);
  }

  // moving

  /** Take the session to another route, or back to one where it was. @param {Attachment} attachment */
  move(attachment) {
    this._opens = false;
    if (this.state === ViewerState.ADMITTED) this._moves?.begin(attachment, this._channels());
  }

  /** A route is gone. A session that was on it waits for another; one that was not admitted is over.
   * @param {Attachment} attachment @param {Refused} reason */
  attachmentLost(attachment, reason) {
    if (!this._moves || this.state !== ViewerState.ADMITTED) {
      if (attachment === this._pipes.attachment) this._ended(reason);
      return;
    }
    this._moves.lost(attachment);
    for (const channel of this._pipes.on(attachment)) this._lose(channel);
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

  /** @param {Uint8Array} data */
  async _shake(data) {
    const opening = this._opening;
    const rest = await opening.receive(data, (seconds) => {
      if (!this._going()) return;
      this._timers.set(Timer.HANDSHAKE, this._clock() + seconds * 1000 + TIMER.UNADMITTED);
      this._owner.sessionWaiting(seconds);
    });
    if (!rest || !this._going()) return;
    const secure = new SecureChannels(opening.keys, this._settings.sessionId, this._pipes, (error) => this._failed(error));
    this._secure = secure;
    this._moves = new ViewerMoves(secure, this._pipes);
    this._input = new InputSender(secure, this._pipes, this._clock, (at) => this.clock.toHost(at), () => this._afterInput());
    await this._messages(CHANNEL.CONTROL, rest, () => true);
  }

  // messages

  /** Channels that are to have a path: those that our permissions open, lanes only once they were needed. */
  _channels() {
    const lanes = channelsOf(this.permissions).filter((channel) => this._lanes.has(channel));
    return [...firstChannelsOf(this.permissions), ...lanes];
  }

  /** Whether a message would leave on a channel at once. @param {number} channel */
  flows(channel) {
    return this.state === ViewerState.ADMITTED && this._pipes.isOpen(channel) && (this._secure?.writable(channel) ?? false);
  }

  /** Bytes of a channel's records that the host has not acknowledged. @param {number} channel */
  unacknowledged(channel) {
    return this._secure?.unacknowledged(channel) ?? 0;
  }

  /** Send a message on its channel, `lane` where there are several, which is opened when it is first needed. Throws
   * Refused(NOT_PERMITTED) where our permissions don't open that.
   * @param {string} kind @param {Record<string, any>} fields @param {number} [lane] @returns {Promise<void>}  done when it
   * is with the connection, or waits for room there */
  send(kind, fields, lane) {
    const channel = channelOf(kind, lane);
    if (!channelsOf(this.permissions).includes(channel)) throw notPermitted(openedBy(channel));
    if (lane !== undefined && !this._lanes.has(lane) && this._secure) {
      this._lanes.add(lane);
      this._secure.suspend(lane); // where there is no path now, it waits for the next
      this._inVain = 0;
      this._openChannels();
    }
    const secure = this.state === ViewerState.ADMITTED ? this._secure : null;
    return secure ? secure.send(channel, encode(kind, fields)) : Promise.resolve();
  }

  /** Send input at once as one batch (moves coalesce while the hop is backed up); its sequence number.
   * Throws Refused(NOT_PERMITTED), or Refused(SESSION_LOST) while the host is not heard. @param {InputEvent[]} events
   * */
  sendInput(events) {
    if (!channelsOf(this.permissions).includes(CHANNEL.INPUT)) throw notPermitted(openedBy(CHANNEL.INPUT));
    if (this.stale || !this._input || !this._going()) throw new Refused(CLOSE.SESSION_LOST);
    const sequence = this._input.send(events);
    this._afterInput();
    return sequence;
  }

  _flushInput() {
    if (!this._input || this.state !== ViewerState.ADMITTED) return;
    this._input.flush();
    this._afterInput();
  }

  _afterInput() {
    const input = /** @type {InputSender} */ (this._input);
    if (this.state !== ViewerState.ADMITTED) return;
    this._tellDropped();
    const now = this._clock();
    this._arm(Timer.LATE, input.outbox.due());
    this._arm(Timer.UNCONFIRMED, input.ledger.due());
    if (input.outbox.holds) this._timers.set(Timer.HOLDING, now + TIMER.INPUT_REFRESH);
    else this._timers.stop(Timer.HOLDING);
  }

  _tellDropped() {
    const dropped = this._input?.takeDropped() ?? [];
    if (dropped.length) this._owner.sessionDropped(dropped);
  }

  /** @param {number} channel @param {Uint8Array} data @param {() => boolean} counts  whether the stream is still the
   * channel's */
  async _messages(channel, data, counts) {
    const secure = /** @type {SecureChannels} */ (this._secure);
    for (const raw of await secure.receive(channel, data, counts)) {
      if (!this._going()) return;
      const message = decode(channel, raw);
      if (this.state === ViewerState.HANDSHAKE) await this._granted(message);
      else if (message) await this._dispatch(message, channel);
    }
    if (channel === CHANNEL.INPUT) this._flushInput();
  }

  /** @param {any} grant */
  async _granted(grant) {
    if (grant?.kind === "END") throw new Refused(knownCode(grant.code, CLOSE.EVICTED));
    if (grant?.kind !== "GRANT") throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "the host spoke before GRANT");
    const host = this._opening.hostIdentity;
    if (!(await identities.checkSigner(host, grant.endorsement, grant.media_session, grant.signer))) {
      throw new RemoteProtocolError(CLOSE.TAMPERED, "the media signer is not endorsed");
    }
    this.tracks = tracksOf(grant.tracks);
    const shown = this.tracks.filter(({ kind }) => SHOWN.has(kind));
    const watching = new Watching(new ObjectOpener(grant.media_session, grant.signer), shown, this._clock, {
      frames: (frames) => {
        this._owner.sessionFrames(frames);
        this._arm(Timer.RECOVER, watching.receiver.nextCheck(this._clock()));
      },
      sounds: (sounds) => this._owner.sessionSounds(sounds),
      missingKey: (track, kid) => this.send("NEED_KEYS", { track, kid }),
      recover: (track, number) => this._owner.sessionRecover(track, number),
      missing: (track, objects) => this.send("MISSING", { track, objects }),
      settled: () => this._owner.sessionSettled(),
      refused: (reason) => this._fail(reason),
    });
    await watching.learn(grant.keys);
    if (!this._going()) return;
    const now = this._clock();
    this._watching = watching;
    this.state = ViewerState.ADMITTED;
    this.permissions = grant.permissions & ALL_PERMISSIONS;
    this.clock.seed(grant.host_time_us / 1000, now);
    this._timers.stop(Timer.HANDSHAKE);
    this._timers.set(Timer.STALE, now + TIMER.STALE);
    for (const channel of firstChannelsOf(this.permissions).slice(1)) this._pipes.open(channel);
    this.send("DECODER", { ...this._settings.decodes });
    this._timers.set(Timer.CLOCK, this._clocks.ask(now));
    this._owner.sessionAdmitted(grant);
  }

  /** Give a message to the session itself where it is its own business, else to its owner. @param {any} message
   * @param {number} channel */
  async _dispatch(message, channel) {
    const own = this._own.get(message.kind);
    if (own) {
      await own(message);
    } else {
      if (message.kind === "LAYOUT") checkSize(message.width, message.height);
      this._owner.sessionMessage(message, channel);
    }
  }

  /** The host says what we may from now on: channels that are not open any more are left, others are opened.
   * @param {any} rights */
  _rights(rights) {
    const moves = /** @type {ViewerMoves} */ (this._moves);
    const before = channelsOf(this.permissions);
    this.permissions = rights.permissions & ALL_PERMISSIONS;
    const open = channelsOf(this.permissions);
    for (const channel of before.filter((one) => !open.includes(one))) {
      moves.close(channel);
      this._pipes.abandon(channel);
      this._secure?.suspend(channel);
    }
    this._opens = this._opens && moves.target !== null;
    if (this._input && !open.includes(CHANNEL.INPUT)) {
      this._input.clear();
      this._afterInput();
    }
    this._inVain = 0;
    this._openChannels();
    this._owner.sessionRights(rights);
  }

  /** Open what is to be open and is not, unless the session is nowhere. */
  _openChannels() {
    const moves = /** @type {ViewerMoves} */ (this._moves);
    if (!this._pipes.isOpen(CHANNEL.CONTROL)) return;
    const closed = this._channels().filter((channel) => !this._pipes.isOpen(channel) && !moves.moving(channel));
    if (!closed.length) return;
    this._opens ||= moves.target === null;
    moves.open(this.attachment, closed);
  }

  /** @param {any} echo */
  _applied(echo) {
    this._input?.applied(echo.sequence, echo.discarded);
    this._tellDropped(); // before all that was asked for is said to be done
    this._owner.sessionMessage(echo, CHANNEL.INPUT);
  }

  /** @param {any} pong */
  _clockAnswered(pong) {
    this._clocks.answered(pong, this._clock());
    if (this.clock.roundTrip !== null) this._watching?.receiver.follow(this.clock.roundTrip);
  }

  /** @param {any} beacon */
  _beacon(beacon) {
    const now = this._clock();
    this._timers.set(Timer.STALE, now + TIMER.STALE);
    if (this.stale) {
      this.stale = false;
      this._owner.sessionStale(false);
    }
    if (!this.visible || !this._watching) return;
    this._watching.beacon(beacon.objects, now);
    this._arm(Timer.RECOVER, this._watching.receiver.nextCheck(now));
  }

  // media

  /** The host gives us these tracks of desktops from now on, as rows of GRANT, in this order; others stay. Throws
   * RemoteProtocolError where they are none. @param {number[][]} rows */
  arrange(rows) {
    const given = tracksOf(rows).filter(({ kind }) => SHOWN.has(kind));
    this.tracks = [...given, ...this.tracks.filter(({ kind }) => !SHOWN.has(kind))];
    this._watching?.receiver.arrange(given);
  }

  /** A media datagram of this session. @param {Uint8Array} data @param {number} now */
  datagramReceived(data, now) {
    if (this._watching && this.state === ViewerState.ADMITTED) this._arm(Timer.RECOVER, this._watching.datagram(data, now));
  }

  /** An object of exact pixels copies what is not known: it is to be asked for. @param {number} track @param {number}
   * number */
  leftOut(track, number) {
    const now = this._clock();
    this._watching?.receiver.leftOut(track, number, now);
    if (this._watching) this._arm(Timer.RECOVER, this._watching.receiver.nextCheck(now));
  }

  /** @param {string} timer @param {number | null} at  null: not at all */
  _arm(timer, at) {
    if (at === null) this._timers.stop(timer);
    else this._timers.set(timer, at);
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
        this._input?.clear();
        if (this._input) this._afterInput();
        this._owner.sessionStale(true);
      } else if (timer === Timer.HOLDING) {
        this._input?.outbox.hold(now);
        this._flushInput();
      } else if (timer === Timer.LATE) {
        this._flushInput();
      } else if (timer === Timer.UNCONFIRMED && this._input) {
        this._input.overdue();
        this._afterInput();
      } else if (timer === Timer.REOPEN) {
        this._inVain++;
        this._openChannels();
      } else if (timer === Timer.CLOCK) {
        this._timers.set(Timer.CLOCK, this._clocks.ask(now));
      } else if (timer === Timer.RECOVER && this._watching) {
        this._arm(Timer.RECOVER, this._watching.recover(now));
      }
    }
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
    this._input?.giveUp();
    this._tellDropped();
    this._owner.sessionEnded(reason);
  }
}
