/**
 * Input: what a person does, sent to the host, and what became of it (spec 04-session, 4.6).
 */

import { Fate, acts } from "../session/input/ledger.js";
import { takes } from "../session/viewing.js";
import { Refused } from "../wire/errors.js";
import { CLOSE, INPUT } from "../wire/registry.js";

/**
 * @typedef {import("../session/input/outbox.js").InputEvent} InputEvent @typedef
 * {import("../session/services.js").ViewerSession} ViewerSession
 *
 * @typedef {object} InputOwner
 * @property {(message: Record<string, any>) => void} tell  to the page
 * @property {() => import("../statistics.js").Statistics} statistics
 * @property {() => void} sent  input is under way
 * @property {() => number} devices  what the host's system takes
 */

/** Sends input, and tells the page what came to nothing. */
export class InputService {
  /** @param {InputOwner} owner */
  constructor(owner) {
    this._owner = owner;
    /** @type {ViewerSession | null} */
    this._session = null;
  }

  /** Input goes there from now on. @param {ViewerSession} session */
  admitted(session) {
    this._session = session;
  }

  /** Nothing can be sent. */
  ended() {
    this._session = null;
  }

  /** Send input that a person made `at`; dropped while nobody can take it. @param {InputEvent[]} events @param {number}
   * at */
  send(events, at) {
    if (!this._session) return;
    const devices = this._owner.devices();
    const unknown = events.filter((event) => !takes(devices, event));
    if (unknown.length) this.dropped([{ sequence: 0, events: unknown, fate: Fate.UNSENT }]);
    const known = unknown.length ? events.filter((event) => takes(devices, event)) : events;
    if (!known.length) return;
    try {
      const sequence = this._session.sendInput(known);
      if (events.some(([kind]) => kind !== INPUT.MOVE && kind !== INPUT.RELEASE_ALL)) this._owner.statistics().inputSent(sequence, at);
      this._owner.sent();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code === CLOSE.SESSION_LOST) this.dropped([{ sequence: 0, events, fate: Fate.UNSENT }]); // a session that may not act is shown as such
    }
  }

  /** The host has applied what was sent, up to a batch. @param {{ sequence: number, host_us: number }} echo */
  applied(echo) {
    this._owner.statistics().inputApplied(echo.sequence, echo.host_us / 1000);
  }

  /** Something that a person did came to nothing. @param {import("../session/input/ledger.js").Dropped[]} dropped */
  dropped(dropped) {
    if (dropped.some(({ events }) => events.some(acts))) this._owner.tell({ say: "dropped", dropped });
  }
}
