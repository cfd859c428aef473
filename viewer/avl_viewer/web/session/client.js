/**
 * Client: the worker's side of the page. It keeps a session going, through as many attempts as that takes, and turns what comes of it
 * into pictures and messages for the page.
 */

import { Decoder } from "../decode/decoder.js";
import { Statistics, readable } from "../statistics.js";
import { equal } from "../wire/bytes.js";
import { Refused } from "../wire/errors.js";
import { CLOSE, INPUT, TRACK_KIND } from "../wire/registry.js";
import { Attempt } from "./attempt.js";
import { Backoff, passing } from "./backoff.js";
import { Reporter } from "./report.js";
import { Timer, Timers } from "./timers.js";

/** Milliseconds of silence beyond STALE until another connection is tried. */
const GIVE_UP = 5000;
/** Milliseconds between statistics while they are wanted. */
const STATISTICS = 1000;
/** Names of STAGES' times, in order. */
const HOST_STAGES = ["grab", "compare", "convert", "encode", "seal"];

/**
 * @typedef {import("./attempt.js").Want} Want @typedef {import("./attempt.js").World} World
 * @typedef {import("./mediain.js").ReceivedFrame} ReceivedFrame @typedef {import("./outbox.js").InputEvent} InputEvent
 * @typedef {import("../decode/decoder.js").DecodedPicture} DecodedPicture
 *
 * @typedef {"connecting" | "waiting" | "running" | "stale" | "lost" | "ended" | "refused"} State
 *
 * @typedef {{ paint: (picture: DecodedPicture) => void }} Screen  Calls `Client.presented` when pictures are on it.
 */

/** One person's view of one desktop. `tell` gives a message to the page. */
export class Client {
  /** @param {World} world @param {Screen} screen @param {(message: Record<string, any>) => void} tell */
  constructor(world, screen, tell) {
    this._world = world;
    this._screen = screen;
    this._tell = tell;
    this._timers = new Timers();
    this._backoff = new Backoff();
    this._decoder = new Decoder(this, world.clock);
    /** @type {Want | null} */
    this._want = null;
    /** @type {Attempt | null} */
    this._attempt = null;
    this._ran = false;
    /** Why the last session was lost, for a person. */
    this._lost = "";
    this._visible = true;
    this._measuring = false;
    /** The video track; -1 before GRANT. */
    this._track = -1;
    this._serial = 0;
    /** Input that waits until the host has taken our clipboard. @type {{ serial: number, events: InputEvent[], at: number } | null} */
    this._paste = null;
    this._statistics = new Statistics();
    /** What the rate controllers of both hops last said. @type {import("../statistics.js").Rates} */
    this._rates = {};
    this._reporter = new Reporter();
    /** An object that is settled and was not told of yet, and the newest shown; -1: none. */
    this._settled = -1;
    this._shown = -1;
  }

  /** A new session begins: nothing of the one before counts. */
  _begin() {
    this._statistics = new Statistics();
    this._rates = {};
    this._reporter = new Reporter();
    this._decoder.reset();
    this._settled = -1;
    this._shown = -1;
    this._paste = null;
  }

  // what the page asks for

  /** Connect, instead of whatever was. @param {Want} want */
  async connect(want) {
    await this.leave();
    this._want = want;
    this._ran = false;
    this._backoff.reset();
    this._dial("connecting", "");
  }

  /** Try once. @param {State} state @param {string} text */
  _dial(state, text) {
    this._begin();
    this._say(state, text);
    if (this._want) this._attempt = new Attempt(this._want, this._world, this._bound());
  }

  /** Try again, with the directions of this moment. */
  async _redial() {
    const want = this._want;
    if (!want) return;
    this._say("lost", this._lost);
    const directions = await this._world.directions().catch((error) => {
      if (!(error instanceof Error)) throw error;
      return null;
    });
    if (this._want !== want) return;
    if (!directions) {
      this._ended(new Refused(CLOSE.TIMEOUT, "The relay does not answer."));
    } else if (!equal(directions.pin, want.directions.pin)) {
      this._ended(new Refused(CLOSE.WRONG_RELAY));
    } else {
      this._want = { ...want, directions };
      this._dial("lost", this._lost);
    }
  }

  /** Leave the session, if there is one. */
  async leave() {
    this._want = null;
    this._timers.stopAll();
    await this._attempt?.leave();
    this._attempt = null;
  }

  /** Send input that a person made `at`; dropped while nobody can take it. @param {InputEvent[]} events @param {number} at */
  input(events, at) {
    const session = this._attempt?.session;
    if (!session) return;
    try {
      const sequence = session.sendInput(events);
      if (events.some(([kind]) => kind !== INPUT.MOVE && kind !== INPUT.RELEASE_ALL)) this._statistics.inputSent(sequence, at);
    } catch (error) {
      if (!(error instanceof Refused)) throw error; // a session that may not, or is stale: the page shows it
    }
  }

  /** Set the host's clipboard, then send input once it has it. @param {string} text @param {InputEvent[]} events @param {number} at */
  paste(text, events, at) {
    const session = this._attempt?.session;
    if (!session) return;
    try {
      session.sendBulk("CLIPBOARD", { serial: ++this._serial, text });
      if (!events.length) return;
      this._paste = { serial: this._serial, events, at };
      this._timers.set(Timer.CLIPBOARD, this._world.clock() + 500);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.input(events, at);
    }
  }

  /** Whether anybody sees the page. @param {boolean} visible */
  setVisible(visible) {
    this._visible = visible;
    this._attempt?.setVisible(visible, this._track);
  }

  /** Tell the figures each second, or stop. @param {boolean} wanted */
  setMeasuring(wanted) {
    this._measuring = wanted;
    this._attempt?.measure(wanted);
    if (wanted) this._timers.set(Timer.STATISTICS, this._world.clock());
    else this._timers.stop(Timer.STATISTICS);
  }

  // time

  /** When `handleTimer` wants to be called; null when never. @returns {number | null} */
  nextTimeout() {
    const report = this._attempt ? (this._reporter.next(this._world.clock())) : null;
    const due = [this._timers.nextTimeout(), this._attempt?.nextTimeout() ?? null, report].filter((at) => at !== null);
    return due.length ? Math.min(...due) : null;
  }

  /** Time has passed. @param {number} now */
  handleTimer(now) {
    for (const timer of this._timers.expired(now)) {
      if (timer === Timer.RETRY) void this._redial();
      else if (timer === Timer.GIVE_UP) this._attempt?.abandon(new Refused(CLOSE.SESSION_LOST));
      else if (timer === Timer.CLIPBOARD) this._pasted();
      else if (timer === Timer.STATISTICS) this._figures(now);
    }
    this._attempt?.handleTimer(now);
    this._report(now);
  }

  /** @param {number} now */
  _figures(now) {
    this._timers.set(Timer.STATISTICS, now + STATISTICS);
    const media = this._attempt?.session?.media;
    if (media) {
      const figures = this._statistics.report(now, "relay", this._attempt?.rtt ?? null, media.lost, media.received, this._rates);
      this._tell({ say: "statistics", figures });
    }
  }

  /** @param {number} now */
  _report(now) {
    const session = this._attempt?.session;
    if (!session?.media) return;
    const objects = this._reporter.take(now);
    if (!objects.length) return;
    const { lost, received } = session.media;
    session.send("REPORT", { track: this._track, objects, decode_queue: this._decoder.queue, lost, received });
  }

  _pasted() {
    const paste = this._paste;
    this._paste = null;
    this._timers.stop(Timer.CLIPBOARD);
    if (paste) this.input(paste.events, paste.at);
  }

  // AttemptOwner

  /** Our own callbacks, as plain functions. */
  _bound() {
    const attempt = () => this._attempt;
    return {
      sessionWaiting: (/** @type {number} */ seconds) => this._say("waiting", "", { seconds }),
      sessionAdmitted: (/** @type {any} */ grant) => this._admitted(grant),
      sessionFrames: (/** @type {ReceivedFrame[]} */ frames) => this._frames(frames),
      sessionRecover: (/** @type {number} */ track, /** @type {number} */ number) => attempt()?.recover(track, number),
      sessionMessage: (/** @type {any} */ message) => this._message(message),
      sessionEcho: (/** @type {number} */ sequence, /** @type {number} */ at) => this._statistics.inputApplied(sequence, at),
      sessionStale: (/** @type {boolean} */ stale) => this._stale(stale),
      attemptEnded: (/** @type {Refused} */ reason) => this._ended(reason),
    };
  }

  /** @param {any} grant */
  _admitted(grant) {
    this._ran = true;
    this._backoff.reset();
    const video = grant.tracks.find((/** @type {number[]} */ row) => row[1] === TRACK_KIND.VIDEO);
    this._track = video ? video[0] : -1;
    this._tell({ say: "granted", permissions: grant.permissions, name: grant.name });
    this._say("running", "");
    if (!this._visible) this._attempt?.setVisible(false, this._track);
    this._attempt?.measure(this._measuring);
  }

  /** @param {ReceivedFrame[]} frames */
  _frames(frames) {
    const clock = this._attempt?.session?.clock;
    for (const frame of frames) {
      if (this._track < 0) this._track = frame.track;
      if (frame.track !== this._track) continue;
      this._statistics.frameReceived(frame, clock ? clock.fromHost(frame.preamble.capturedUs / 1000) : frame.first);
      this._decoder.decode(frame);
    }
  }

  /** @param {any} message */
  _message(message) {
    const now = this._world.clock();
    if (message.kind === "LAYOUT") this._tell({ say: "layout", width: message.width, height: message.height });
    else if (message.kind === "CURSOR") this._tell({ ...message, say: "cursor" });
    else if (message.kind === "CLIPBOARD") this._tell({ say: "clipboard", text: message.text });
    else if (message.kind === "CLIPBOARD_SET" && message.serial === this._paste?.serial) this._pasted();
    else if (message.kind === "RATE") this._rates.upload = readable(message);
    else if (message.kind === "HOP_RATE") this._rates.download = readable(message);
    else if (message.kind === "STAGES") {
      HOST_STAGES.forEach((name, at) => {
        if (at < message.times_us.length) this._statistics.stage(name, message.times_us[at] / 1000, now);
      });
    }
  }

  /** @param {boolean} stale */
  _stale(stale) {
    if (stale) {
      this._timers.set(Timer.GIVE_UP, this._world.clock() + GIVE_UP);
      this._say("stale", "");
    } else {
      this._timers.stop(Timer.GIVE_UP);
      this._say("running", "");
    }
  }

  /** @param {Refused} reason */
  _ended(reason) {
    const reached = this._attempt?.reached ?? false;
    this._attempt = null;
    this._timers.stop(Timer.GIVE_UP);
    if (!this._want) return;
    const { quic } = this._want.directions;
    if (this._ran && passing(reason.code)) {
      const wait = this._backoff.after(reason.code);
      this._timers.set(Timer.RETRY, this._world.clock() + wait);
      this._lost = reason.message;
      this._say("lost", this._lost, { wait });
      return;
    }
    this._want = null;
    const over = this._ran && (reason.code === CLOSE.ENDED || reason.code === CLOSE.EVICTED || reason.code === CLOSE.DISPLAY_LOST);
    const silent = !reached && reason.code === CLOSE.TIMEOUT;
    const text = silent ? `The relay ${quic} does not answer over UDP. A firewall may be in the way, or the relay is not running.` : reason.message;
    this._say(over ? "ended" : "refused", text, { code: reason.code });
  }

  /** @param {State} state @param {string} text @param {Record<string, any>} more */
  _say(state, text, more = {}) {
    this._tell({ say: "state", state, text, ...more });
  }

  // pictures

  /** @param {DecodedPicture} decoded */
  decoderPicture(decoded) {
    this._statistics.frameDecoded(decoded.frame.number, decoded.decoded - decoded.started, decoded.decoded);
    if (decoded.frame.preamble.settled) this._settled = Math.max(this._settled, decoded.frame.number);
    if (this._visible) this._screen.paint(decoded);
    else decoded.picture.close();
  }

  /** @param {ReceivedFrame} frame @param {number} started @param {number} decoded */
  decoderSkipped(frame, started, decoded) {
    this._statistics.frameDecoded(frame.number, decoded - started, decoded);
  }

  /** @param {ReceivedFrame | null} frame */
  decoderFailed(frame) {
    this._attempt?.recover(this._track, frame ? frame.number : 0);
  }

  /** Pictures are on the screen. @param {number[]} numbers @param {number} at */
  presented(numbers, at) {
    const clock = this._attempt?.session?.clock;
    for (const number of numbers) {
      this._statistics.framePresented(number, at);
      if (clock) this._reporter.presented(number, clock.toHost(at));
      this._shown = number;
    }
    if (this._settled < 0 || this._shown < this._settled) return;
    this._tell({ say: "settled", object: this._settled });
    this._settled = -1;
  }
}
