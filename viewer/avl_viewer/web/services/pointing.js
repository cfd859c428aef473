/**
 * Pointing: where others point, and where we do (spec 04-session, 4.10).
 */

import { TIMER } from "../wire/registry.js";

/** Tells our pointer while it moves, and not while nobody else is here; `alone` says so. */
export class PointingService {
  /** @param {(message: Record<string, any>) => void} tell @param {() => boolean} alone */
  constructor(tell, alone) {
    this._tell = tell;
    this._alone = alone;
    /** @type {import("../session/services.js").ViewerSession | null} */
    this._session = null;
    /** @type {{ x: number, y: number, laser: boolean } | null} */
    this._waits = null;
    this._said = "";
    this._free = 0;
  }

  /** It is told there from now on. @param {import("../session/services.js").ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._waits = null;
    this._said = "";
  }

  /** Nobody is told. */
  ended() {
    this._session = this._waits = null;
  }

  /** Others' pointers have moved. @param {any} message */
  told(message) {
    this._tell({ say: "mark", mark: message });
  }

  /** Our pointer is at this desktop pixel, and points at something or not. @param {number} x @param {number} y @param
   * {boolean} laser @param {number} now */
  point(x, y, laser, now) {
    if (!this._session || this._alone()) return;
    this._waits = { x, y, laser };
    this.handleTimer(now);
  }

  nextTimeout() {
    return this._waits && this._free;
  }

  /** Tell the last move, if it is time. @param {number} now */
  handleTimer(now) {
    if (!this._waits || now < this._free) return;
    const point = this._waits;
    this._waits = null;
    const said = `${point.x} ${point.y} ${point.laser}`;
    if (said === this._said || !this._session || this._session.stale) return;
    this._said = said;
    this._free = now + TIMER.POINTING;
    this._session.send("POINT", point);
  }
}
