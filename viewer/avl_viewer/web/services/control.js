/**
 * Control: who else is here, who has control, and asking for it (spec 04-session, 4.10).
 */

import { ALONE, companyOf } from "../present/company.js";

/** Keeps what the host said last, and tells the page. */
export class ControlService {
  /** @param {(message: Record<string, any>) => void} tell */
  constructor(tell) {
    this._tell = tell;
    /** @type {import("../session/services.js").ViewerSession | null} */
    this._session = null;
    /** Who is here, as the host said last. */
    this.company = ALONE;
  }

  /** Nothing is known of who is there. @param {import("../session/services.js").ViewerSession} session */
  admitted(session) {
    this._session = session;
    this.company = ALONE;
  }

  /** Nobody has control any more. */
  ended() {
    this._session = null;
  }

  /** The host says who is here. @param {any} message */
  told(message) {
    this.company = companyOf(message);
    this._tell({ say: "company", company: this.company });
  }

  /** Ask for control, let go of it, or give it to the person of a number. @param {number} act @param {number} to */
  say(act, to) {
    this._session?.send("CONTROL", { act, to });
  }
}
