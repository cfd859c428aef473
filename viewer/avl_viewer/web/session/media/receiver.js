/**
 * MediaReceiver: datagrams into opened frames in decode order, and the wish to recover when that fails (spec 05-media,
 * 5.4).
 *
 * Objects are opened as soon as they are whole, several at a time; what follows from them happens in the order in which
 * they became whole. Times are milliseconds of our clock.
 */

import { OutdatedKey, Replayed, UnknownKey } from "../../crypto/sframe.js";
import { checkBitstream, checkSize } from "../../media/bounds.js";
import { Ordering } from "../../media/ordering.js";
import { patience } from "../../media/patience.js";
import { decode as decodePreamble } from "../../media/preamble.js";
import { Reassembler } from "../../media/reassembler.js";
import { decode as decodeDatagram } from "../../wire/datagram.js";
import { Refused, RemoteProtocolError } from "../../wire/errors.js";
import { DATAGRAM, FLAG, TIMER } from "../../wire/registry.js";

/** Objects kept for a key that has not come yet. */
export const KEYLESS = 8;
/** Objects kept for the first key object of a track, of which a fragment may have been overtaken. */
const EARLY = 8;

/**
 * @typedef {import("../../media/reassembler.js").Assembled} Assembled
 * @typedef {import("../../media/preamble.js").Preamble} Preamble
 *
 * @typedef {object} ReceivedFrame  One frame ready to decode. `codec`, `width`, `height` and `chroma` hold for the
 * frame's group.
 * @property {number} track
 * @property {number} number
 * @property {Preamble} preamble
 * @property {Uint8Array} data
 * @property {number} size  bytes of the sealed object
 * @property {string} codec
 * @property {number} width
 * @property {number} height
 * @property {number} chroma
 * @property {number} first  when its first fragment arrived
 * @property {number} last  when its last did
 * @property {number} opened  when it had been opened
 *
 * @typedef {object} Opener
 * @property {(generation: number, step: number, base: Uint8Array) => void | Promise<void>} addKey
 * @property {(track: number, number: number, flags: number, sealed: Uint8Array) => Promise<Uint8Array>} open
 *
 * @typedef {object} Opened  An object that was unsealed, with its preamble and its bitstream.
 * @property {Assembled} whole
 * @property {Preamble} preamble
 * @property {Uint8Array} data
 * @property {number} opened  when that was
 *
 * @typedef {object} Incoming  What has come of one track.
 * @property {import("../../media/track.js").Track} track
 * @property {Reassembler} reassembler
 * @property {Ordering<ReceivedFrame>} ordering
 * @property {Preamble | null} group
 * @property {Opened[]} early  what came before the first key object was whole
 * @property {number} asked
 * @property {{ number: number, since: number } | null} awaited
 */

/**
 * The tracks of one session. Damaged objects are dropped and counted, never an error of the session; so are datagrams
 * of other tracks,
 * `foreign` to it. Objects that depend on each other come out in order, each after the one it needs; objects that stand
 * alone as they come.
 */
export class MediaReceiver {
  /** @param {Opener} opener @param {import("../../media/track.js").Track[]} tracks @param {() => number} clock  read
   * when an object has been opened
   * @param {{ frames: (frames: ReceivedFrame[]) => void, missingKey: (track: number, kid: number) => void,
   *   refused: (reason: Refused) => void }} owner  `missingKey`: at most once in 300 ms */
  constructor(opener, tracks, clock, owner) {
    this._opener = opener;
    this._clock = clock;
    this._owner = owner;
    /** @type {Map<number, Incoming>} */
    this._tracks = new Map(tracks.map((track) => [track.id, incoming(track)]));
    /** @type {[number, Assembled][]} */
    this._keyless = [];
    this._keysAsked = -Infinity;
    /** @type {Promise<void>} */
    this._tail = Promise.resolve();
    this.damaged = 0;
    this.foreign = 0;
    this.lost = 0;
    this.received = 0;
    this._patience = patience(0, TIMER.KEY_SPACING);
    this.follow(0);
  }

  /** Done when all objects that have come whole so far were opened and told of, or refused. */
  async settled() {
    for (let tail; tail !== this._tail; await tail) tail = this._tail;
  }

  /** Wait for as long as repairs take where an answer of the host takes so many milliseconds. @param {number} roundTrip
   * */
  follow(roundTrip) {
    this._patience = patience(roundTrip, TIMER.KEY_SPACING);
    for (const track of this._tracks.values()) {
      track.ordering.patience = this._patience.dependency;
      track.reassembler.patience = this._patience.unfinished;
    }
  }

  /** Learn a media key; frames that were waiting for it follow.
   * @param {number} generation @param {number} step @param {Uint8Array} base */
  async addKey(generation, step, base) {
    await this._opener.addKey(generation, step, base);
    const waiting = this._keyless;
    this._keyless = [];
    for (const [track, whole] of waiting) this._open(track, whole);
  }

  /** Take one datagram; frames that may be decoded are handed to the owner. @param {Uint8Array} data @param {number}
   * now */
  datagram(data, now) {
    let header;
    try {
      header = decodeDatagram(data);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      this.damaged++;
      return;
    }
    if (header.type !== DATAGRAM.MEDIA && header.type !== DATAGRAM.PARITY && header.type !== DATAGRAM.REPAIR) return;
    const track = this._tracks.get(header.track);
    if (!track) {
      this.foreign++;
      return;
    }
    const whole = track.reassembler.add(header, header.payload, now);
    if (whole) this._open(header.track, whole);
  }

  /** @param {number} track @param {Assembled} whole */
  _open(track, whole) {
    const opening = this._opener.open(track, whole.number, whole.flags, whole.sealed).then(
      (plaintext) => this._read(track, whole, plaintext),
      (error) => this._unopened(track, whole, error),
    );
    this._tail = Promise.all([opening, this._tail]).then(([then]) => then());
  }

  /** @param {number} number @param {Assembled} whole @param {Uint8Array} plaintext @returns {() => void} */
  _read(number, whole, plaintext) {
    const opened = this._clock();
    try {
      const { preamble, bitstream } = decodePreamble(plaintext);
      if (preamble.key === Boolean(whole.flags & FLAG.KEY)) return () => this._checked(number, whole, preamble, bitstream, opened);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
    }
    return () => void this.damaged++;
  }

  /** @param {number} track @param {Assembled} whole @param {unknown} error @returns {() => void} */
  _unopened(track, whole, error) {
    if (error instanceof OutdatedKey || error instanceof Replayed) return () => undefined;
    if (error instanceof UnknownKey) {
      const kid = Number(error.kid);
      return () => {
        this._keyless = [...this._keyless.slice(1 - KEYLESS), [track, whole]];
        const now = this._clock();
        if (now - this._keysAsked < TIMER.KEY_SPACING) return;
        this._keysAsked = now;
        this._owner.missingKey(track, kid);
      };
    }
    if (error instanceof RemoteProtocolError) return () => void this.damaged++;
    throw error;
  }

  /** A whole object that would make a decoder allocate more than it announces, or than viewers take, ends the session.
   * @param {number} number @param {Assembled} whole @param {Preamble} preamble @param {Uint8Array} data @param {number}
   * opened */
  _checked(number, whole, preamble, data, opened) {
    try {
      this._frame(number, whole, preamble, data, opened);
    } catch (error) {
      if (error instanceof RemoteProtocolError) this._owner.refused(new Refused(error.code, error.message));
      else if (error instanceof Refused) this._owner.refused(error);
      else throw error;
    }
  }

  /** @param {number} number @param {Assembled} whole @param {Preamble} preamble @param {Uint8Array} data @param
   * {number} opened */
  _frame(number, whole, preamble, data, opened) {
    const track = /** @type {Incoming} */ (this._tracks.get(number));
    const one = { whole, preamble, data, opened };
    if (!preamble.key) {
      if (track.group) this._order(track, track.group, [one]);
      else track.early = [...track.early.slice(1 - EARLY), one];
      return;
    }
    checkSize(preamble.width, preamble.height);
    track.group = preamble;
    if (track.track.dependent) track.reassembler.forgetBefore(whole.number);
    const early = track.early.filter((other) => other.whole.number > whole.number);
    track.early = [];
    this._order(track, preamble, [one, ...early]);
  }

  /** Give out the frames that may be decoded now that these are there. @param {Incoming} track @param {Preamble} group
   * @param {Opened[]} several */
  _order(track, group, several) {
    const { codec, width, height, chroma } = group;
    /** @type {ReceivedFrame[]} */
    const ready = [];
    for (const { whole, preamble, data, opened } of several) {
      checkBitstream(data, group, preamble.key);
      this.received++;
      const frame = {
        track: track.track.id, number: whole.number, preamble, data, size: whole.sealed.length,
        codec, width, height, chroma, first: whole.first, last: whole.last, opened,
      };
      ready.push(...(track.track.dependent ? track.ordering.add(whole.number, preamble.depends, frame, opened) : [frame]));
    }
    if (ready.length) this._owner.frames(ready);
  }

  /** [track, first object that can't be decoded] of every track that must recover now; asked at most once per track in
   * 300 ms or what an answer takes. @param {number} now @returns {[number, number][]} */
  recoveries(now) {
    /** @type {[number, number][]} */
    const out = [];
    for (const [number, track] of this._tracks) {
      this.lost += track.reassembler.incomplete(now).length;
      const stuck = track.ordering.stuck(now);
      if (stuck !== null && now - track.asked >= this._patience.answer) {
        track.asked = now;
        out.push([number, stuck]);
      }
    }
    return out;
  }

  /** When `recoveries` may have something new to say; null when never. @param {number} now @returns {number | null} */
  nextCheck(now) {
    let next = null;
    for (const track of this._tracks.values()) {
      const check = track.ordering.nextCheck();
      if (check !== null) next = Math.min(next ?? Infinity, Math.max(check, track.asked + this._patience.answer, now));
    }
    return next;
  }

  /** The newest object handed out of a track, -1 before any. @param {number} track */
  decoded(track) {
    return this._tracks.get(track)?.ordering.last ?? -1;
  }

  /** The host has sent up to `newest`: should that never arrive, the last objects before a pause were lost whole.
   * @param {number} track @param {number} newest @param {number} now */
  beacon(track, newest, now) {
    const found = this._tracks.get(track);
    if (found?.track.dependent && (!found.awaited || this.decoded(track) >= found.awaited.number)) {
      found.awaited = newest > this.decoded(track) ? { number: newest, since: now } : null;
    }
  }

  /** [track, object] where what an earlier beacon named has still not come. @param {number} now @returns {[number,
   * number][]} */
  tails(now) {
    /** @type {[number, number][]} */
    const out = [];
    for (const [number, track] of this._tracks) {
      if (!track.awaited) continue;
      if (this.decoded(number) >= track.awaited.number) {
        track.awaited = null;
      } else if (now - track.awaited.since > this._patience.tail && now - track.asked >= this._patience.answer) {
        track.asked = now;
        out.push([number, this.decoded(number) + 1]);
      }
    }
    return out;
  }
}

/** @param {import("../../media/track.js").Track} track @returns {Incoming} */
function incoming(track) {
  return { track, reassembler: new Reassembler(), ordering: new Ordering(), group: null, early: [], asked: -Infinity, awaited: null };
}
