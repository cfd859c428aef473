/**
 * MediaReceiver: datagrams into opened objects, pictures in decode order, and what is to be asked for where something
 * does not come (spec 05-media, 5.4 and 5.7.4).
 *
 * Objects are opened as soon as they are whole, several at a time; what follows from those of a track happens in the
 * order in which they became whole. Times are milliseconds of our clock.
 */

import { OutdatedKey, Replayed, UnknownKey } from "../../crypto/sframe.js";
import { checkBitstream, checkSize } from "../../media/bounds.js";
import { decode as decodeExact } from "../../media/exact.js";
import { Gaps } from "../../media/gaps.js";
import { Ordering } from "../../media/ordering.js";
import { patience } from "../../media/patience.js";
import { decode as decodePreamble, shows } from "../../media/preamble.js";
import { Reassembler } from "../../media/reassembler.js";
import { decode as decodeSound } from "../../media/sound.js";
import { rungs } from "../../media/track.js";
import { decode as decodeDatagram } from "../../wire/datagram.js";
import { Refused, RemoteProtocolError } from "../../wire/errors.js";
import { CLOSE, DATAGRAM, FLAG, TIMER, TRACK_ENTRY, TRACK_KIND } from "../../wire/registry.js";

/** Objects kept for a key that has not come yet. */
export const KEYLESS = 8;
/** Objects kept for the first key object of a track, of which a fragment may have been overtaken. */
const EARLY = 8;

/**
 * @typedef {import("../../media/reassembler.js").Assembled} Assembled
 * @typedef {import("../../media/preamble.js").Preamble} Preamble
 *
 * @typedef {import("../../media/gaps.js").Row} Row
 *
 * @typedef {object} ReceivedFrame  One frame ready to decode. From `codec` to `place` what holds for its group (see
 * Preamble).
 * @property {number} track
 * @property {number} number
 * @property {Preamble} preamble
 * @property {Uint8Array} data
 * @property {number} size  bytes of the sealed object
 * @property {string} codec
 * @property {number} width
 * @property {number} height
 * @property {number} chroma
 * @property {[number, number]} desktop
 * @property {import("../../media/preamble.js").Rect} place
 * @property {number} first  when its first fragment arrived
 * @property {number} last  when its last did
 * @property {number} opened  when it had been opened
 *
 * @typedef {object} ReceivedExact  One object of exact pixels. Times as in ReceivedFrame.
 * @property {number} track
 * @property {number} number
 * @property {import("../../media/exact.js").Exact} exact
 * @property {number} size  bytes of the sealed object
 * @property {boolean} complete  no object before it is missing
 * @property {number} first
 * @property {number} last
 * @property {number} opened
 *
 * @typedef {object} ReceivedSound  One object of sound. Times as in ReceivedFrame.
 * @property {number} track
 * @property {number} number
 * @property {import("../../media/sound.js").Sound} sound
 * @property {number} size  bytes of the sealed object
 * @property {number} first
 * @property {number} last
 * @property {number} opened
 *
 * @typedef {ReceivedFrame | ReceivedExact} ReceivedObject  What is to be seen.
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
 * @property {Ordering<Opened>} ordering
 * @property {Preamble | null} group
 * @property {Opened[]} early  what came before the first key object was whole
 * @property {number | null} earlySince  since when something of that is newer than what the other track has shown
 * @property {Incoming | null} other  the other track of the same pictures: a key object of one takes the place of both
 * @property {number} shown  when the newest picture that was given out was captured, in us of the host's clock
 * @property {number} asked
 * @property {{ number: number, since: number } | null} awaited
 * @property {Gaps | null} gaps  what has not come of a track whose objects are asked for
 * @property {boolean} wanted
 * @property {number} settled  the object with which all was sent
 * @property {number} barrier  and the one that must be older (REPLACED)
 * @property {Promise<void>} tail  done when what came whole so far was opened and told of
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
   * @param {{ frames: (objects: ReceivedObject[]) => void, sounds: (objects: ReceivedSound[]) => void, missingKey: (track: number, kid: number) => void,
   *   refused: (reason: Refused) => void }} owner  `missingKey`: at most once in 300 ms */
  constructor(opener, tracks, clock, owner) {
    this._opener = opener;
    this._clock = clock;
    this._owner = owner;
    this._roundTrip = 0;
    /** @type {Map<number, Incoming>} */
    this._tracks = new Map();
    this._patience = patience(0, TIMER.KEY_SPACING);
    this.arrange(tracks);
    /** @type {[number, Assembled][]} */
    this._keyless = [];
    this._keysAsked = -Infinity;
    this.damaged = 0;
    this.foreign = 0;
    this.lost = 0;
    this.received = 0;
  }

  /** These are the tracks from now on: one that is as it was goes on, another begins anew.
   * @param {import("../../media/track.js").Track[]} tracks */
  arrange(tracks) {
    const before = this._tracks;
    this._tracks = new Map(tracks.map((track) => {
      const kept = before.get(track.id);
      return [track.id, kept && same(kept.track, track) ? kept : incoming(track)];
    }));
    for (const [one, other] of rungs(tracks)) {
      const [lower, upper] = [one, other].map((number) => /** @type {Incoming} */ (this._tracks.get(number)));
      lower.other = upper;
      upper.other = lower;
    }
    this.follow(this._roundTrip);
  }

  /** Done when all objects that have come whole so far were opened and told of, or refused. */
  async settled() {
    const tails = () => [...this._tracks.values()].map(({ tail }) => tail);
    for (let seen = [Promise.resolve()]; tails().some((tail, at) => tail !== seen[at]); await Promise.all(seen)) seen = tails();
  }

  /** Wait for as long as repairs take where an answer of the host takes so many milliseconds. @param {number} roundTrip
   * */
  follow(roundTrip) {
    this._roundTrip = roundTrip;
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

  /** Take one datagram; what may be shown or decoded is handed to the owner. @param {Uint8Array} data @param {number}
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
    const incoming = this._tracks.get(track);
    if (!incoming) return;
    // What was opened when the track has begun anew counts for nothing.
    const opening = this._opener.open(track, whole.number, whole.flags, whole.sealed).then(
      (plaintext) => (this._tracks.get(track) === incoming ? this._read(track, whole, plaintext) : () => undefined),
      (error) => this._unopened(track, whole, error),
    );
    incoming.tail = Promise.all([opening, incoming.tail]).then(([then]) => then());
  }

  /** @param {number} number @param {Assembled} whole @param {Uint8Array} plaintext @returns {() => void} */
  _read(number, whole, plaintext) {
    const opened = this._clock();
    const track = /** @type {Incoming} */ (this._tracks.get(number));
    if (track.track.kind === TRACK_KIND.EXACT) return () => this._checked(() => this._exact(track, whole, plaintext, opened));
    if (track.track.kind === TRACK_KIND.AUDIO) return () => this._sound(track, whole, plaintext, opened);
    try {
      const { preamble, bitstream } = decodePreamble(plaintext);
      if (preamble.key === Boolean(whole.flags & FLAG.KEY)) return () => this._checked(() => this._frame(track, { whole, preamble, data: bitstream, opened }));
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
    }
    return () => void this.damaged++;
  }

  /** @param {number} track @param {Assembled} whole @param {unknown} error @returns {() => void} */
  _unopened(track, whole, error) {
    if (error instanceof OutdatedKey || error instanceof Replayed) return () => this._tracks.get(track)?.gaps?.came(whole.number, this._clock());
    if (error instanceof UnknownKey) {
      const kid = Number(error.kid);
      return () => {
        // Sound would be too late by then, and keep others from waiting.
        if (this._tracks.get(track)?.track.kind !== TRACK_KIND.AUDIO) this._keyless = [...this._keyless.slice(1 - KEYLESS), [track, whole]];
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
   * @param {() => void} take */
  _checked(take) {
    try {
      take();
    } catch (error) {
      if (error instanceof RemoteProtocolError) this._owner.refused(new Refused(error.code, error.message));
      else if (error instanceof Refused) this._owner.refused(error);
      else throw error;
    }
  }

  /** Sound, to be played when its time comes. @param {Incoming} track @param {Assembled} whole @param {Uint8Array}
   * plaintext @param {number} opened */
  _sound(track, whole, plaintext, opened) {
    let sound;
    try {
      sound = decodeSound(plaintext);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
    }
    if (!sound || !(whole.flags & FLAG.KEY)) {
      this.damaged++;
      return;
    }
    const { number, first, last } = whole;
    this._owner.sounds([{ track: track.track.id, number, sound, size: whole.sealed.length, first, last, opened }]);
  }

  /** Exact pixels, to be shown at once. Throws Refused. @param {Incoming} track @param {Assembled} whole
   * @param {Uint8Array} plaintext @param {number} opened */
  _exact(track, whole, plaintext, opened) {
    const { gaps } = track;
    // What replaces a missing object may still be on its way: no object of before that copies from it.
    const complete = !gaps || (!gaps.lacks(whole.number - 1) && track.barrier < whole.number && whole.number <= gaps.newest + 1);
    gaps?.came(whole.number, opened);
    let exact;
    try {
      exact = decodeExact(plaintext);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
    }
    if (!exact || !(whole.flags & FLAG.KEY)) {
      this.damaged++;
      return;
    }
    this.received++;
    if (exact.settled) track.settled = Math.max(track.settled, whole.number);
    const { number, first, last } = whole;
    this._owner.frames([{ track: track.track.id, number, exact, size: whole.sealed.length, complete, first, last, opened }]);
  }

  /** Pictures that may be decoded now. Throws Refused and RemoteProtocolError. @param {Incoming} track @param {Opened}
   * one */
  _frame(track, one) {
    const { whole, preamble } = one;
    if (!preamble.key) {
      if (track.group) {
        this._order(track, [one]);
        return;
      }
      track.early = [...track.early.slice(1 - EARLY), one];
      if (track.other && track.other.shown >= 0 && track.other.shown < preamble.capturedUs) track.earlySince ??= one.opened;
      return;
    }
    checkSize(preamble.width, preamble.height);
    checkSize(...preamble.desktop);
    const { other } = track;
    if (other?.group && preamble.capturedUs <= other.shown) return; // the other track's pictures have gone on from a newer one
    track.group ??= preamble;
    if (track.track.dependent) track.reassembler.forgetBefore(whole.number);
    if (other) {
      rest(other);
      other.group = null;
      other.early = [];
    }
    const early = track.early.filter((other) => other.whole.number > whole.number);
    track.early = [];
    track.earlySince = null;
    this._order(track, [one, ...early]);
  }

  /** Give out the frames that may be decoded now that these are there. @param {Incoming} track @param {Opened[]} several
   * */
  _order(track, several) {
    /** @type {ReceivedFrame[]} */
    const ready = [];
    for (const one of several) {
      this.received++;
      const { number } = one.whole;
      const now = track.track.dependent ? track.ordering.add(number, one.preamble.depends, one, one.opened) : [one];
      for (const each of now) ready.push(this._ready(track, each));
    }
    if (ready.length) this._owner.frames(ready);
  }

  /** One whose turn it is, and with that the one of its group: others may have come before their key object. Throws
   * RemoteProtocolError. @param {Incoming} track @param {Opened} one @returns {ReceivedFrame} */
  _ready(track, { whole, preamble, data, opened }) {
    if (preamble.key) track.group = preamble;
    const group = /** @type {Preamble} */ (track.group);
    if (!shows(preamble, group)) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "a picture leaves its place");
    checkBitstream(data, group, preamble.key);
    track.shown = preamble.capturedUs;
    const { codec, width, height, chroma, desktop, place } = group;
    return {
      track: track.track.id, number: whole.number, preamble, data, size: whole.sealed.length,
      codec, width, height, chroma, desktop, place, first: whole.first, last: whole.last, opened,
    };
  }

  /** [track, first object that can't be decoded] of every track that must recover now; asked at most once per track in
   * 300 ms or what an answer takes. @param {number} now @returns {[number, number][]} */
  recoveries(now) {
    /** @type {[number, number][]} */
    const out = [];
    for (const [number, track] of this._tracks) {
      this.lost += track.reassembler.incomplete(now).length;
      const early = track.earlySince !== null && now >= track.earlySince + this._patience.dependency;
      const stuck = early ? track.early[0].whole.number : track.ordering.stuck(now);
      if (stuck !== null && now - track.asked >= this._patience.answer) {
        track.asked = now;
        out.push([number, stuck]);
      }
    }
    return out;
  }

  /** [track, rows of first and last object] of what the host is to show again; asked at most once per track in 300 ms
   * or what an answer takes. @param {number} now @returns {[number, Row[]][]} */
  missing(now) {
    /** @type {[number, Row[]][]} */
    const out = [];
    for (const [number, track] of this._tracks) {
      if (!track.gaps || !track.wanted || now - track.asked < this._patience.answer) continue;
      const rows = track.gaps.due(now, this._patience.dependency);
      if (!rows.length) continue;
      track.asked = now;
      out.push([number, rows]);
    }
    return out;
  }

  /** When `recoveries` or `missing` may have something new to say; null when never. @param {number} now @returns {number | null} */
  nextCheck(now) {
    let next = null;
    for (const track of this._tracks.values()) {
      const asks = track.gaps && track.wanted ? track.gaps.nextCheck(this._patience.dependency) : null;
      const early = track.earlySince === null ? null : track.earlySince + this._patience.dependency;
      const check = track.gaps ? asks : early ?? track.ordering.nextCheck();
      if (check !== null) next = Math.min(next ?? Infinity, Math.max(check, track.asked + this._patience.answer, now));
    }
    return next;
  }

  /** Whether a track is sent to us: what is not is not missing. @param {number} track @param {boolean} wanted */
  want(track, wanted) {
    const found = this._tracks.get(track);
    if (found) found.wanted = wanted;
  }

  /** An object could not be used, as what it copies is not known: it is missing. @param {number} track @param {number}
   * number @param {number} now */
  leftOut(track, number, now) {
    this._tracks.get(track)?.gaps?.leftOut(number, now);
  }

  /** The host shows again what these objects showed, in objects after `newest`. @param {number} track @param {Row[]}
   * rows @param {number} newest */
  replaced(track, rows, newest) {
    const found = this._tracks.get(track);
    if (!found?.gaps) return;
    found.gaps.replaced(rows);
    found.barrier = Math.max(found.barrier, newest);
  }

  /** Whether all that the host has to show has come as exact pixels, as far as is known. @param {number} track */
  allSent(track) {
    const found = this._tracks.get(track);
    if (!found?.gaps) return false;
    const { gaps, settled, barrier } = found;
    return settled > barrier && gaps.newest === settled && !gaps.lacks(settled);
  }

  /** Every pixel is exact: no picture that has not come is missed. @param {number} track */
  rest(track) {
    const found = this._tracks.get(track);
    if (!found) return;
    rest(found);
    if (found.other) rest(found.other);
  }

  /** The newest object handed out of a track, -1 before any. @param {number} track */
  decoded(track) {
    return this._tracks.get(track)?.ordering.last ?? -1;
  }

  /** The host has sent up to `newest`: should that never arrive, the last objects before a pause were lost whole.
   * @param {number} track @param {number} newest @param {boolean} settled  with that, all was sent as exact pixels
   * @param {number} now */
  beacon(track, newest, settled, now) {
    const found = this._tracks.get(track);
    if (found?.gaps && found.wanted) {
      found.gaps.told(newest, now);
      if (settled) found.settled = Math.max(found.settled, newest);
    }
    if (found?.track.dependent && !resting(found) && (!found.awaited || this.decoded(track) >= found.awaited.number)) {
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

/** No picture of a track that has not come is missed. @param {Incoming} track */
function rest(track) {
  track.ordering.forgetWaiting();
  track.awaited = null;
  track.earlySince = null;
}

/** Whether the other track of the same pictures is the one that is shown. @param {Incoming} track */
function resting({ other, group, track }) {
  return Boolean(other && !group && (other.group || track.kind === TRACK_KIND.LOWER));
}

/** Whether two descriptions of tracks say the same. @param {import("../../media/track.js").Track} one
 * @param {import("../../media/track.js").Track} other */
function same(one, other) {
  return one.kind === other.kind && one.priority === other.priority && one.lifetime === other.lifetime && one.entry === other.entry && one.first === other.first;
}

/** @param {import("../../media/track.js").Track} track @returns {Incoming} */
function incoming(track) {
  return {
    track, reassembler: new Reassembler(), ordering: new Ordering(), group: null, early: [], earlySince: null, other: null, shown: -1, asked: -Infinity, awaited: null,
    gaps: track.entry === TRACK_ENTRY.ASKED ? new Gaps(track.first) : null, wanted: true, settled: -1, barrier: -1, tail: Promise.resolve(),
  };
}
