/**
 * Paths: all hops of one session, and which of them it is on (spec 08-paths, 8.5 and 8.6).
 *
 * The relay is dialled first and kept; the host itself is tried beside it. When the path in use falls silent the
 * session goes to another at once, and while there is none, the relay is dialled until it answers: the session itself
 * goes on. Times are milliseconds.
 */

import { PathPlan, StepKind } from "../path/plan.js";
import { DIALLING } from "../path/redial.js";
import { Verdict } from "../path/silence.js";
import { bigEndian, equal } from "../wire/bytes.js";
import { NUMBER_BYTES } from "../wire/device_id.js";
import { Refused } from "../wire/errors.js";
import { CLOSE, LOSSES, PASSING, PATH_TIMER } from "../wire/registry.js";
import { Seeker } from "./seeker.js";
import { switchSentence } from "./sentences.js";
import { ViewerState } from "../session/viewing.js";
import { Path } from "./path.js";

/** A relay that seems to be the wrong one may have new certificates, of which a page can ask (`_ask`). @type
 * {Set<number>} */
const DIALLED_AGAIN = new Set([...PASSING, CLOSE.WRONG_RELAY]);
const SOFTWARE = "avl-web";
const { ATTEMPT } = PATH_TIMER;
/** A page that begins has nothing else to wait for. */
const FIRST_ATTEMPT = 10_000;
const NO_PASS = new Uint8Array(0);

/**
 * @typedef {import("../session/pipes.js").Attachment} Attachment @typedef {import("../directions.js").Directions}
 * Directions
 *
 * @typedef {object} PathsWorld  What is needed of the machine.
 * @property {import("./path.js").Dial} dial
 * @property {() => Promise<Directions>} directions  asked anew before each further attempt
 * @property {() => number} clock
 * @property {() => void} after  called when something has happened that nobody else saw
 * @property {import("../audit/witness.js").Witness} [heads]  keeps those of relays' audit logs
 *
 * @typedef {{ at: number, before: string, after: string, reason: string }} Switch  The last change of path, and why,
 * for a person.
 *
 * @typedef {object} PathsOwner  What the owner of the paths is told.
 * @property {(attachment: Attachment) => void} pathsReady  the first place for the session: begin the handshake there
 * @property {(reason: Refused) => void} pathsFailed  no place could be had, or the running session is over for this
 * reason
 * @property {(message: any) => void} pathsMessage  a hop message of the path in use
 * @property {() => void} pathsChanged  another path is in use, or none is
 */

/** The PathOwner of a session's paths. */
export class Paths {
  /** @param {PathsWorld} world @param {Directions} directions @param {bigint} device @param {Uint8Array} sessionId
   * @param {PathsOwner} owner @param {Uint8Array} [accessPass]  what a relay that asks for accounts is shown */
  constructor(world, directions, device, sessionId, owner, accessPass = NO_PASS) {
    this._world = world;
    this._directions = directions;
    this._number = device;
    this._device = bigEndian(device, NUMBER_BYTES);
    this._sessionId = sessionId;
    this._owner = owner;
    this._accessPass = accessPass;
    /** @type {PathPlan<Path>} */
    this._plan = new PathPlan();
    /** @type {Path[]} */
    this._paths = [];
    this._asking = false;
    this._seeker = new Seeker(
      (fields) => this.session?.send("CANDIDATES", fields),
      (url, hashes, now) => this._dialHost(url, hashes, now),
    );
    /** @type {Refused | null} */
    this._reason = null;
    this._closed = false;
    /** Whether the relay was reached and is the right one. */
    this.reached = false;
    /** Made by the owner. @type {import("../session/viewer.js").ViewerSession | null} */
    this.session = null;
    /** @type {Switch | null} */
    this.switch = null;
  }

  /** Where the session is, or goes. @returns {Path | null} */
  get current() {
    return this._paths.find((path) => path === this._plan.current) ?? null;
  }

  /** Since when there has been no path that answers; null while there is one. @returns {number | null} */
  get nowhereSince() {
    return this._plan.nowhereSince;
  }

  // opening and closing

  /** Dial the relay for the first time. */
  open() {
    this._dial(this._world.clock(), true, FIRST_ATTEMPT);
  }

  /** @param {number} now @param {boolean} tcp @param {number} patience */
  _dial(now, tcp, patience) {
    const { url, hashes, pin } = this._directions;
    const settings = { software: SOFTWARE, pin: hashes.length ? pin : null, hashes };
    this._paths.push(new Path(this, this._world.dial, { url, settings, tcp, patience }, now));
  }

  /** Dial again, where we know the relay to be; and ask whether it is elsewhere now, or has another certificate. @param
   * {number} now */
  _redial(now) {
    const dialling = this._paths.filter((path) => !path.direct && !path.attachment);
    if (dialling.length >= DIALLING) this._drop(dialling[0]);
    this._dial(now, true, ATTEMPT);
    void this._ask();
  }

  async _ask() {
    if (this._asking) return;
    this._asking = true;
    const told = await this._world.directions().catch((error) => {
      if (!(error instanceof Error)) throw error;
      return null; // it will be asked again
    });
    this._asking = false;
    const known = this._directions;
    if (!told || this._closed) return;
    const now = this._world.clock();
    if (!equal(told.pin, known.pin)) {
      this._owner.pathsFailed(new Refused(CLOSE.WRONG_RELAY));
    } else if (told.url !== known.url || String(told.hashes) !== String(known.hashes)) {
      this._directions = told;
      const stale = this._paths.filter((path) => !path.direct && !path.up);
      for (const path of stale) this._drop(path);
      if (stale.length) this._dial(now, !this.current?.fit, ATTEMPT);
      this._decide(now);
    }
    this._world.after();
  }

  /** Give all up. */
  close() {
    this._closed = true;
    for (const path of this._paths) path.close();
    this._paths = [];
  }

  /** The session is running. */
  admitted() {
    this._decide(this._world.clock());
  }

  /** The host says where it might be reached. @param {any} message @param {number} now */
  candidates(message, now) {
    this._seeker.candidates(message, now);
  }

  /** @param {string} url @param {Uint8Array[]} hashes @param {number} now */
  _dialHost(url, hashes, now) {
    if (this._paths.some((path) => path.direct && path.attachment)) return;
    const settings = { software: SOFTWARE, pin: null, hashes, device: this._number };
    this._paths.push(new Path(this, this._world.dial, { url, settings, tcp: false, patience: ATTEMPT }, now));
  }

  // PathOwner

  /** Who is there is the right one. @param {Path} path @param {any} welcome */
  pathUp(path, welcome) {
    if (!path.direct) {
      this.reached = true;
      this._seeker.observed = welcome.observed;
    }
    if (!this.session) this._plan.current = path;
    path.attach(this._device, this._sessionId, this.session !== null, path.direct ? NO_PASS : this._accessPass);
  }

  /** Another place for the session. @param {Path} path @param {number} now */
  pathAttached(path, now) {
    if (!path.attachment) return;
    if (!path.direct) {
      this._seeker.near = path.near;
      void this._askForHeads(path);
    }
    if (!this.session) {
      if (path === this.current) this._owner.pathsReady(path.attachment);
      return;
    }
    const { current } = this;
    if (current && !path.direct && !current.direct && current.fit && current.kind <= path.kind) {
      this._drop(path); // the one there was has answered first
      return;
    }
    for (const other of this._paths.filter((one) => one !== path && one.direct === path.direct)) {
      if (other === current) other.leaving = true;
      else this._drop(other);
    }
    if (path.direct) this._seeker.settle();
    this._decide(now);
  }

  /** Have the relay show what its audit log is, from what is kept of it on (spec 14.6). @param {Path} path */
  async _askForHeads(path) {
    const { heads } = this._world;
    if (heads) path.hop.send("HEAD_KNOWN", { size: await heads.known(path.relay) });
  }

  /** About the hop itself, or for the owner. @param {Path} path @param {any} message @param {number} now */
  pathMessage(path, message, now) {
    if (message.kind === "OBSERVED") this._seeker.observed = message.address;
    else if (message.kind === "GOAWAY") {
      path.going = "the relay goes away";
      this._decide(now);
    } else if (message.kind === "HEAD") {
      if (!path.direct) void this._world.heads?.hear(path.relay, message);
    } else if (message.kind === "OPERATOR_SAYS") {
      if (!path.direct && path.attachment?.handle === message.handle) this._owner.pathsMessage(message); // it may be where the session was
    } else if (path === this.current) this._owner.pathsMessage(message);
  }

  /** @param {Path} path @param {number} channel @param {number} stream @param {Uint8Array} data @param {boolean} end */
  async pathChannel(path, channel, stream, data, end) {
    if (path.attachment) await this.session?.channelReceived(path.attachment, channel, stream, data, end);
  }

  /** @param {Path} path @param {number} channel @param {number} stream @param {number} code */
  pathReset(path, channel, stream, code) {
    if (path.attachment) this.session?.channelReset(path.attachment, channel, stream, code);
  }

  /** @param {Path} path @param {number} channel */
  pathWritable(path, channel) {
    if (path === this.current) this.session?.channelWritable(channel);
  }

  /** Pictures may come by any path. @param {Path} _path @param {Uint8Array} data @param {number} now */
  pathMedia(_path, data, now) {
    this.session?.datagramReceived(data, now);
  }

  /** One that was silent answers. @param {Path} _path @param {number} now */
  pathHeard(_path, now) {
    this._decide(now);
  }

  /** A relay can say anything: what ended a running session on purpose is the host's to tell. @param {Path} path @param
   * {Refused} reason */
  pathLeft(path, { code }) {
    const explained = this.session?.state === ViewerState.ADMITTED || (this.session && code === CLOSE.GRANT_REFUSED);
    return Boolean(explained) && !LOSSES.has(code) && path === this.current;
  }

  /** A path is gone: take another, or dial. @param {Path} path @param {Refused} reason @param {number} now */
  pathLost(path, reason, now) {
    this._paths = this._paths.filter((other) => other !== path);
    if (this._closed) return;
    const { session } = this;
    if (!session) {
      if (!this._paths.length) this._owner.pathsFailed(reason);
      return;
    }
    if (path.attachment) session.attachmentLost(path.attachment, reason);
    if (this._closed) return; // a session that was not admitted is over
    const refused = !LOSSES.has(reason.code) && !DIALLED_AGAIN.has(reason.code);
    const final = refused && (path.direct ? path.attachment !== null : !this._paths.some((other) => other.attachment)); // a host's own word, or a relay's
    if (reason.code === CLOSE.SESSION_UNKNOWN || final) {
      this._owner.pathsFailed(reason);
      return;
    }
    if (path === this._plan.current) this._reason = reason;
    this._plan.lost(path.state(), now);
    if (path.direct) this._hostGone(now);
    this._decide(now);
  }

  /** @param {number} now */
  _hostGone(now) {
    if (!this._paths.some((path) => path.direct)) this._seeker.again(now);
  }

  /** The session has lost its streams, not its path: choose again, be it the same. */
  adrift() {
    this._plan.adrift();
    this._decide(this._world.clock());
  }

  // deciding

  /** The session has arrived at another path, be it late; those that it has left for good are closed. @param
   * {Attachment} attachment */
  moved(attachment) {
    this._plan.arrived();
    for (const path of this._paths) if (path.attachment === attachment) path.unfit = false;
    for (const path of this._paths.filter((one) => (one.leaving || one.going) && one !== this.current)) {
      this._drop(path);
      if (path.direct) this._seeker.anew(this._world.clock());
    }
    this._owner.pathsChanged();
  }

  /** The host refused the session on a path. @param {Attachment} attachment */
  unmoved(attachment) {
    this._plan.refused();
    for (const path of this._paths) if (path.attachment === attachment) path.unfit = true;
    this._decide(this._world.clock());
  }

  /** @param {Path} path */
  _drop(path) {
    this._paths = this._paths.filter((other) => other !== path);
    if (path.attachment) this.session?.attachmentLost(path.attachment, new Refused(CLOSE.SESSION_LOST));
    path.close();
  }

  /** Take the best path, dial where one is missing. @param {number} now */
  _decide(now) {
    if (this._closed || this.session?.state !== ViewerState.ADMITTED) return;
    const before = this.current;
    for (const step of this._plan.decide(this._paths.map((path) => path.state()), now)) this._do(step, before, now);
  }

  /** One step of the plan. `before`: where the session was. @param {import("../path/plan.js").Step<Path>} step @param
   * {Path | null} before @param {number} now */
  _do({ kind, name: path }, before, now) {
    if (this._closed) return; // by what the step before led to
    if (kind === StepKind.CHANGED) this._owner.pathsChanged();
    else if (kind === StepKind.DIAL) this._redial(now);
    else if (kind === StepKind.UPGRADE) {
      this._dial(now, false, ATTEMPT);
      void this._ask();
    } else if (!path) return;
    else if (kind === StepKind.MOVE) this._move(before, path, now);
    else if (kind === StepKind.LATE) path.unfit = true;
    else if (kind === StepKind.GIVE_UP) {
      this._drop(path);
      this._hostGone(now);
    }
  }

  /** @param {Path | null} before @param {Path} path @param {number} now */
  _move(before, path, now) {
    const reason = switchSentence(before, path, this._reason);
    this.switch = { at: now, before: before?.name ?? "none", after: path.name, reason };
    this.session?.move(/** @type {Attachment} */ (path.attachment));
    this._owner.pathsChanged();
  }

  // time and the network

  /** The machine has another network: dial by it at once, beside what there is. @param {number} now */
  networkChanged(now) {
    if (this.session?.state !== ViewerState.ADMITTED) return;
    for (const path of this._paths.filter((one) => !one.attachment)) this._drop(path);
    for (const path of this._paths) path.going = "the network has changed";
    this._plan.beginAnew();
    this._seeker.anew(now);
    this._decide(now);
  }

  /** Input was sent: the path it went by is to be watched. @param {number} now */
  busy(now) {
    this.current?.busy(now);
  }

  /** When `handleTimer` wants to be called. @returns {number | null} */
  nextTimeout() {
    const due = [this._plan.nextTimeout(), this._seeker.nextTimeout(), ...this._paths.map((path) => path.nextTimeout())].filter((at) => at !== null);
    return due.length ? Math.min(...due) : null;
  }

  /** Time has passed. @param {number} now */
  handleTimer(now) {
    const waits = this.session?.inputWaits ?? false;
    for (const path of [...this._paths]) {
      const verdict = path.handleTimer(now, waits && path === this.current);
      if (verdict === Verdict.FINE || path !== this.current) continue;
      for (const other of this._paths) if (other !== path) other.hop.ping(now);
    }
    this._seeker.handleTimer(now);
    this._decide(now);
  }
}
