/**
 * Clipboard: the host's clipboard, shown here and set from here (spec 04-session, 4.7).
 */

import { Pasting } from "../session/pasting.js";
import { contentOf, told } from "../wire/cliptext.js";
import { Refused } from "../wire/errors.js";
import { CLIPBOARD_STATE } from "../wire/registry.js";

/**
 * @typedef {import("../session/input/outbox.js").InputEvent} InputEvent @typedef
 * {import("../session/services.js").ViewerSession} ViewerSession
 *
 * @typedef {object} ClipboardOwner
 * @property {(message: Record<string, any>) => void} tell  to the page
 * @property {(events: InputEvent[], at: number) => void} input  sends input that a person made `at`
 */

/** Sets it before it is pasted, and tells the page what was copied there. */
export class ClipboardService {
  /** @param {ClipboardOwner} owner */
  constructor(owner) {
    this._owner = owner;
    this._pasting = new Pasting(owner.input);
    /** @type {ViewerSession | null} */
    this._session = null;
  }

  // the session

  /** It is this host's clipboard from now on. @param {ViewerSession} session */
  admitted(session) {
    this._session = session;
  }

  /** Nothing is pasted there any more. */
  ended() {
    this._session = null;
    this._pasting.clear();
  }

  nextTimeout() {
    return this._pasting.nextTimeout();
  }

  /** @param {number} now */
  handleTimer(now) {
    this._pasting.handleTimer(now);
  }

  // what a person does

  /** Set the host's clipboard, then send input once it has it. @param {string} text @param {InputEvent[]} events @param
   * {number} at
   * @param {number} now */
  paste(text, events, at, now) {
    if (!this._session) return;
    const content = contentOf(text);
    if (content.state === CLIPBOARD_STATE.TOO_LARGE || content.state === CLIPBOARD_STATE.NOT_TEXT) {
      this._owner.tell({ say: "clipboard-refused", state: content.state });
      return;
    }
    try {
      this._session.send("CLIPBOARD", { serial: this._pasting.next(), ...content });
      this._pasting.wait(events, at, now);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.input(events, at);
    }
  }

  /** Send input that a person made `at`, behind a pasting key that waits. @param {InputEvent[]} events @param {number} at
   * */
  input(events, at) {
    if (!this._pasting.behind(events, at)) this._owner.input(events, at);
  }

  // messages

  /** The host says what its clipboard holds. @param {{ state: number, text: string }} message */
  told({ state, text }) {
    this._owner.tell({ say: "clipboard", ...told(state, text) });
  }

  /** The host has taken our text, or says why not. @param {{ serial: number, taken: boolean, state: number }} message
   * */
  wasSet({ serial, taken, state }) {
    if (taken) {
      this._pasting.taken(serial);
    } else {
      this._pasting.refused(serial);
      this._owner.tell({ say: "clipboard-refused", state: state || CLIPBOARD_STATE.NO_ANSWER });
    }
  }
}
