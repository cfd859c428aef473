/**
 * Voice: what this page's person says, sent to the host (spec 16-sound, 16.5).
 */

import { CHANNEL, MAX, PERMISSION } from "../wire/registry.js";

/** @typedef {import("../session/viewer.js").ViewerSession} ViewerSession */

/** `tell` speaks to the page: `voice` says whether the microphone is on. */
export class VoiceService {
  /** @param {(message: Record<string, any>) => void} tell */
  constructor(tell) {
    this._tell = tell;
    /** @type {ViewerSession | null} */
    this._session = null;
    this._position = 0;
    this.on = false;
    /** Packets that a slow path left out. */
    this.leftOut = 0;
  }

  /** Another session: nobody has turned the microphone on in it (R-SESS-315). @param {ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._position = 0;
    this._set(false);
  }

  /** @param {ViewerSession} session */
  allowed(session) {
    if (!(session.permissions & PERMISSION.AUDIO_IN)) this._set(false);
  }

  ended() {
    this._session = null;
    this._set(false);
  }

  /** A person turns the microphone on or off. @param {boolean} on */
  turn(on) {
    const session = this._session;
    if (on && !(session && session.permissions & PERMISSION.AUDIO_IN)) return;
    if (!on && this.on && session && this._room(session)) {
      session.send("VOICE", { position: this._position, packets: [], last: true });
      this._position += 1;
    }
    this._set(on);
  }

  /** @param {boolean} on */
  _set(on) {
    if (on === this.on) return;
    this.on = on;
    this._tell({ say: "voice", on });
  }

  /** A packet of the microphone; `passed`: how many times 10 ms since the one before. What there is no room for is left
   * out (R-SESS-316). @param {number} passed @param {Uint8Array} packet */
  say(passed, packet) {
    this._position += passed;
    const session = this._session;
    if (!this.on || !session) return;
    if (this._room(session)) session.send("VOICE", { position: this._position, packets: [packet], last: false });
    else this.leftOut += 1;
  }

  /** @param {ViewerSession} session */
  _room(session) {
    return session.flows(CHANNEL.SOUND) && session.unacknowledged(CHANNEL.SOUND) < MAX.VOICE_WAITS;
  }
}
