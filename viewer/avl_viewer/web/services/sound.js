/**
 * Sound: whether the host can be heard, and how well it is (spec 16-sound). Times are milliseconds.
 */

import { MICROPHONE_STATE, PERMISSION, SOUND_STATE, TIMER } from "../wire/registry.js";

/** What a person is told where there is nothing to hear. @type {Record<number, string>} */
const SENTENCES = {
  [SOUND_STATE.HEARD]: "",
  [SOUND_STATE.OFF]: "The host shares no sound.",
  [SOUND_STATE.NO_SERVER]: "The host has no sound: no sound server answers there.",
  [SOUND_STATE.FAILED]: "The host has no sound: it can't be taken there.",
};

/** @typedef {import("../session/viewer.js").ViewerSession} ViewerSession @typedef {{ received: number, played: number,
 * concealed: number, late: number }} Counts */

/** `heard` says what became of the sound so far, null: nobody listens; `target`: how long it is held. */
export class SoundService {
  /** @param {(message: Record<string, any>) => void} tell @param {{ heard: () => Counts | null, target: () => number }} of */
  constructor(tell, of) {
    this._tell = tell;
    this._of = of;
    /** @type {ViewerSession | null} */
    this._session = null;
    /** @type {Counts} */
    this._told = { received: 0, played: 0, concealed: 0, late: 0 };
    /** @type {number | null} */
    this._due = null;
  }

  /** @param {ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._told = { received: 0, played: 0, concealed: 0, late: 0 };
    this._due = null;
    this._say("", false, 0);
  }

  ended() {
    this._session = this._due = null;
    this._say("", false, 0);
  }

  /** The host says how its sound is. @param {any} message  SOUND */
  told({ state, microphone, speakers }) {
    this._say(SENTENCES[state] ?? SENTENCES[SOUND_STATE.FAILED], microphone === MICROPHONE_STATE.READY, Math.max(0, speakers));
  }

  /** @param {string} trouble @param {boolean} microphone @param {number} speakers */
  _say(trouble, microphone, speakers) {
    this._tell({ say: "sound", trouble, microphone, speakers });
  }

  /** Sound has come: how that went is told in a while. @param {number} now */
  came(now) {
    this._due ??= now + TIMER.HEARD;
  }

  /** When the host is told next. */
  nextTimeout() {
    return this._due;
  }

  /** Tell the host what became of its sound, if it is time (R-SESS-312). @param {number} now */
  handleTimer(now) {
    if (this._due === null || now < this._due) return;
    this._due = null;
    const heard = this._of.heard();
    if (!heard || !this._session || !(this._session.permissions & PERMISSION.AUDIO_OUT)) return;
    const since = (/** @type {keyof Counts} */ what) => Math.max(0, heard[what] - this._told[what]);
    const fields = { received: since("received"), played: since("played"), concealed: since("concealed"), late: since("late") };
    this._told = { ...heard };
    this._session.send("HEARD", { ...fields, buffer_ms: Math.round(this._of.target()) });
  }
}
