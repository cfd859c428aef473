/**
 * InputOutbox: input on its way out, numbered, coalesced, and forgotten when it has waited too long (spec 04-session,
 * 4.6).
 */

import { INPUT, PEN_STATE, TIMER, TOUCH_PHASE } from "../../wire/registry.js";
import { Fate } from "./ledger.js";

/** Events of one batch; a record holds at least this many. */
const BATCH = 64;
/** Characters of one TEXT event. */
const TEXT = 1024;
/** Milliseconds between the first and the last event of one batch: it carries one time for all. */
const MOMENT = 50;

/**
 * @typedef {(number | boolean | string)[]} InputEvent  A row of (INPUT kind, ...).
 * @typedef {import("./ledger.js").Dropped} Dropped
 * @typedef {{ sequence: number, made: number, events: InputEvent[] }} Waiting  A batch that has not left; `made`: when
 * its first event was, in milliseconds of our clock.
 */

/** Events that have not left yet. */
export class InputOutbox {
  /** Bytes the hop may have in flight before moves wait and coalesce. */
  room = 4096;

  constructor() {
    /** @type {Waiting[]} */
    this._waiting = [];
    this._sequence = 0;
    /** @type {Set<string>} */
    this._held = new Set();
    /** Events that were too old to be sent, in all. */
    this.discarded = 0;
  }

  /** Whether something waits. */
  get pending() {
    return this._waiting.length > 0;
  }

  /** Whether a key or button, a finger or a pen is down. */
  get holds() {
    return this._held.size > 0;
  }

  /** Queue events made at `now`; the sequence number of the batch that will carry the last of them.
   * @param {InputEvent[]} events @param {number} now */
  add(events, now) {
    for (const event of events) {
      const kind = event[0];
      const last = this._waiting.at(-1);
      if (kind === INPUT.MOVE && last?.events.at(-1)?.[0] === INPUT.MOVE) {
        last.events[last.events.length - 1] = event;
        if (last.events.length === 1) last.made = now;
        continue;
      }
      if (last && now - last.made <= MOMENT && joined(last.events, event)) continue;
      if (kind === INPUT.TEXT && String(event[1]).length > TEXT) {
        for (const part of pieces([...String(event[1])])) this._append([kind, part], now);
        continue;
      }
      if (kind === INPUT.KEY || kind === INPUT.BUTTON) {
        this._keep(`${kind} ${event[1]}`, Boolean(event[2]));
      } else if (kind === INPUT.TOUCH) {
        this._keep(`${kind} ${event[1]}`, event[2] !== TOUCH_PHASE.END);
      } else if (kind === INPUT.PEN) {
        this._keep(`${kind}`, Boolean(Number(event[6]) & PEN_STATE.TIP));
      } else if (kind === INPUT.RELEASE_ALL) {
        this._held.clear();
      }
      this._append(event, now);
    }
    return this._sequence;
  }

  /** @param {string} what @param {boolean} down */
  _keep(what, down) {
    if (down) this._held.add(what);
    else this._held.delete(what);
  }

  /** @param {InputEvent} event @param {number} now */
  _append(event, now) {
    const last = this._waiting.at(-1);
    if (last && fits(last, event, now)) last.events.push(event);
    else this._waiting.push({ sequence: ++this._sequence, made: now, events: [event] });
  }

  /** Say that what is held stays held. @param {number} now */
  hold(now) {
    if (this._held.size && !this._waiting.length) this._append([INPUT.HOLDING], now);
  }

  /** Forget input that would come too late (R-PATH-18), and return it. @param {number} now @returns {Dropped[]} */
  expire(now) {
    /** @type {Dropped[]} */
    const lost = [];
    for (const batch of this._waiting) {
      const gone = batch.events.filter((event) => now >= batch.made + life(event));
      if (!gone.length) continue;
      this.discarded += gone.length;
      lost.push({ sequence: batch.sequence, events: gone, fate: Fate.UNSENT });
      batch.events = batch.events.filter((event) => !gone.includes(event));
    }
    this._waiting = this._waiting.filter(({ events }) => events.length);
    return lost;
  }

  /** When `expire` will next have something to forget; null: never. @returns {number | null} */
  due() {
    const ends = this._waiting.flatMap(({ made, events }) => events.map((event) => made + life(event))).filter(Number.isFinite);
    return ends.length ? Math.min(...ends) : null;
  }

  /** The first batch of what waits. Only while `pending`. @returns {Waiting} */
  take() {
    return /** @type {Waiting} */ (this._waiting.shift());
  }

  /** Forget all input that waits or is held, and return it. The host is told to let go of everything: a press may be on
   * its way to it whose release is forgotten here. @param {number} now @returns {Dropped[]} */
  clear(now) {
    const lost = this._waiting
      .map(({ sequence, events }) => ({ sequence, events: events.filter(([kind]) => kind !== INPUT.HOLDING), fate: Fate.UNSENT }))
      .filter(({ events }) => events.length);
    this.discarded += lost.reduce((sum, { events }) => sum + events.length, 0);
    this._waiting = [];
    if (lost.length || this._held.size) {
      this._held.clear();
      this._append([INPUT.RELEASE_ALL], now);
    }
    return lost;
  }
}

/** Whether an event belongs to the same moment and record: a TEXT travels alone, so that a record holds it.
 * @param {Waiting} batch @param {InputEvent} event @param {number} now */
function fits(batch, event, now) {
  if (batch.events.length >= BATCH || now - batch.made > MOMENT) return false;
  return event[0] !== INPUT.TEXT && batch.events.at(-1)?.[0] !== INPUT.TEXT;
}

/** Whether an event has become one with those that wait: a movement added, a newer place of the same finger or of a pen
 * in the air. @param {InputEvent[]} events @param {InputEvent} event */
function joined(events, event) {
  const kind = event[0];
  if (kind === INPUT.TOUCH && event[2] === TOUCH_PHASE.MOVE) {
    for (let at = events.length - 1; at >= 0; at--) {
      const [other, contact, phase] = events[at];
      if (other !== INPUT.TOUCH || phase !== TOUCH_PHASE.MOVE) return false;
      if (contact === event[1]) {
        events[at] = event;
        return true;
      }
    }
    return false;
  }
  const last = events[events.length - 1];
  if (last[0] !== kind) return false;
  if (kind === INPUT.MOVE_BY) {
    events[events.length - 1] = [kind, Number(last[1]) + Number(event[1]), Number(last[2]) + Number(event[2])];
    return true;
  }
  if (kind === INPUT.PEN && last[6] === event[6] && !(Number(event[6]) & PEN_STATE.TIP)) {
    events[events.length - 1] = event;
    return true;
  }
  return false;
}

/** Milliseconds for which an event means what its maker meant: letting go, and still holding, always do. @param
 * {InputEvent} event */
function life(event) {
  const kind = event[0];
  if (kind === INPUT.RELEASE_ALL || kind === INPUT.HOLDING) return Infinity;
  if ((kind === INPUT.KEY || kind === INPUT.BUTTON) && event[2] === false) return Infinity;
  if (kind === INPUT.TOUCH && event[2] === TOUCH_PHASE.END) return Infinity;
  if (kind === INPUT.PEN && !(Number(event[6]) & PEN_STATE.TIP)) return Infinity;
  return kind === INPUT.MOVE ? TIMER.INPUT_OLD : TIMER.INPUT_OLD_PRESS;
}

/** Characters as texts of at most TEXT. @param {string[]} characters */
function* pieces(characters) {
  for (let at = 0; at < characters.length; at += TEXT) yield characters.slice(at, at + TEXT).join("");
}
