/**
 * JitterBuffer: packets of sound between the network and the loudspeaker (spec 16-sound, 16.3).
 *
 * What plays asks for the next 10 ms and says when they will be heard. The buffer answers with what to make them of, and
 * how much faster or slower to play, so that the delay from capture to loudspeaker stays at its target: as short as the
 * jitter allows, and no shorter than that of the film which the sound belongs to. Times are milliseconds of our clock.
 */

import { TIMER } from "../wire/registry.js";
import { PACKET } from "./sound.js";

/** Packets whose delays are remembered, the share of them that may be late, and milliseconds that are waited beyond it. */
const REMEMBERED = 1000;
const LATE = 0.003;
const MARGIN = 3;
/** While fewer packets than this are known, so many milliseconds more are waited. */
const FEW = 50;
const UNKNOWN = 10;
/** Milliseconds that the delay may be too short before a packet is made up, or, where one is missing anyway, before what
 * is made up does not stand in for it; and too long before one is left out; and packets between two that are left out. */
const TOO_SHORT = 20;
const SHORT = 6;
const TOO_LONG = 30;
const APART = 5;
/** Milliseconds that the delay may be too long before all of that is left out at once. */
const JUMP = 500;
/** Packets made up in a row before there is silence. */
const CONCEALED = 12;
/** How much of a wrong delay is made good in a second, and the most by which the speed may differ for that. */
const GAIN = 1;
const MOST = 0.005;
/** The same of what was made of packets and waits to be played, while nothing is wrong; and milliseconds of it that may. */
const LEFT_GAIN = 0.1;
const LEFT = 1;
/** Weight of one packet in what is known of the host's sound clock, and milliseconds by which it may be wrong before it is
 * taken to have been set. */
const WEIGHT = 0.02;
const SET = 50;
/** Milliseconds for which a film's delay holds after its last picture. */
const HOLDS = 1000;
/** Packets that were missing, remembered to tell a late one from one that came twice. */
const MISSED = 64;
/** Packets that wait at most: what is older than that will not be played any more. */
const WAITING = 200;

/** What the next 10 ms are made of: nothing; a packet; what was played before, as a packet is missing; two packets, the
 * first fading into the second, as the delay is too long. */
export const Play = Object.freeze({ SILENCE: "SILENCE", PACKET: "PACKET", CONCEAL: "CONCEAL", TWO: "TWO" });

const NOTHING = new Uint8Array(0);

/**
 * @typedef {object} Step  The next 10 ms.
 * @property {string} play
 * @property {Uint8Array} packet  what is played; with CONCEAL the packet behind that which is missing, or empty
 * @property {Uint8Array} after  the second of TWO
 * @property {number} speed  how many seconds of sound to play in a second
 */

/** @param {string} play @param {Uint8Array} [packet] @param {Uint8Array} [after] @param {number} [speed] @returns {Step} */
function stepOf(play, packet = NOTHING, after = NOTHING, speed = 1) {
  return { play, packet, after, speed };
}

/** Where `value` stands, or would, in an ascending list. @param {number[]} list @param {number} value */
function placeOf(list, value) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How fast to play where the delay is so much too long. Packets are taken whole, one in 10 ms: what plays can be so much later
 * than the slowest of them asks for, but not a bit earlier. @param {number} wrong @param {number} left */
function speedOf(wrong, left) {
  if (wrong >= 0 && wrong <= PACKET) return 1 + Math.min(MOST, (Math.max(0, left - LEFT) / 1000) * LEFT_GAIN);
  const beyond = wrong < 0 ? wrong : wrong - PACKET;
  return 1 + Math.max(-MOST, Math.min(MOST, (beyond / 1000) * GAIN));
}

/** One session's sound. */
export class JitterBuffer {
  constructor() {
    /** @type {Map<number, Uint8Array>} */
    this._packets = new Map();
    /** The packet whose turn it is; null: silence. All before `_floor` had their turn. @type {number | null} */
    this._next = null;
    this._floor = 0;
    /** The last one before a silence that was announced. @type {number | null} */
    this._last = null;
    /** When position 0 was captured, as told of late. @type {number | null} */
    this._epoch = null;
    /** @type {number[]} */
    this._order = [];
    /** The same, ascending. @type {number[]} */
    this._delays = [];
    /** @type {number[]} */
    this._missed = [];
    this._concealed = 0;
    this._sinceLeftOut = 0;
    this._film = 0;
    this._filmUntil = -Infinity;
    /** How long before it is heard a packet has to be here. */
    this._lead = 0;
    /** How long after its capture the sound was heard that was asked for last. @type {number | null} */
    this.delay = null;
    /** Packets so far. */
    this.heard = { received: 0, played: 0, concealed: 0, late: 0 };
  }

  /** Packets that wait for their turn. */
  get waiting() {
    return this._packets.size;
  }

  /** What waits is not to be played. */
  drop() {
    this._packets.clear();
    this._next = this._last = null;
  }

  /** An object came. `captured`: of its newest packet, in our clock. @param {Omit<import("./sound.js").Sound, "capturedUs">}
   * sound @param {number} captured @param {number} arrived */
  put({ position, packets, silence }, captured, arrived) {
    const told = captured - position * PACKET;
    if (this._epoch === null || Math.abs(told - this._epoch) > SET) this._beginAnew(told);
    else this._epoch += (told - this._epoch) * WEIGHT;
    packets.forEach((packet, at) => this._put(position - packets.length + 1 + at, packet, arrived));
    if (silence) this._last = Math.max(position, this._last ?? 0);
    else if (this._last !== null && position > this._last) this._last = null;
  }

  /** The host's sound has another clock: what was known of its delays says nothing. @param {number} epoch */
  _beginAnew(epoch) {
    this._epoch = epoch;
    this._order = [];
    this._delays = [];
    this._packets.clear();
    this._next = this._last = null;
  }

  /** @param {number} position @param {Uint8Array} packet @param {number} arrived */
  _put(position, packet, arrived) {
    if (this._packets.has(position)) return;
    const gone = position < this._floor;
    const missed = this._missed.indexOf(position);
    if (gone && missed < 0) return; // it was played, or is older than anything that matters
    this.heard.received += 1;
    this._note(arrived - this._captured(position));
    if (gone) {
      this._missed.splice(missed, 1);
      this.heard.late += 1;
      return;
    }
    this._packets.set(position, packet);
    if (this._packets.size > WAITING) this._packets.delete(this._first());
  }

  /** @param {number} delay */
  _note(delay) {
    this._order.push(delay);
    this._delays.splice(placeOf(this._delays, delay), 0, delay);
    if (this._order.length > REMEMBERED) this._delays.splice(placeOf(this._delays, /** @type {number} */ (this._order.shift())), 1);
  }

  _first() {
    return Math.min(...this._packets.keys());
  }

  /** @param {number} position */
  _captured(position) {
    return /** @type {number} */ (this._epoch) + position * PACKET;
  }

  /** Pictures are shown so long after their capture. @param {number} delay @param {number} now */
  film(delay, now) {
    this._film = delay;
    this._filmUntil = now + HOLDS;
  }

  /** Milliseconds from capture to loudspeaker that are wanted. @param {number} now */
  target(now) {
    let wanted = 0;
    const known = this._delays.length;
    if (known) wanted = this._delays[known - 1 - Math.floor(known * LATE)] + this._lead + MARGIN + (known < FEW ? UNKNOWN : 0);
    if (now < this._filmUntil) wanted = Math.max(wanted, this._film);
    return Math.min(wanted, TIMER.SOUND_DELAY);
  }

  /** What to play next, which will be heard at `heardAt`; `left`: so many milliseconds of what was taken before are heard
   * first. @param {number} heardAt @param {number} now @param {number} left @returns {Step} */
  step(heardAt, now, left = 0) {
    this._lead = heardAt - now;
    if (this._next === null && !this._begin(heardAt, now)) return stepOf(Play.SILENCE);
    let next = /** @type {number} */ (this._next);
    if (this._last !== null && next > this._last) return this._rest();
    this.delay = heardAt - this._captured(next);
    const wrong = this.delay - this.target(now);
    if (wrong > JUMP) next = this._jump(next, wrong);
    const speed = speedOf(wrong, left);
    this._sinceLeftOut += 1;
    const short = this._packets.has(next) ? TOO_SHORT : SHORT;
    if (wrong < -short && this._concealed < CONCEALED) {
      this._concealed += 1;
      this.heard.concealed += 1;
      return stepOf(Play.CONCEAL);
    }
    const packet = this._turn(next);
    if (!packet) return this._missing(next + 1, speed);
    this._concealed = 0;
    this.heard.played += 1;
    if (wrong > TOO_LONG && this._sinceLeftOut >= APART && this._packets.has(next + 1)) {
      this._sinceLeftOut = 0;
      return stepOf(Play.TWO, packet, this._turn(next + 1), speed);
    }
    return stepOf(Play.PACKET, packet, NOTHING, speed);
  }

  /** The packet whose turn it is; it has had that. @param {number} next */
  _turn(next) {
    this._next = this._floor = next + 1;
    const packet = this._packets.get(next);
    this._packets.delete(next);
    return packet;
  }

  /** Whether it is the first packet's turn, after a silence. @param {number} heardAt @param {number} now */
  _begin(heardAt, now) {
    if (!this._packets.size) return false;
    const first = this._first();
    if (heardAt < this._captured(first) + this.target(now)) return false;
    this._next = first;
    this._concealed = this._sinceLeftOut = 0;
    return true;
  }

  /** There is silence until more comes. */
  _rest() {
    this._next = this._last = null;
    return stepOf(Play.SILENCE);
  }

  /** Nobody asked for sound for so long: go on with what is due by now, or with what comes next: a time that was wrong
   * once must not make late what is not. @param {number} next @param {number} wrong */
  _jump(next, wrong) {
    const due = Math.min(next + Math.floor(wrong / PACKET), Math.max(next - 1, ...this._packets.keys()) + 1);
    for (const position of this._packets.keys()) if (position < due) this._packets.delete(position);
    this._next = this._floor = due;
    return due;
  }

  /** @param {number} next  the packet behind the missing one @param {number} speed */
  _missing(next, speed) {
    if (!this._packets.size && this._concealed >= CONCEALED) return this._rest();
    this._concealed += 1;
    this.heard.concealed += 1;
    this._missed.push(next - 1);
    if (this._missed.length > MISSED) this._missed.shift();
    return stepOf(Play.CONCEAL, this._packets.get(next), NOTHING, speed);
  }
}
