/**
 * PathPlan: which of its paths a session is on, and what is done about the others (spec 08-paths, 8.6).
 *
 * It holds no path: it is shown how all of them are, whenever something has happened or its time has come, and answers
 * with steps. So the same stories bind every implementation. Times are milliseconds.
 */

import { PATH_TIMER } from "../wire/registry.js";
import { Redial } from "./redial.js";
import { PathKind, Selector, UNMEASURED } from "./selector.js";

const { GIVE_UP, MOVE, REDIAL, UPGRADES } = PATH_TIMER;

/**
 * @template Name
 * @typedef {object} PathState  How one path is now.
 * @property {Name} name
 * @property {number} kind
 * @property {number | null} rtt
 * @property {number} loss  share of datagrams lost
 * @property {boolean} direct  it leads to the host, not to a relay
 * @property {boolean} attached  it is a place for the session
 * @property {number | null} silentSince  when it stopped answering
 * @property {boolean} unfit  the session was refused there, or did not arrive in time
 * @property {boolean} going  the session should leave it, although it answers
 */

/** What is to be done: see PathPlan. */
export const StepKind = Object.freeze({
  /** The session did not arrive on the path in time: it is unfit. */
  LATE: "LATE",
  /** Close the path. */
  GIVE_UP: "GIVE_UP",
  /** Take the session to the path. */
  MOVE: "MOVE",
  /** Dial the relay. */
  DIAL: "DIAL",
  /** Dial the relay in use by UDP. */
  UPGRADE: "UPGRADE",
  /** There is no path any more, or one again. */
  CHANGED: "CHANGED",
});

/** @template Name @typedef {{ kind: string, name: Name | null }} Step  `name`: about which path, where it is about one. */

/** Whether the session may be there. @param {PathState<any>} path */
export function fit({ silentSince, unfit, going }) {
  return silentSince === null && !unfit && !going;
}

/** Plans one session's paths. @template Name */
export class PathPlan {
  constructor() {
    /** The path that the session is on, or goes to. @type {Name | null} */
    this.current = null;
    /** Since when there has been no path that answers; null while there is one. @type {number | null} */
    this.nowhereSince = null;
    /** @type {Selector<Name>} */
    this._selector = new Selector();
    this._redial = new Redial();
    /** @type {number | null} */
    this._arrivesBy = null;
    /** @type {number | null} */
    this._upgradeAt = null;
    this._upgrades = 0;
    /** @type {number | null} */
    this._checkAt = null;
    /** Of the path in use: what a path was is not to be seen any more when it is lost. @type {number | null} */
    this._kind = null;
  }

  /** What is to be done about all paths that there are, those being dialled included, in that order.
   * @param {PathState<Name>[]} paths @param {number} now @returns {Step<Name>[]} */
  decide(paths, now) {
    const steps = this._endLateness(now);
    if (steps.length) paths = paths.map((path) => (path.name === this.current ? { ...path, unfit: true } : path));
    const hopeless = paths.filter(({ name, direct, silentSince }) => direct && name !== this.current && silentSince !== null && now >= silentSince + GIVE_UP);
    for (const { name } of hopeless) steps.push({ kind: StepKind.GIVE_UP, name });
    paths = paths.filter((path) => !hopeless.includes(path));
    const attached = paths.filter((path) => path.attached);
    const figures = attached.map((path) => ({ name: path.name, kind: path.kind, rtt: path.rtt, loss: path.loss, silent: !fit(path) }));
    const chosen = this._selector.choose(this.current, figures, now);
    if (chosen !== null && chosen !== this.current) steps.push(this._move(chosen, attached, now));
    steps.push(...this._whetherNowhere(attached, now));
    const dialling = paths.some((path) => !path.attached && !path.direct);
    if (this._redial.look(atHand(paths, now), dialling, now)) steps.push({ kind: StepKind.DIAL, name: null });
    steps.push(...this._upgrade(attached, now));
    const limits = paths.flatMap(({ direct, silentSince }) => (silentSince === null ? [] : [silentSince + (direct ? GIVE_UP : REDIAL)]));
    this._checkAt = earliest(limits.filter((at) => at > now));
    this._kind = attached.find((path) => path.name === this.current)?.kind ?? null;
    return steps;
  }

  /** @param {number} now @returns {Step<Name>[]} */
  _endLateness(now) {
    if (this._arrivesBy === null || now < this._arrivesBy) return [];
    this._arrivesBy = null;
    return this.current === null ? [] : [{ kind: StepKind.LATE, name: this.current }];
  }

  /** @param {Name} name @param {PathState<Name>[]} attached @param {number} now @returns {Step<Name>} */
  _move(name, attached, now) {
    const before = attached.find((path) => path.name === this.current);
    if (before && before.silentSince !== null) this._selector.failed(before.kind, now);
    this.current = name;
    const rtt = attached.find((path) => path.name === name)?.rtt;
    this._arrivesBy = now + MOVE + 4 * (rtt || UNMEASURED);
    return { kind: StepKind.MOVE, name };
  }

  /** Who is on the way to a path has not arrived. @param {PathState<Name>[]} attached @param {number} now @returns
   * {Step<Name>[]} */
  _whetherNowhere(attached, now) {
    const arriving = this.nowhereSince !== null && this._arrivesBy !== null;
    const nowhere = arriving || !attached.some(({ silentSince, unfit }) => silentSince === null && !unfit);
    if (nowhere === (this.nowhereSince !== null)) return [];
    this.nowhereSince = nowhere ? now : null;
    return [{ kind: StepKind.CHANGED, name: null }];
  }

  /** From TCP back to UDP. @param {PathState<Name>[]} attached @param {number} now @returns {Step<Name>[]} */
  _upgrade(attached, now) {
    if (!attached.some(({ name, kind }) => name === this.current && kind === PathKind.TCP)) {
      this._upgradeAt = null;
      return [];
    }
    const due = this._upgradeAt !== null && now >= this._upgradeAt;
    if (this._upgradeAt === null || due) this._upgradeAt = now + UPGRADES[Math.min(this._upgrades++, UPGRADES.length - 1)];
    return due ? [{ kind: StepKind.UPGRADE, name: null }] : [];
  }

  // what has happened; `decide` comes after it

  /** The session is on the path that it was taken to. */
  arrived() {
    this._arrivesBy = this.nowhereSince = null;
  }

  /** The host does not take the session on the path that it was taken to. */
  refused() {
    this._arrivesBy = null;
  }

  /** A path is over, or an attempt at one. @param {PathState<Name>} path @param {number} now */
  lost({ name, kind, direct }, now) {
    if (!direct) this._redial.failed(now);
    if (name !== this.current) return;
    this._selector.failed(this._kind ?? kind, now);
    this.current = null;
  }

  /** The session has lost its streams, not its path: choose again, be it the same. */
  adrift() {
    this.current = null;
  }

  /** The machine has another network: relays are dialled at once where none is at hand. */
  beginAnew() {
    this._redial.beginAnew();
  }

  /** When `decide` should be called again. @returns {number | null} */
  nextTimeout() {
    return earliest([this._arrivesBy, this._upgradeAt, this._checkAt, this._redial.nextTimeout()].filter((at) => at !== null));
  }
}

/** Whether a relay can take the session, or is silent for no longer than a moment. @param {PathState<any>[]} paths
 * @param {number} now */
function atHand(paths, now) {
  return paths.some(({ attached, direct, unfit, going, silentSince }) => {
    return attached && !direct && !unfit && !going && (silentSince === null || now < silentSince + REDIAL);
  });
}

/** @param {number[]} times @returns {number | null} */
function earliest(times) {
  return times.length ? Math.min(...times) : null;
}
