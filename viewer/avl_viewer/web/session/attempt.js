/**
 * Attempt: one connection to a relay and one session on it, from dialling to its end.
 *
 * It introduces link and session to each other; what a person sees of it, and whether another attempt follows, is its owner's business.
 */

import { bigEndian } from "../wire/bytes.js";
import { NUMBER_BYTES } from "../wire/device_id.js";
import { Refused } from "../wire/errors.js";
import { CLOSE, PERMISSION, TIMER } from "../wire/registry.js";
import { RelayLink } from "./link.js";
import { SessionPipes } from "./pipes.js";
import { Timer, Timers } from "./timers.js";
import { ViewerSession } from "./viewer.js";

const SOFTWARE = "avl-web";
const EVERYTHING = Object.values(PERMISSION).reduce((all, one) => all | one, 0);
/** Milliseconds between measurements of the hop while they are wanted. */
const PING = 1000;

/**
 * @typedef {import("./carrier.js").Carrier} Carrier
 *
 * @typedef {object} Want  Which desktop, through which relay.
 * @property {import("../directions.js").Directions} directions
 * @property {bigint} device
 * @property {string} code
 * @property {string} name  what we call ourselves
 *
 * @typedef {object} World  What an attempt needs of the machine it runs on.
 * @property {(url: string, hashes: Uint8Array[], receiver: import("./carrier.js").CarrierReceiver) => Carrier} dial
 * @property {() => Promise<import("../directions.js").Directions>} directions  asked anew before each further attempt
 * @property {() => number} clock  milliseconds, monotonic
 * @property {() => number} wall  Unix time in seconds
 * @property {(size: number) => Uint8Array} entropy
 * @property {any} identity
 * @property {number[]} decodes  chroma samplings
 *
 * @typedef {Omit<import("./viewer.js").ViewerSessionOwner, "sessionEnded"> & { attemptEnded: (reason: Refused) => void }} AttemptOwner
 */

/** A LinkOwner that runs one session. */
export class Attempt {
  /** @param {Want} want @param {World} world @param {AttemptOwner} owner */
  constructor(want, world, owner) {
    this._want = want;
    this._world = world;
    this._owner = owner;
    this._sessionId = world.entropy(16);
    /** @type {ViewerSession | null} */
    this.session = null;
    /** Round trip to the relay in milliseconds; null before it was measured. @type {number | null} */
    this.rtt = null;
    /** Whether the relay was reached and is the right one. */
    this.reached = false;
    this._over = false;
    this._timers = new Timers();
    this._pings = 0;
    this._pinged = 0;
    const { url, hashes, pin } = want.directions;
    this._link = new RelayLink({ software: SOFTWARE, pin: hashes.length ? pin : null, hashes }, this);
    this._link.attachCarrier(world.dial(url, hashes, this._link), world.clock());
  }

  // what the owner asks for

  /** Ask that a track be sent again from a key object on. @param {number} track @param {number} number */
  recover(track, number) {
    if (this.session) this._link.send("RECOVER", { handle: this.session.handle, track, object: number });
  }

  /** Whether anybody sees the picture: unseen tracks are not wanted. @param {boolean} visible @param {number} track */
  setVisible(visible, track) {
    const session = this.session;
    if (!session || session.visible === visible) return;
    session.visible = visible;
    this._link.send("SUBSCRIBE", { handle: session.handle, track, wish: visible ? 1 : 0 });
    if (visible && session.media) this.recover(track, session.media.decoded(track) + 1);
  }

  /** Measure the hop each second, or stop. @param {boolean} wanted */
  measure(wanted) {
    if (!wanted) this._timers.stop(Timer.PING);
    else if (!this._timers.isSet(Timer.PING)) this._timers.set(Timer.PING, this._world.clock());
  }

  /** Leave properly. */
  async leave() {
    const session = this.session;
    if (session) {
      await session.end();
      this._link.send("DETACH", { handle: session.handle, code: CLOSE.ENDED });
    }
    this._end(new Refused(CLOSE.ENDED));
  }

  /** Give up: nobody answers. @param {Refused} reason */
  abandon(reason) {
    this._end(reason);
  }

  /** When `handleTimer` wants to be called. @returns {number | null} */
  nextTimeout() {
    if (this._over) return null;
    const due = [this._timers.nextTimeout(), this._link.nextTimeout(), this.session?.nextTimeout() ?? null].filter((at) => at !== null);
    return due.length ? Math.min(...due) : null;
  }

  /** Time has passed. @param {number} now */
  handleTimer(now) {
    for (const timer of this._timers.expired(now)) {
      if (timer === Timer.HELLO) {
        this._end(new Refused(CLOSE.TIMEOUT));
      } else if (timer === Timer.PING) {
        this._pinged = now;
        this._link.send("PING", { token: ++this._pings });
        this._timers.set(Timer.PING, now + PING);
      }
    }
    if (!this._over) this._link.handleTimer(now);
    if (!this._over) this.session?.handleTimer(now);
  }

  // LinkOwner

  /** The relay is the right one: ask for the device. @param {any} _welcome @param {number} now */
  linkUp(_welcome, now) {
    this.reached = true;
    const device = bigEndian(this._want.device, NUMBER_BYTES);
    this._timers.set(Timer.HELLO, now + TIMER.HELLO);
    this._link.send("ATTACH", { device, session: this._sessionId, hops: 0 });
  }

  /** @param {any} message @param {number} now */
  linkMessage(message, now) {
    if (message.kind === "ATTACHED" && !this.session) {
      this._timers.stop(Timer.HELLO);
      void this._begin(message.handle);
    } else if (message.kind === "DETACH" && message.handle === this.session?.handle) {
      this.session?.lost(new Refused(message.code || CLOSE.SESSION_LOST));
    } else if (message.kind === "PONG" && message.token === this._pings) {
      this.rtt = now - this._pinged;
    } else if (message.kind === "HOP_RATE" && message.handle === this.session?.handle) {
      this._owner.sessionMessage(message);
    } else if (message.kind === "GOAWAY") {
      this._end(new Refused(CLOSE.GOING_AWAY));
    }
  }

  /** @param {number} handle */
  async _begin(handle) {
    const { device, code, name } = this._want;
    const settings = {
      identity: this._world.identity, device, sessionId: this._sessionId, code, name, permissions: EVERYTHING, decodes: this._world.decodes,
    };
    const owner = {
      sessionWaiting: this._owner.sessionWaiting,
      sessionAdmitted: this._owner.sessionAdmitted,
      sessionFrames: this._owner.sessionFrames,
      sessionRecover: this._owner.sessionRecover,
      sessionMessage: this._owner.sessionMessage,
      sessionEcho: this._owner.sessionEcho,
      sessionStale: this._owner.sessionStale,
      sessionEnded: (/** @type {Refused} */ reason) => this._end(reason),
    };
    this.session = new ViewerSession(settings, new SessionPipes(this._link, handle), owner, this._world.clock, this._world.wall());
    await this.session.start();
  }

  /** @param {number} _handle @param {number} channel @param {number} _stream @param {Uint8Array} data @param {boolean} end */
  async channelReceived(_handle, channel, _stream, data, end) {
    await this.session?.channelReceived(channel, data, end);
  }

  /** @param {number} _handle @param {number} channel @param {number} _stream @param {number} code */
  channelReset(_handle, channel, _stream, code) {
    this.session?.channelReset(channel, code);
  }

  /** @param {number} _handle @param {number} channel */
  channelWritable(_handle, channel) {
    this.session?.channelWritable(channel);
  }

  /** @param {Uint8Array} data @param {number} now */
  mediaReceived(data, now) {
    this.session?.datagramReceived(data, now);
  }

  /** @param {Refused} reason */
  linkLost(reason) {
    this._end(reason);
  }

  /** @param {Refused} reason */
  _end(reason) {
    if (this._over) return;
    this._over = true;
    this._timers.stopAll();
    this.session?.lost(reason);
    this._link.close(CLOSE.NO_ERROR);
    this._owner.attemptEnded(reason);
  }
}
