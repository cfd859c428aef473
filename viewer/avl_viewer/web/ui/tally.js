/**
 * Tally: counts lost input, and tells a person in one sentence (spec 04-session, 4.6).
 */

import { MODIFIER_KEYS } from "../input/keys.js";
import { Fate } from "../session/input/ledger.js";
import { INPUT, PEN_STATE, TOUCH_PHASE } from "../wire/registry.js";

/** @typedef {import("../session/input/ledger.js").Dropped} Dropped @typedef
 * {import("../session/input/outbox.js").InputEvent} InputEvent */

const NAMES = [
  ["key", "keys"], ["click", "clicks"], ["turn of the wheel", "turns of the wheel"], ["touch", "touches"], ["movement", "movements"],
];

/** Counts until it is cleared. */
export class Tally {
  constructor() {
    /** @type {number[]} */
    this._lost = nothing();
    /** @type {Map<number, number[]>} */
    this._unsure = new Map();
  }

  /** This came to nothing; what was unsure until now may have been decided. @param {Dropped[]} dropped */
  add(dropped) {
    for (const { sequence, events, fate } of dropped) {
      if (fate === Fate.UNCONFIRMED) {
        this._unsure.set(sequence, counted(events));
      } else {
        this._unsure.delete(sequence);
        this._lost = sum(this._lost, counted(events));
      }
    }
  }

  /** It has been told. */
  clear() {
    this._lost = nothing();
    this._unsure.clear();
  }

  /** A message for a person; empty if there is none. */
  sentence() {
    const unsure = [...this._unsure.values()].reduce(sum, nothing());
    const told = [];
    if (this._lost.some(Boolean)) told.push(`${named(this._lost)} did not reach the desktop in time: not sent.`);
    if (unsure.some(Boolean)) told.push(`The host has not confirmed ${named(unsure)}.`);
    return told.join(" ");
  }
}

function nothing() {
  return NAMES.map(() => 0);
}

/** Keys and characters, clicks, turns of the wheel, touches, movements that no later one makes up for; Shift and the like
 * are no keys of their own. @param {InputEvent[]}
 * events */
export function counted(events) {
  const counts = nothing();
  for (const [kind, what, down, , , , state] of events) {
    if (kind === INPUT.TEXT) counts[0] += [...String(what)].length;
    else if (kind === INPUT.KEY && down && !MODIFIER_KEYS.has(Number(what))) counts[0]++;
    else if (kind === INPUT.BUTTON && down) counts[1]++;
    else if (kind === INPUT.WHEEL) counts[2]++;
    else if (kind === INPUT.TOUCH && down === TOUCH_PHASE.BEGIN) counts[3]++;
    else if (kind === INPUT.MOVE_BY || (kind === INPUT.PEN && Number(state) & PEN_STATE.TIP)) counts[4]++;
  }
  return counts;
}

/** @param {number[]} one @param {number[]} other */
function sum(one, other) {
  return one.map((count, at) => count + other[at]);
}

/** @param {number[]} counts */
function named(counts) {
  const parts = counts.flatMap((count, at) => (count ? [`${count} ${NAMES[at][count === 1 ? 0 : 1]}`] : []));
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts.join("");
}
