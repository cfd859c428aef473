/**
 * Fetching: the content of a clipboard on its way from the end that offered it to the end where somebody pastes
 * (spec 04-session, 4.7).
 *
 * Giver and Taker are the two ends of it; a session has one of each at both ends. What leaves is bounded by what has
 * arrived, so that a large picture holds up neither texts nor the desktop's pictures. What is sent without a path waits
 * in its channel.
 */

import { CLIPBOARD_STATE, MAX, TIMER } from "../wire/registry.js";

const KNOWN = new Set(Object.values(CLIPBOARD_STATE));

/**
 * @typedef {(kind: string, fields: Record<string, any>) => void} Send
 *
 * @typedef {object} Fetched  What a fetch comes to: `data`, or (`state`) why it is not to be had.
 * @property {number} state  TEXT where there is data
 * @property {Uint8Array} [data]
 *
 * @typedef {object} Given  A fetch of the other end: what it gets (null: it is being read), how much of it left, and how
 * much arrived.
 * @property {Fetched | null} result
 * @property {number} sent
 * @property {number} taken
 *
 * @typedef {object} Wanted  A fetch of ours.
 * @property {number} most
 * @property {(result: Fetched) => void} done
 * @property {number} until
 * @property {Uint8Array[]} parts
 * @property {number} had
 * @property {number | null} size
 */

/** Gives what the other end fetches. */
export class Giver {
  /** @param {Send} send */
  constructor(send) {
    this._send = send;
    /** @type {Map<number, Given>} */
    this._running = new Map();
  }

  /** The other end fetches; false for one too many, which is answered already (R-SESS-294), and for a number that runs.
   * Else `give` follows. @param {number} fetch */
  begin(fetch) {
    if (this._running.has(fetch)) return false;
    this._running.set(fetch, { result: null, sent: 0, taken: 0 });
    if (this._running.size <= MAX.CLIPBOARD_FETCHES) return true;
    this.give(fetch, { state: CLIPBOARD_STATE.NO_ANSWER });
    return false;
  }

  /** Give this, if it is still wanted. @param {number} fetch @param {Fetched} result */
  give(fetch, result) {
    const given = this._running.get(fetch);
    if (!given || given.result) return;
    given.result = (result.data?.length ?? 0) > MAX.CLIPBOARD_DATA ? { state: CLIPBOARD_STATE.TOO_LARGE } : result;
    this._goOn(fetch, given);
  }

  /** So much has arrived: more may leave. @param {{ fetch: number, taken: number }} message */
  taken({ fetch, taken }) {
    const given = this._running.get(fetch);
    if (!given || taken <= given.taken || taken > given.sent) return;
    given.taken = taken;
    this._goOn(fetch, given);
  }

  /** It is not wanted any more. @param {{ fetch: number }} message */
  stop({ fetch }) {
    this._running.delete(fetch);
  }

  /** The session is over. */
  clear() {
    this._running.clear();
  }

  /** @param {number} fetch @param {Given} given */
  _goOn(fetch, given) {
    const { data, state } = given.result ?? {};
    if (state === undefined) return;
    while (data && given.sent < data.length) {
      const room = Math.min(MAX.CLIPBOARD_PART, given.taken + MAX.CLIPBOARD_WINDOW - given.sent);
      if (room <= 0) return;
      const piece = data.subarray(given.sent, given.sent + room);
      this._send("CLIPBOARD_PART", { fetch, data: piece, size: data.length });
      given.sent += piece.length;
    }
    this._running.delete(fetch);
    this._send("CLIPBOARD_DONE", { fetch, state });
  }
}

/** Fetches from the other end. Times are milliseconds. */
export class Taker {
  /** @param {Send} send */
  constructor(send) {
    this._send = send;
    this._count = 0;
    /** @type {Map<number, Wanted>} */
    this._running = new Map();
  }

  /** Fetch at most `most` bytes; `done` is called with them, or with why there are none: at once where too much is fetched
   * already. Its number. @param {number} serial @param {string} format @param {number} most @param {number} now @param {(result:
   * Fetched) => void} done */
  fetch(serial, format, most, now, done) {
    const fetch = ++this._count;
    if (this._running.size >= MAX.CLIPBOARD_FETCHES) {
      done({ state: CLIPBOARD_STATE.NO_ANSWER });
      return fetch;
    }
    this._running.set(fetch, { most: Math.min(most, MAX.CLIPBOARD_DATA), done, until: now + TIMER.CLIPBOARD, parts: [], had: 0, size: null });
    this._send("CLIPBOARD_FETCH", { fetch, serial, format });
    return fetch;
  }

  /** A part has come (R-SESS-295). @param {{ fetch: number, data: Uint8Array, size: number }} message @param {number} now */
  part({ fetch, data, size: told }, now) {
    const wanted = this._running.get(fetch);
    if (!wanted) return;
    const size = wanted.size ?? told;
    if (size > wanted.most) {
      this.stop(fetch, CLIPBOARD_STATE.TOO_LARGE);
    } else if (size !== told || !data.length || wanted.had + data.length > size) {
      this.stop(fetch);
    } else {
      wanted.size = size;
      wanted.until = now + TIMER.CLIPBOARD;
      wanted.parts.push(data.slice());
      wanted.had += data.length;
      this._send("CLIPBOARD_TAKEN", { fetch, taken: wanted.had });
    }
  }

  /** That was all, or it is not to be had. A reason that this version does not know is none that helps. @param {{ fetch:
   * number, state: number }} message */
  done({ fetch, state }) {
    const wanted = this._running.get(fetch);
    if (!wanted) return;
    this._running.delete(fetch);
    if (state) wanted.done({ state: KNOWN.has(/** @type {any} */ (state)) ? state : CLIPBOARD_STATE.NO_ANSWER });
    else if (wanted.had === (wanted.size ?? 0)) wanted.done({ state: CLIPBOARD_STATE.TEXT, data: joined(wanted.parts, wanted.had) });
    else wanted.done({ state: CLIPBOARD_STATE.NO_ANSWER });
  }

  /** It is not wanted any more. @param {number} fetch @param {number} why */
  stop(fetch, why = CLIPBOARD_STATE.NO_ANSWER) {
    const wanted = this._running.get(fetch);
    if (!wanted) return;
    this._running.delete(fetch);
    this._send("CLIPBOARD_STOP", { fetch });
    wanted.done({ state: why });
  }

  /** The session is over: nothing more will come. */
  clear() {
    const running = [...this._running.values()];
    this._running.clear();
    for (const wanted of running) wanted.done({ state: CLIPBOARD_STATE.NO_ANSWER });
  }

  /** When the next fetch is given up; null when none runs. @returns {number | null} */
  nextTimeout() {
    const due = [...this._running.values()].map(({ until }) => until);
    return due.length ? Math.min(...due) : null;
  }

  /** Give up what does not come. @param {number} now */
  handleTimer(now) {
    for (const [fetch, { until }] of [...this._running]) if (now >= until) this.stop(fetch);
  }
}

/** @param {Uint8Array[]} parts @param {number} size */
function joined(parts, size) {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
