/**
 * Marks: others' pointers and everybody's strokes, as a viewer keeps them to draw them over the picture (spec
 * 04-session, 4.10). They fade by themselves, and are bounded whatever a host says.
 */

import { MAX, TIMER } from "../wire/registry.js";

/** Milliseconds in which a pointer or stroke fades, before it is gone, and between two steps of it. */
export const FADING = 1000;
const STEP = 100;
/** Points of one person that are kept: no more can be there by the host's own rules. */
const MOST = MAX.DRAWN_POINTS + Math.round((MAX.DRAWN_RATE * TIMER.STROKE) / 1000);

/**
 * @typedef {number[]} Place  x, y
 * @typedef {{ person: number, x: number, y: number, laser: boolean, opacity: number }} PointerMark  A pointer, in desktop
 * pixels. `opacity`: 1 while it is new, 0 when it is gone.
 * @typedef {{ person: number, points: Place[], opacity: number }} StrokeMark
 */

/** What is there now. Times are milliseconds of the caller's clock. */
export class Marks {
  constructor() {
    /** @type {Map<number, { x: number, y: number, laser: boolean, at: number }>} */
    this._pointers = new Map();
    /** Person -> its strokes by number, the oldest first. @type {Map<number, Map<number, { points: Place[], at: number
     * }>>} */
    this._strokes = new Map();
  }

  /** The host has told this (POINTS, DRAWN or CLEARED); what is no mark is left out. @param {any} mark @param {number}
   * now */
  take(mark, now) {
    this._fade(now);
    if (mark.kind === "POINTS") {
      for (const row of mark.rows) {
        const [person, x, y, laser] = row;
        if (row.length === 4 && isPlace([x, y]) && room(this._pointers, person)) this._pointers.set(person, { x, y, laser: Boolean(laser), at: now });
      }
    } else if (mark.kind === "DRAWN") {
      this._drawn(mark, now);
    } else if (mark.person) {
      this._strokes.delete(mark.person);
    } else {
      this._strokes.clear();
    }
  }

  /** @param {{ person: number, stroke: number, points: Place[] }} mark @param {number} now */
  _drawn({ person, stroke, points }, now) {
    if (!points.length || !points.every(isPlace) || !room(this._strokes, person)) return;
    const strokes = this._strokes.get(person) ?? new Map();
    this._strokes.set(person, strokes);
    strokes.set(stroke, { points: [...(strokes.get(stroke)?.points ?? []), ...points].slice(0, MAX.STROKE_POINTS), at: now });
    let kept = 0;
    for (const one of strokes.values()) kept += one.points.length;
    for (const [number, one] of strokes) {
      if (kept <= MOST) break;
      kept -= one.points.length;
      strokes.delete(number);
    }
  }

  /** Nothing is there any more: another session begins. */
  clear() {
    this._pointers.clear();
    this._strokes.clear();
  }

  /** Pointers to draw. @param {number} now @returns {PointerMark[]} */
  pointers(now) {
    const all = [...this._pointers].map(([person, { x, y, laser, at }]) => ({ person, x, y, laser, opacity: opacity(at + TIMER.POINTED, now) }));
    return all.filter((one) => one.opacity > 0);
  }

  /** Strokes to draw. @param {number} now @returns {StrokeMark[]} */
  strokes(now) {
    const all = [...this._strokes].flatMap(([person, strokes]) =>
      [...strokes.values()].map(({ points, at }) => ({ person, points, opacity: opacity(at + TIMER.STROKE, now) })),
    );
    return all.filter((one) => one.opacity > 0);
  }

  /** When something looks another way than now though nobody does anything; null: never. @param {number} now @returns
   * {number | null} */
  nextChange(now) {
    this._fade(now);
    const ends = [...this._pointers.values()].map(({ at }) => at + TIMER.POINTED);
    for (const strokes of this._strokes.values()) for (const { at } of strokes.values()) ends.push(at + TIMER.STROKE);
    return ends.length ? Math.min(...ends.map((end) => Math.max(end - FADING, now + STEP))) : null;
  }

  /** @param {number} now */
  _fade(now) {
    for (const [person, { at }] of this._pointers) if (now >= at + TIMER.POINTED) this._pointers.delete(person);
    for (const [person, strokes] of this._strokes) {
      for (const [number, { at }] of strokes) if (now >= at + TIMER.STROKE) strokes.delete(number);
      if (!strokes.size) this._strokes.delete(person);
    }
  }
}

/** @param {number} end @param {number} now */
function opacity(end, now) {
  return Math.max(0, Math.min(1, (end - now) / FADING));
}

/** @param {Place} place */
function isPlace(place) {
  return place.length === 2 && place.every((value) => typeof value === "number" && value >= 0 && value < MAX.PICTURE_SIDE);
}

/** @param {Map<number, any>} table @param {number} person */
function room(table, person) {
  return table.has(person) || table.size < MAX.PEOPLE;
}
