/**
 * Services: what the channels of a session carry, a feature each (spec 04-session, 4.9).
 *
 * The session does what is its own business (clock, beacon, keys, end) itself. Every other message belongs to one
 * service, and a table says to which. `assembly.js` fills the table, so that a feature can be added, or taken away,
 * without a change to any other.
 */

import { channelOf } from "../wire/channels.js";
import { LocalProtocolError } from "../wire/errors.js";
import { CHANNEL, LANES } from "../wire/registry.js";

/**
 * @typedef {import("./viewer.js").ViewerSession} ViewerSession
 *
 * @typedef {object} Service  One feature. What it does not follow it leaves out. Times are milliseconds.
 * @property {(session: ViewerSession, now: number) => void} [admitted]  the session is running
 * @property {(session: ViewerSession, now: number) => void} [allowed]  what it may is something else now
 * @property {(session: ViewerSession, lane: number, now: number) => void} [opened]  a lane has a path, for the first
 * time or again
 * @property {(session: ViewerSession, now: number) => void} [moved]  it is on another route, or has one again
 * @property {(session: ViewerSession, now: number) => void} [ended]  it is over
 * @property {() => number | null} [nextTimeout]  when `handleTimer` wants to be called; null: never
 * @property {(now: number) => void} [handleTimer]  time has passed
 *
 * @typedef {(message: any, session: ViewerSession, now: number, channel: number) => void} Receive  `channel`: where it came
 */

/** The services of the page, in the order in which they are told of sessions. */
export class Services {
  constructor() {
    /** @type {Service[]} */
    this._services = [];
    /** @type {Map<string, Receive>} */
    this._receive = new Map();
  }

  /** Add a service with what it receives on its channel: message name -> method. Throws LocalProtocolError for a
   * message that another service has, or that travels on another channel.
   * @param {Service | {}} service @param {number} channel @param {Record<string, Receive>} [receives] */
  register(service, channel, receives = {}) {
    for (const [kind, receive] of Object.entries(receives)) {
      if (this._receive.has(kind)) throw new LocalProtocolError(`${kind} has two services`);
      if (channelOf(kind, LANES.has(channel) ? channel : undefined) !== channel) throw new LocalProtocolError(`${kind} does not travel on channel ${channel}`);
      this._receive.set(kind, receive);
    }
    this._services.push(/** @type {Service} */ (service));
  }

  /** Give a message to its service; what no service receives is ignored (R-SESS-68).
   * @param {ViewerSession} session @param {any} message @param {number} now @param {number} [channel]  where it came */
  receive(session, message, now, channel = CHANNEL.CONTROL) {
    this._receive.get(message.kind)?.(message, session, now, channel);
  }

  /** Tell all of a session that is running. @param {ViewerSession} session @param {number} now */
  admitted(session, now) {
    for (const service of this._services) service.admitted?.(session, now);
  }

  /** Tell all of a session that may something else now. @param {ViewerSession} session @param {number} now */
  allowed(session, now) {
    for (const service of this._services) service.allowed?.(session, now);
  }

  /** Tell all of a lane that has a path. @param {ViewerSession} session @param {number} lane @param {number} now */
  opened(session, lane, now) {
    for (const service of this._services) service.opened?.(session, lane, now);
  }

  /** Tell all of a session that has come to another route. @param {ViewerSession} session @param {number} now */
  moved(session, now) {
    for (const service of this._services) service.moved?.(session, now);
  }

  /** Tell all of a session that is over. @param {ViewerSession} session @param {number} now */
  ended(session, now) {
    for (const service of this._services) service.ended?.(session, now);
  }

  /** When `handleTimer` wants to be called. @returns {number | null} */
  nextTimeout() {
    const due = this._services.map((service) => service.nextTimeout?.() ?? null).filter((at) => at !== null);
    return due.length ? Math.min(...due) : null;
  }

  /** Time has passed. @param {number} now */
  handleTimer(now) {
    for (const service of this._services) service.handleTimer?.(now);
  }
}
