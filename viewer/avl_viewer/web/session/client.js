/**
 * Client: the worker's side of the page. It keeps a session over whatever paths there are, begins another where the
 * host has lost it, and turns what comes of it into pictures and messages for the page.
 */

import { assemble } from "../assembly.js";
import { equal } from "../wire/bytes.js";
import { Refused } from "../wire/errors.js";
import { forDialog } from "../wire/foreign.js";
import { CLOSE, ENDED_AT_RELAY, MAX, PERMISSION, TIMER } from "../wire/registry.js";
import { Backoff, passing } from "../paths/backoff.js";
import { soundOf } from "../media/track.js";
import { SoundPlayer } from "../sound/player.js";
import { VoiceEncoder } from "../sound/voice.js";
import { Pictures } from "./media/pictures.js";
import { SessionPipes } from "./pipes.js";
import { waitingSentence } from "../paths/sentences.js";
import { Services } from "./services.js";
import { Timer, Timers } from "./timers.js";
import { ViewerSession } from "./viewer.js";
import { ViewerState } from "./viewing.js";
import { Paths } from "../paths/paths.js";

/** Milliseconds without a path after which a person is told, and between two looks at what to tell. */
const NOTICEABLE = 1000;
const TELL = 1000;
/** Milliseconds between statistics while they are wanted. */
const STATISTICS = 1000;
/** Milliseconds that a farewell may take. */
const PART = 500;
const EVERYTHING = Object.values(PERMISSION).reduce((all, one) => all | one, 0);
/** How a session that ran is over because somebody wanted it, or with the display: nothing was refused. */
const OVER = new Set([CLOSE.ENDED, CLOSE.EVICTED, CLOSE.DISPLAY_LOST, ...ENDED_AT_RELAY]);
const NO_TICKET = new Uint8Array(0);

/**
 * @typedef {import("./input/outbox.js").InputEvent} InputEvent @typedef {import("./pipes.js").Attachment} Attachment
 *
 * @typedef {object} Want  Which desktop, through which relay.
 * @property {import("../directions.js").Directions} directions
 * @property {bigint} device
 * @property {string} code
 * @property {string} name  what we call ourselves
 * @property {Uint8Array} [ticket]  of a session that this page had before
 * @property {readonly string[]} [chain]  statements that stand for the code (spec 11)
 * @property {any} [identity]  to whom they are given, where that is not this page's own
 * @property {Uint8Array} [accessPass]  what a relay that asks for accounts is shown
 *
 * @typedef {object} Machine
 * @property {() => number} wall  Unix time in seconds
 * @property {(size: number) => Uint8Array} entropy
 * @property {any} identity
 * @property {import("../decode/support.js").Decodable} decodes
 * @property {import("./media/pictures.js").Decompresses} decompressor
 * @typedef {import("../paths/paths.js").PathsWorld & Machine} World  What a client needs of the machine it runs on;
 * times are milliseconds.
 *
 * @typedef {"connecting" | "waiting" | "running" | "stale" | "lost" | "ended" | "refused"} State
 */

/** One person's view of one desktop. `tell` gives a message to the page. */
export class Client {
  /** @param {World} world @param {import("./media/pictures.js").Screen} screen @param {(message: Record<string, any>)
   * => void} tell */
  constructor(world, screen, tell) {
    this._world = world;
    this._tell = tell;
    this._timers = new Timers();
    this._backoff = new Backoff();
    this._pictures = new Pictures(screen, world.clock, world.decompressor, this);
    this._player = new SoundPlayer(world.clock);
    /** What encodes the microphone, while it is on. @type {VoiceEncoder | null} */
    this._voice = null;
    /** @type {Want | null} */
    this._want = null;
    /** @type {Paths | null} */
    this._paths = null;
    /** Those of a session that is being left. @type {Paths | null} */
    this._parting = null;
    this._ran = false;
    /** Why the last session was lost, for a person. */
    this._lost = "";
    this._said = "";
    /** Whether the desktop is seen as it is, and what the page was told of it last. */
    this._watched = this._exact = false;
    this._services = new Services();
    /** The session that services were told of as admitted, and not yet as ended. @type {ViewerSession | null} */
    this._served = null;
    /** What the page does with the session, each feature in its own service. */
    this.features = assemble(this._services, {
      tell,
      pictures: this._pictures,
      sound: {
        heard: () => (this._player.listening ? this._player.buffer.heard : null),
        target: () => this._player.buffer.target(world.clock()),
      },
      seek: (message, now) => this._paths?.candidates(message, now),
      inputSent: () => this._paths?.busy(world.clock()),
      arranged: () => this._arranged(),
      entropy: world.entropy,
    });
  }

  /** The paths of the session that runs or begins; null between sessions. @returns {Paths | null} */
  get paths() {
    return this._paths;
  }

  /** @returns {ViewerSession | null} */
  get _session() {
    return this._paths?.session ?? null;
  }

  // what the page asks for

  /** Connect, instead of whatever was. @param {Want} want */
  async connect(want) {
    await this.leave();
    this._want = want;
    const { tickets } = this.features;
    tickets.ticket = want.ticket ?? NO_TICKET;
    this._ran = tickets.ticket.length > 0;
    this._backoff.reset();
    this._dial("connecting", "");
  }

  /** Try once. @param {State} state @param {string} text */
  _dial(state, text) {
    const { _want: want, _world: world } = this;
    this._pictures.begin();
    this._say(state, text);
    if (!want) return;
    const sessionId = world.entropy(16);
    /** @type {Paths} */
    const paths = new Paths(world, want.directions, want.device, sessionId, {
      pathsReady: (attachment) => void this._ready(paths, want, sessionId, attachment),
      pathsFailed: (reason) => this._over(paths, reason),
      pathsMessage: (message) => this._hopSaid(paths, message),
      pathsChanged: () => (this._pictures.moved(), this._status()),
    }, want.accessPass);
    this._paths = paths;
    paths.open();
  }

  /** A relay says how its hop is doing, or what who runs it has to say. @param {Paths} paths @param {any} message */
  _hopSaid(paths, message) {
    if (message.kind === "HOP_RATE" && message.handle === paths.session?.attachment.handle) this.features.statistics.told(message);
    const text = message.kind === "OPERATOR_SAYS" ? forDialog(message.text, MAX.OPERATOR_TEXT) : "";
    if (text) this._tell({ say: "operator", text: `The relay's operator says: ${text}` });
  }

  /** There is a place for the session: begin. @param {Paths} paths @param {Want} want @param {Uint8Array} sessionId
   * @param {Attachment} attachment */
  async _ready(paths, { device, code, name, chain = [], identity = this._world.identity }, sessionId, attachment) {
    const { decodes, clock, wall } = this._world;
    const { ticket } = this.features.tickets;
    const settings = { identity, device, sessionId, code, name, permissions: EVERYTHING, decodes, ticket, chain };
    paths.session = new ViewerSession(settings, new SessionPipes(attachment), this._bound(paths), clock, wall());
    await paths.session.start();
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
      this._ended(new Refused(CLOSE.TIMEOUT, "The relay does not answer."), false);
    } else if (!equal(directions.pin, want.directions.pin)) {
      this._ended(new Refused(CLOSE.WRONG_RELAY), false);
    } else {
      this._want = { ...want, directions };
      this._dial("lost", this._lost);
    }
    this._world.after();
  }

  /** Leave the session, if there is one. */
  async leave() {
    const paths = this._paths;
    this._servicesPart();
    this._want = this._paths = null;
    this._timers.stopAll();
    this._parting?.close();
    this._parting = paths;
    if (paths?.session?.state !== ViewerState.ADMITTED) {
      paths?.close();
      return;
    }
    this._timers.set(Timer.PART, this._world.clock() + PART);
    await paths.session.end();
  }

  /** The machine has another network, or has one again. */
  networkChanged() {
    this._paths?.networkChanged(this._world.clock());
  }

  /** Send input that a person made `at`; dropped while nobody can take it. @param {InputEvent[]} events @param {number}
   * at */
  input(events, at) {
    this.features.clipboard.input(events, at);
  }

  /** Set the host's clipboard, then send input once it has it. @param {string} text @param {InputEvent[]} events @param
   * {number} at */
  paste(text, events, at) {
    this.features.clipboard.paste(text, events, at, this._world.clock());
  }

  /** Tell the others where our pointer is, in desktop pixels. @param {number} x @param {number} y @param {boolean} laser
   * */
  point(x, y, laser) {
    this.features.pointing.point(x, y, laser, this._world.clock());
  }

  /** Draw over the picture. @param {[number, number]} point  in desktop pixels @param {boolean} begins */
  draw(point, begins) {
    this.features.annotations.draw(point, begins, this._world.clock());
  }

  /** Whether anybody sees the page: what nobody sees is not sent. @param {boolean} visible */
  setVisible(visible) {
    this._pictures.visible = visible;
    const session = this._session;
    if (!session || session.visible === visible) return;
    session.visible = visible;
    this._subscribe();
    for (const track of this._pictures.desktops) if (visible && session.media) this._recover(track, session.media.decoded(track) + 1);
  }

  /** Say at the place where the session is whether pictures are wanted. */
  _subscribe() {
    const session = this._session;
    const { tracks, visible } = this._pictures;
    if (!session) return;
    const { handle } = session.attachment;
    for (const track of tracks) {
      session.media?.want(track, visible);
      this._paths?.current?.hop.send("SUBSCRIBE", { handle, track, wish: visible ? 1 : 0 });
    }
  }

  // sound

  /** Play the host's sound there, or (null) nowhere: then it is not sent. @param {import("../sound/player.js").Output |
   * null} output */
  listen(output) {
    this._player.play(output);
    this._subscribeSound();
  }

  /** Say at the place where the session is whether its sound is wanted. */
  _subscribeSound() {
    const session = this._session;
    const sound = session?.tracks && soundOf(session.tracks);
    if (sound) this._paths?.current?.hop.send("SUBSCRIBE", { handle: session.attachment.handle, track: sound.id, wish: this._player.listening ? 1 : 0 });
  }

  /** The loudspeaker holds so many frames. @param {number} frames @param {number} latency */
  soundLevel(frames, latency) {
    this._player.level(frames, latency);
  }

  /** Let the host hear this microphone, whose blocks come by `port`; null: no longer. @param {MessagePort | null} port */
  speak(port) {
    this._voice?.close();
    this._voice = null;
    this.features.voice.turn(port !== null);
    if (!port) return;
    const voice = new VoiceEncoder((passed, packet) => (this.features.voice.say(passed, packet), this._world.after()), () => this.speak(null));
    this._voice = voice;
    port.onmessage = ({ data }) => voice.put(data);
  }

  /** Ask that a track be sent again from a key object on. @param {number} track @param {number} number */
  _recover(track, number) {
    const session = this._session;
    if (session) this._paths?.current?.hop.send("RECOVER", { handle: session.attachment.handle, track, object: number });
  }

  /** Tell the figures each second, or stop. @param {boolean} wanted */
  setMeasuring(wanted) {
    if (wanted) this._timers.set(Timer.STATISTICS, this._world.clock());
    else this._timers.stop(Timer.STATISTICS);
  }

  // time

  /** When `handleTimer` wants to be called; null when never. @returns {number | null} */
  nextTimeout() {
    const report = this._session ? this._pictures.nextReport(this._world.clock()) : null;
    const machines = [this._timers, this._services, this._paths, this._session, this._parting];
    const due = [report, ...machines.map((machine) => machine?.nextTimeout() ?? null)].filter((at) => at !== null);
    return due.length ? Math.min(...due) : null;
  }

  /** Time has passed. @param {number} now */
  handleTimer(now) {
    for (const timer of this._timers.expired(now)) {
      if (timer === Timer.RETRY) void this._redial();
      else if (timer === Timer.STATISTICS) this._figures(now);
      else if (timer === Timer.TELL) this._status();
      else if (timer === Timer.PART) {
        this._parting?.close();
        this._parting = null;
      }
    }
    this._services.handleTimer(now);
    this._parting?.handleTimer(now);
    this._paths?.handleTimer(now);
    this._session?.handleTimer(now);
    this._pictures.report(this._session, now);
  }

  /** @param {number} now */
  _figures(now) {
    this._timers.set(Timer.STATISTICS, now + STATISTICS);
    this._paths?.current?.hop.ping(now);
    const figures = this._pictures.figures(this._paths, now);
    if (figures) this._tell({ say: "statistics", figures: { ...figures, audio: this._player.figures() } });
  }

  // the session

  /** What a session on these paths is told us by. @param {Paths} paths @returns
   * {import("./viewing.js").ViewerSessionOwner} */
  _bound(paths) {
    return {
      sessionSounds: (sounds) => {
        const { session } = paths;
        if (!session) return;
        for (const { sound, last } of sounds) this._player.put(sound, session.clock.fromHost(sound.capturedUs / 1000), last);
        this.features.sound.came(this._world.clock());
      },
      sessionWaiting: (seconds) => this._say("waiting", "", { seconds }),
      sessionAdmitted: (grant) => this._admitted(grant),
      sessionRights: (rights) => {
        this.features.rights.told(rights);
        if (paths.session) this._services.allowed(paths.session, this._world.clock());
      },
      sessionFrames: (objects) => {
        if (paths.session) this._pictures.take(objects, paths.session.clock);
        this._lookAtExact();
      },
      sessionSettled: () => this._lookAtExact(),
      sessionRecover: (track, number) => this._recover(track, number),
      sessionMessage: (message, channel) => paths.session && this._services.receive(paths.session, message, this._world.clock(), channel),
      sessionLane: (lane) => paths.session && this._services.opened(paths.session, lane, this._world.clock()),
      sessionDropped: (dropped) => this.features.input.dropped(dropped),
      sessionMoved: (attachment) => this._moved(paths, attachment),
      sessionUnmoved: (attachment) => paths.unmoved(attachment),
      sessionAdrift: () => paths.adrift(),
      sessionStale: () => this._status(),
      sessionEnded: (reason) => this._over(paths, reason),
    };
  }

  /** @param {any} grant */
  _admitted(grant) {
    this._ran = true;
    this._backoff.reset();
    const session = this._session;
    this._pictures.granted(session?.tracks ?? []);
    this._player.begin();
    this._subscribeSound();
    this._served = session;
    this._paths?.admitted();
    if (session) this._services.admitted(session, this._world.clock());
    this._tell({ say: "granted", permissions: grant.permissions, name: grant.name, tracks: this._pictures.desktops });
    this._status();
    if (session && !this._pictures.visible) {
      session.visible = false;
      this._subscribe();
    }
  }

  /** The host gives us other desktops of its own now. */
  _arranged() {
    const session = this._session;
    if (!session) return;
    this._pictures.arrange(session.tracks);
    this._lookAtExact();
    if (!this._pictures.visible) this._subscribe();
  }

  /** @param {Paths} paths @param {Attachment} attachment */
  _moved(paths, attachment) {
    paths.moved(attachment);
    if (paths.session) this._services.moved(paths.session, this._world.clock());
    if (!this._pictures.visible) this._subscribe();
    this._subscribeSound();
  }

  /** Tell what a person should know now. */
  _status() {
    const { _paths: paths, _session: session } = this;
    if (!paths || session?.state !== ViewerState.ADMITTED) return;
    const now = this._world.clock();
    const waited = paths.nowhereSince === null ? 0 : now - paths.nowhereSince;
    if (waited > TIMER.RESUME) {
      this._over(paths, new Refused(CLOSE.SESSION_LOST));
      return;
    }
    if (paths.nowhereSince === null) this._timers.stop(Timer.TELL);
    else this._timers.set(Timer.TELL, now + TELL);
    /** @type {[State, string]} */
    let [state, text] = ["running", ""];
    if (waited >= NOTICEABLE) [state, text] = ["lost", waitingSentence(TIMER.RESUME - waited)];
    else if (session.stale) state = "stale";
    if (`${state} ${text}` !== this._said) this._say(state, text, { waited });
  }

  /** The session that the services use is over. */
  _servicesPart() {
    const served = this._served;
    this._served = null;
    if (served) this._services.ended(served, this._world.clock());
  }

  /** The session is over, or could not begin. @param {Paths} paths @param {Refused} reason */
  _over(paths, reason) {
    if (this._paths !== paths) return;
    this._paths = null;
    paths.session?.lost(reason);
    this._servicesPart();
    paths.close();
    this._ended(reason, paths.reached);
  }

  /** @param {Refused} reason @param {boolean} reached */
  _ended(reason, reached) {
    this._timers.stop(Timer.TELL);
    const want = this._want;
    if (!want) return;
    if (this._ran && passing(reason.code)) {
      const wait = this._backoff.after(reason.code);
      this._timers.set(Timer.RETRY, this._world.clock() + wait);
      this._lost = `${reason.message} Trying to reach the host again. Nothing you type is sent.`;
      this._say("lost", this._lost, { wait });
      return;
    }
    this._want = null;
    const over = this._ran && OVER.has(reason.code);
    let text = reason.message;
    if (!reached && reason.code === CLOSE.TIMEOUT) {
      text = `The relay ${want.directions.quic} does not answer. A firewall may be in the way, or the relay is not running.`;
    } else if (!want.code && reason.code === CLOSE.REFUSED) {
      text = "The host does not remember this session any more. Enter its code.";
    }
    this._say(over ? "ended" : "refused", text, { code: reason.code });
  }

  /** @param {State} state @param {string} text @param {Record<string, any>} more */
  _say(state, text, more = {}) {
    this._said = `${state} ${text}`;
    this._tell({ say: "state", state, text, ...more });
    this._watched = state === "running" || state === "stale";
    this._lookAtExact();
  }

  // pictures

  /** @param {number} track @param {number} number */
  picturesBroken(track, number) {
    this._recover(track, number);
  }

  /** @param {number} track @param {number} number */
  picturesLeftOut(track, number) {
    this._session?.leftOut(track, number);
  }

  /** @param {number} delay @param {number} at */
  picturesFilm(delay, at) {
    this._player.film(delay, at);
  }

  picturesDamaged() {
    const media = this._session?.media;
    if (media) media.damaged++;
  }

  /** Objects are on the screen. @param {import("../present/painter.js").Presented[]} objects @param {number} at */
  presented(objects, at) {
    this._pictures.presented(objects, at);
    const { layout, monitors } = this.features;
    for (const [track, width, height] of this._pictures.shown) layout.shown(width, height, monitors.of(track), track === this._pictures.desktops[0]);
    this._lookAtExact();
  }

  /** Tell the page when the desktop became exact, or ceased to be; where it is not reached nobody knows. */
  _lookAtExact() {
    const media = this._session?.media;
    if (media) this._pictures.lookAtExact(media, this._world.clock());
    const exact = this._watched && this._pictures.exact;
    if (exact !== this._exact) this._tell({ say: "exact", exact });
    this._exact = exact;
    this._world.after();
  }
}
