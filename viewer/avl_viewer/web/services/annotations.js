/**
 * Annotations: what is drawn over the picture, by others and by us (spec 04-session, 4.10).
 */

import { MAX, TIMER } from "../wire/registry.js";

/** @typedef {[number, number]} Place */

/** Sends strokes in parts, and shows ours at once; `own` is the number under which others know us. */
export class AnnotationsService {
  /** @param {(message: Record<string, any>) => void} tell @param {() => number} own */
  constructor(tell, own) {
    this._tell = tell;
    this._own = own;
    /** @type {import("../session/services.js").ViewerSession | null} */
    this._session = null;
    /** The number of our newest stroke, how many points it has, its last one, and points that were not sent yet. */
    this._stroke = 0;
    this._length = 0;
    /** @type {Place | null} */
    this._last = null;
    /** @type {[number, Place][]} */
    this._waits = [];
    this._free = 0;
  }

  /** We draw there from now on. @param {import("../session/services.js").ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._waits = [];
  }

  /** Nobody sees what we draw. */
  ended() {
    this._session = null;
    this._waits = [];
  }

  /** Somebody else draws, or has wiped something away. @param {any} message */
  told(message) {
    this._tell({ say: "mark", mark: message });
  }

  /** Go on with our stroke, or begin another. A stroke that has become too long goes on as the next one. @param {Place}
   * point @param {boolean} begins @param {number} now */
  draw(point, begins, now) {
    if (!this._session) return;
    if (begins) this._begin();
    if (this._last && point[0] === this._last[0] && point[1] === this._last[1]) return;
    if (this._length === MAX.STROKE_POINTS && this._last) {
      const last = this._last;
      this._begin();
      this._add(last);
    }
    this._add(point);
    this.handleTimer(now);
  }

  _begin() {
    this._stroke += 1;
    this._length = 0;
    this._last = null;
  }

  /** @param {Place} point */
  _add(point) {
    this._length += 1;
    this._last = point;
    this._waits.push([this._stroke, point]);
    this._tell({ say: "mark", mark: { kind: "DRAWN", person: this._own(), stroke: this._stroke, points: [point] } });
  }

  /** Wipe away what we drew, or what all did. @param {boolean} everybody */
  clear(everybody) {
    this._waits = [];
    this._session?.send("CLEAR", { everybody });
    this._tell({ say: "mark", mark: { kind: "CLEARED", person: everybody ? 0 : this._own() } });
  }

  nextTimeout() {
    return this._waits.length ? this._free : null;
  }

  /** Send what waits, if it is time: one part of each stroke. @param {number} now */
  handleTimer(now) {
    if (!this._waits.length || now < this._free) return;
    this._free = now + TIMER.POINTING;
    /** @type {Map<number, Place[]>} */
    const parts = new Map();
    for (const [stroke, point] of this._waits) parts.set(stroke, [...(parts.get(stroke) ?? []), point]);
    this._waits = [];
    for (const [stroke, points] of parts) {
      for (let at = 0; at < points.length; at += MAX.STROKE_PART) this._session?.send("STROKE", { stroke, points: points.slice(at, at + MAX.STROKE_PART) });
    }
  }
}
