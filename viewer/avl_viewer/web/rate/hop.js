/**
 * HopRate: what a page does for the rate of its hop: it says what arrived (spec 07-rate). It sends no media, so that
 * there is nothing here to decide.
 *
 * The transport tells it what arrives; feedback and probes stay here, so that nobody above has to know that they exist.
 */

import { RemoteProtocolError } from "../wire/errors.js";
import { SHORTEST } from "../wire/feedback.js";
import { DATAGRAM } from "../wire/registry.js";
import { Collector } from "./collector.js";

/** The receiving half of a hop's end. Times are milliseconds of our clock. */
export class HopRate {
  constructor() {
    this._collector = new Collector();
  }

  /** Take a datagram; true where it was for us alone: a probe, or feedback, for which we have given no reason.
   * @param {Uint8Array} payload  the leading zero byte included @param {number} now @returns {boolean} */
  datagramReceived(payload, now) {
    if (payload.length < 2 || payload[0]) return false;
    const at = 1 + (1 << (payload[1] >> 6));
    const type = payload[at];
    if (type === DATAGRAM.FEEDBACK) return true;
    if (type <= DATAGRAM.PROBE && payload.length >= at + SHORTEST - 2) this._arrived(payload, now);
    return type === DATAGRAM.PROBE;
  }

  /** @param {Uint8Array} payload @param {number} now */
  _arrived(payload, now) {
    try {
      this._collector.arrived(payload, now);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error; // it has no name: nobody can report it
    }
  }

  /** A round trip takes so many milliseconds. @param {number} roundTrip */
  measured(roundTrip) {
    this._collector.roundTrip = roundTrip;
  }

  /** The feedback datagram, where one is due. @param {number} now */
  takeFeedback(now) {
    const due = this._collector.due();
    return due !== null && due <= now ? this._collector.take(now) : null;
  }

  /** When feedback should leave; null while nothing has arrived. */
  wakesAt() {
    return this._collector.due();
  }
}
