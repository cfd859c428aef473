/**
 * Clipboard: the host's clipboard, shown here and set from here (spec 04-session, 4.7).
 *
 * A text crosses at once. Other formats are offered, and cross when somebody pastes: the page asks for those of the host,
 * and the host fetches what was copied here.
 */

import { Giver, Taker } from "../session/fetching.js";
import { Pasting } from "../session/pasting.js";
import { ORIGIN_BYTES, offered } from "../wire/clipformats.js";
import { contentOf, told } from "../wire/cliptext.js";
import { Refused } from "../wire/errors.js";
import { CLIPBOARD_STATE, MAX } from "../wire/registry.js";

/**
 * @typedef {import("../session/input/outbox.js").InputEvent} InputEvent @typedef
 * {import("../session/services.js").ViewerSession} ViewerSession
 * @typedef {import("../session/fetching.js").Fetched} Fetched
 *
 * @typedef {object} ClipboardOwner
 * @property {(message: Record<string, any>) => void} tell  to the page
 * @property {(events: InputEvent[], at: number) => void} input  sends input that a person made `at`
 * @property {(size: number) => Uint8Array} entropy
 *
 * @typedef {object} Offer  What was copied here.
 * @property {string} text  "" where there is none
 * @property {Record<string, Blob>} formats
 * @property {Uint8Array} [origin]
 *
 * @typedef {object} Told  What the host told of its clipboard.
 * @property {number} state
 * @property {string} text
 * @property {string[]} formats
 * @property {number} stamp
 * @property {Uint8Array} origin
 */

const NOTHING = new Uint8Array(0);

/** Sets it before it is pasted, and tells the page what was copied there. */
export class ClipboardService {
  /** @param {ClipboardOwner} owner */
  constructor(owner) {
    this._owner = owner;
    this._pasting = new Pasting(owner.input);
    /** @type {ViewerSession | null} */
    this._session = null;
    this._giver = new Giver((kind, fields) => this._send(kind, fields));
    this._taker = new Taker((kind, fields) => this._send(kind, fields));
    /** Our newest copy, as the host knows it. @type {{ serial: number, formats: Record<string, Blob> } | null} */
    this._ours = null;
    /** Copies of ours of which the host has not said what became of them. @type {Set<number>} */
    this._unanswered = new Set();
    /** The offer whose text is still to come. @type {any} */
    this._coming = null;
    /** What the host told while it had something of ours unanswered. @type {Told | null} */
    this._withheld = null;
    /** The origin of the copy that both have, as far as we know. @type {Uint8Array} */
    this._origin = NOTHING;
  }

  // the session

  /** It is this host's clipboard from now on. @param {ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._origin = NOTHING;
  }

  /** Nothing is pasted there any more. */
  ended() {
    this._session = this._ours = this._coming = this._withheld = null;
    this._unanswered.clear();
    this._pasting.clear();
    this._giver.clear();
    this._taker.clear();
  }

  nextTimeout() {
    const due = [this._pasting.nextTimeout(), this._taker.nextTimeout()].filter((at) => at !== null);
    return due.length ? Math.min(...due) : null;
  }

  /** @param {number} now */
  handleTimer(now) {
    this._pasting.handleTimer(now);
    this._taker.handleTimer(now);
  }

  /** Send, or leave it where we may not any more. @param {string} kind @param {Record<string, any>} fields */
  _send(kind, fields) {
    try {
      this._session?.send(kind, fields);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  // what a person does

  /** Set the host's clipboard, then send input once it has it. @param {string} text @param {InputEvent[]} events @param
   * {number} at
   * @param {number} now */
  paste(text, events, at, now) {
    this.offer({ text, formats: {} }, events, at, now);
  }

  /** Set the host's clipboard to a copy of several formats, which it fetches when somebody pastes; then send input once it
   * knows of it. @param {Offer} offer @param {InputEvent[]} events @param {number} at @param {number} now */
  offer({ text, formats, origin = NOTHING }, events, at, now) {
    if (!this._session) return;
    const rows = offered(Object.entries(formats).map(([name, { size }]) => [name, size])).map(({ name, size }) => [name, size]);
    const content = contentOf(text);
    const refused = content.state === CLIPBOARD_STATE.TOO_LARGE || content.state === CLIPBOARD_STATE.NOT_TEXT;
    if (refused && !rows.length) {
      this._owner.tell({ say: "clipboard-refused", state: content.state });
      return;
    }
    if (origin.length && same(origin, this._origin)) {
      this.input(events, at); // it has that (R-SESS-297)
      return;
    }
    try {
      const serial = this._pasting.next();
      const hasText = content.state === CLIPBOARD_STATE.TEXT;
      this._ours = rows.length ? { serial, formats } : null;
      this._origin = rows.length && !origin.length ? this._owner.entropy(ORIGIN_BYTES) : origin;
      const time = Math.max(1, Math.round(this._session.clock.toHost(now) * 1000));
      this._session.send("CLIPBOARD_OFFER", { serial, formats: rows, text: hasText || !rows.length, origin: this._origin, keep: false, time_us: time });
      this._unanswered.add(serial);
      if (hasText || !rows.length) this._session.send("CLIPBOARD", { serial, ...content });
      this._pasting.wait(events, at, now);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this._unanswered.clear();
      this.input(events, at);
    }
  }

  /** Send input that a person made `at`, behind a pasting key that waits. @param {InputEvent[]} events @param {number} at
   * */
  input(events, at) {
    if (!this._pasting.behind(events, at)) this._owner.input(events, at);
  }

  /** The page wants the host's copy of a stamp in a format: it is told under `id`. @param {{ id: number, stamp: number, format:
   * string, most?: number }} wanted @param {number} now */
  fetch({ id, stamp, format, most = MAX.CLIPBOARD_DATA }, now) {
    /** @param {Fetched} result */
    const done = (result) => this._owner.tell({ say: "fetched", id, ...result });
    if (this._session) this._taker.fetch(stamp, format, most, now, done);
    else done({ state: CLIPBOARD_STATE.NO_ANSWER });
  }

  // messages

  /** The host says in which formats its copy is to be had; its text, or that it has none, follows. @param {any} message */
  hostOffers(message) {
    this._coming = message;
  }

  /** The host says what its clipboard holds. @param {{ serial: number, state: number, text: string }} message */
  told({ serial, state, text }) {
    const offer = this._coming?.serial === serial ? this._coming : null;
    this._coming = null;
    const formats = offer ? offered(offer.formats).map(({ name }) => name) : [];
    const origin = offer?.origin.length === ORIGIN_BYTES ? offer.origin : NOTHING;
    const copy = { ...told(state, text), formats, stamp: serial, origin };
    if (this._unanswered.size) this._withheld = copy; // ours may be newer (R-SESS-296)
    else this._present(copy);
  }

  /** @param {Told} copy */
  _present(copy) {
    this._withheld = null;
    if (copy.origin.length && same(copy.origin, this._origin)) return; // we have it already (R-SESS-297)
    this._origin = copy.origin;
    this._ours = null;
    if (copy.formats.length) this._owner.tell({ say: "copied", ...copy });
    else this._owner.tell({ say: "clipboard", state: copy.state, text: copy.text });
  }

  /** The host has taken our copy, or says why not: then what it told meanwhile counts. @param {{ serial: number, taken:
   * boolean, state: number }} message */
  wasSet({ serial, taken, state }) {
    this._unanswered.delete(serial);
    if (taken) {
      this._withheld = null;
      this._pasting.taken(serial);
      return;
    }
    this._pasting.refused(serial);
    this._owner.tell({ say: "clipboard-refused", state: state || CLIPBOARD_STATE.NO_ANSWER });
    if (this._withheld && !this._unanswered.size) this._present(this._withheld);
  }

  // what is fetched

  /** Somebody pastes at the host (R-SESS-293). @param {{ fetch: number, serial: number, format: string }} message */
  async fetched({ fetch, serial, format }) {
    if (!this._giver.begin(fetch)) return;
    const ours = this._ours;
    const blob = ours?.serial === serial && Object.hasOwn(ours.formats, format) ? ours.formats[format] : null;
    if (!blob) {
      this._giver.give(fetch, { state: CLIPBOARD_STATE.GONE });
      return;
    }
    /** @type {Fetched} */
    let result = { state: CLIPBOARD_STATE.NO_ANSWER };
    try {
      result = { state: CLIPBOARD_STATE.TEXT, data: new Uint8Array(await blob.arrayBuffer()) };
    } catch (error) {
      if (!(error instanceof DOMException)) throw error; // the browser has let go of it
    }
    this._giver.give(fetch, this._ours === ours ? result : { state: CLIPBOARD_STATE.GONE });
  }

  /** The host has more of what it fetches. @param {{ fetch: number, taken: number }} message */
  taken(message) {
    this._giver.taken(message);
  }

  /** The host wants no more of it. @param {{ fetch: number }} message */
  stopped(message) {
    this._giver.stop(message);
  }

  /** A part of what we fetch. @param {{ fetch: number, data: Uint8Array, size: number }} message @param {number} now */
  part(message, now) {
    this._taker.part(message, now);
  }

  /** That was all of it. @param {{ fetch: number, state: number }} message */
  done(message) {
    this._taker.done(message);
  }
}

/** @param {Uint8Array} one @param {Uint8Array} other */
function same(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
