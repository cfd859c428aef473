/**
 * Fit: the desktop is to have the size of the page (spec 04-session, 4.11).
 */

import { FIT_STATE, PERMISSION } from "../wire/registry.js";

/** What a person is told. @type {Record<number, string>} */
const SENTENCES = {
  [FIT_STATE.NEAREST]: "The desktop's display has no such size: it took the nearest, and the rest is scaled.",
  [FIT_STATE.OTHER]: "The desktop fits another viewer's window now; here it is scaled.",
  [FIT_STATE.NOT_PERMITTED]: "This session may not choose the desktop's size: it is scaled.",
  [FIT_STATE.UNABLE]: "The size of this desktop can't be changed: it is scaled.",
};

/** Says what is wished for, again to each session, and tells the page when that comes to nothing. */
export class FitService {
  /** @param {(message: Record<string, any>) => void} tell */
  constructor(tell) {
    this._tell = tell;
    /** @type {import("../session/services.js").ViewerSession | null} */
    this._session = null;
    /** @type {{ width: number, height: number, scale: number } | null} */
    this._wish = null;
    this._state = FIT_STATE.TAKEN;
  }

  /** Another host, or the same one anew, knows nothing of it. @param {import("../session/services.js").ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._state = FIT_STATE.TAKEN;
    if (this._wish) session.send("FIT", this._wish);
  }

  /** Nobody hears of it. */
  ended() {
    this._session = null;
  }

  /** The desktop is to have this size in pixels, with things drawn `scale` hundredths as large as usual; 0 x 0: it need
   * not any more. @param {number} width @param {number} height @param {number} scale */
  want(width, height, scale) {
    this._wish = width && height ? { width, height, scale } : null;
    if (this._session && this._session.permissions & PERMISSION.MONITORS) {
      this._session.send("FIT", this._wish ?? { width: 0, height: 0, scale: 100 });
    }
  }

  /** What became of it. @param {{ state: number }} message */
  told({ state }) {
    const before = this._state;
    this._state = /** @type {typeof this._state} */ (state);
    if (this._wish && state !== before && SENTENCES[state]) this._tell({ say: "remark", text: SENTENCES[state] });
  }
}
