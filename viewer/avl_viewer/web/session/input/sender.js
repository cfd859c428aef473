/**
 * InputSender: a viewer's input from its outbox into records, as soon as there is room (spec 04-session, 4.6).
 *
 * One batch is sealed at a time: what comes meanwhile coalesces. A page is not told when its neighbour has acknowledged
 * something, so that the host's ECHO is what ends the waiting.
 */

import { encode } from "../../wire/messages.js";
import { CHANNEL, INPUT_MESSAGES } from "../../wire/registry.js";
import { InputLedger } from "./ledger.js";
import { InputOutbox } from "./outbox.js";

/** @typedef {import("./outbox.js").InputEvent} InputEvent @typedef {import("./ledger.js").Dropped} Dropped */

/** Channel 1 from the viewer's side. */
export class InputSender {
  /** @param {import("../secure.js").SecureChannels} secure @param {import("../pipes.js").SessionPipes} pipes
   * @param {() => number} clock  milliseconds @param {(at: number) => number} toHost  our time as the host's
   * @param {() => void} after  called when a batch has left by itself */
  constructor(secure, pipes, clock, toHost, after) {
    this._secure = secure;
    this._pipes = pipes;
    this._clock = clock;
    this._toHost = toHost;
    this._after = after;
    this._sealing = false;
    this._sent = 0;
    this._applied = 0;
    this.outbox = new InputOutbox();
    this.ledger = new InputLedger();
    /** @type {Dropped[]} */
    this._dropped = [];
  }

  /** Whether something is under way or waits. */
  get unanswered() {
    return this.outbox.pending || this._sent > this._applied;
  }

  /** Send at once as one batch (moves coalesce while the hop is backed up); its sequence number. @param {InputEvent[]}
   * events */
  send(events) {
    const sequence = this.outbox.add(events, this._clock());
    this.flush();
    return sequence;
  }

  /** Send as much as there is room for, and forget what has waited too long. */
  flush() {
    if (this._sealing || !this.outbox.pending) return;
    this._dropped.push(...this.outbox.expire(this._clock()));
    if (!this.outbox.pending || !this._pipes.isOpen(CHANNEL.INPUT)) return;
    if (this._pipes.backlog(CHANNEL.INPUT) > this.outbox.room || !this._secure.writable(CHANNEL.INPUT)) return;
    const { sequence, made, events } = this.outbox.take();
    const batch = { sequence, time_us: Math.max(0, Math.round(this._toHost(made) * 1000)), events };
    this._sent = sequence;
    this.ledger.sent(sequence, events, this._clock());
    this._sealing = true;
    void this._secure.send(CHANNEL.INPUT, encode(INPUT_MESSAGES, "BATCH", batch)).then(() => {
      this._sealing = false;
      this.flush();
      this._after();
    });
  }

  /** The host has applied batches up to this one, and discarded so many events in all. @param {number} sequence @param
   * {number} discarded */
  applied(sequence, discarded) {
    this._applied = Math.max(this._applied, sequence);
    this._dropped.push(...this.ledger.applied(sequence, discarded, this._clock()));
  }

  /** Count as dropped what the host has not answered for too long. */
  overdue() {
    this._dropped.push(...this.ledger.overdue(this._clock()));
  }

  /** Nothing will be sent nor answered any more. */
  giveUp() {
    this._dropped.push(...this.ledger.giveUp(), ...this.outbox.clear(this._clock()));
  }

  /** The host is not heard: what waits is not sent, and all that was held is let go of. */
  clear() {
    this._dropped.push(...this.outbox.clear(this._clock()));
    this.flush();
  }

  /** What came to nothing, once. @returns {Dropped[]} */
  takeDropped() {
    return this._dropped.splice(0);
  }
}
