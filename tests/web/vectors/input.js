/**
 * Input on its way out, against its traces: what fingers mean, the outbox, the ledger, and the sender between them. Only
 * a host has a gate.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { Gestures } from "../../../viewer/avl_viewer/web/input/gestures.js";
import { InputLedger } from "../../../viewer/avl_viewer/web/session/input/ledger.js";
import { InputSender } from "../../../viewer/avl_viewer/web/session/input/sender.js";
import { InputOutbox } from "../../../viewer/avl_viewer/web/session/input/outbox.js";
import { decode } from "../../../viewer/avl_viewer/web/wire/messages.js";
import { INPUT_MESSAGES } from "../../../viewer/avl_viewer/web/wire/registry.js";
import { replayed } from "./trace.js";

/** @param {any} traces @returns {Check[]} */
export function outboxes(traces) {
  return replayed(traces, () => {
    const outbox = new InputOutbox();
    /** @type {Record<string, (at: number, given: any) => any>} */
    const calls = {
      add: (at, { events }) => outbox.add(events, at),
      take: () => outbox.take(),
      hold: (at) => outbox.hold(at) ?? null,
      expire: (at) => outbox.expire(at),
      clear: (at) => outbox.clear(at),
    };
    return (at, name, given) => {
      const returned = calls[name](at, given);
      return { out: { returned, pending: outbox.pending, holds: outbox.holds, discarded: outbox.discarded }, next: outbox.due() };
    };
  });
}

/** @param {any} traces @returns {Check[]} */
export function gestures(traces) {
  return replayed(traces, ({ zooms_view: zoomsView, zoomed }) => {
    const fingers = Object.assign(new Gestures(), { zoomsView, zoomed });
    /** @type {Record<string, (at: number, given: any) => any>} */
    const calls = {
      down: (at, { finger, x, y }) => fingers.down(finger, x, y, at),
      move: (_, { finger, x, y }) => fingers.move(finger, x, y),
      up: (_, { finger }) => fingers.up(finger),
      cancel: (_, { finger }) => fingers.cancel(finger),
      timer: (at) => fingers.handleTimer(at),
      release_all: () => fingers.releaseAll(),
    };
    return (at, name, given) => ({ out: calls[name](at, given), next: fingers.nextTimeout() });
  });
}

/** @param {any} traces @returns {Check[]} */
export function ledgers(traces) {
  return replayed(traces, () => {
    const ledger = new InputLedger();
    /** @type {Record<string, (at: number, given: any) => any>} */
    const calls = {
      sent: (at, { sequence, events }) => ledger.sent(sequence, events, at) ?? [],
      applied: (at, { sequence, discarded }) => ledger.applied(sequence, discarded, at),
      overdue: (at) => ledger.overdue(at),
      give_up: () => ledger.giveUp(),
    };
    return (at, name, given) => ({ out: calls[name](at, given), next: ledger.due() });
  });
}

/** The channels and their streams, as far as input sees them. */
class Hop {
  constructor() {
    this.now = { open: true, backlog: 0, writable: true };
    /** @type {Promise<void>[]} */
    this.sealing = [];
    /** @type {{ sequence: number, time_us: number, events: any[] }[]} */
    this.sent = [];
  }

  isOpen() {
    return this.now.open;
  }

  backlog() {
    return this.now.backlog;
  }

  writable() {
    return this.now.writable;
  }

  /** @param {number} _channel @param {Uint8Array} data @returns {Promise<void>} */
  send(_channel, data) {
    const { sequence, time_us, events } = /** @type {any} */ (decode(INPUT_MESSAGES, data));
    this.sent.push({ sequence, time_us, events });
    const sealed = Promise.resolve();
    this.sealing.push(sealed);
    return sealed;
  }

  /** What was sent, once nothing is being sealed any more. */
  async taken() {
    for (let sealed; (sealed = this.sealing.shift()); ) await sealed;
    return this.sent.splice(0);
  }
}

/** @param {any} traces @returns {Check[]} */
export function senders(traces) {
  return replayed(traces, ({ ahead }) => {
    const hop = new Hop();
    let now = 0;
    const sender = new InputSender(/** @type {any} */ (hop), /** @type {any} */ (hop), () => now, (at) => at + ahead, () => {});
    /** @type {Record<string, (given: any) => any>} */
    const calls = {
      hop: (given) => void (hop.now = given),
      send: ({ events }) => sender.send(events),
      flush: () => sender.flush(),
      applied: ({ sequence, discarded }) => sender.applied(sequence, discarded),
      overdue: () => sender.overdue(),
      clear: () => sender.clear(),
      give_up: () => sender.giveUp(),
      take_dropped: () => sender.takeDropped(),
    };
    return async (at, name, given) => {
      now = at;
      const returned = calls[name](given) ?? null;
      return { out: { returned, sent: await hop.taken() } };
    };
  });
}
