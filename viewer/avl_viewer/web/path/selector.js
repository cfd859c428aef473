/**
 * Selector: which path a session takes now, among those that are open (spec 08-paths, 8.6).
 *
 * Paths differ by milliseconds that change all the time, and a change of path costs a round trip: so a better path has
 * to be better by enough, for long enough, and one that has failed has to prove itself for longer each time. Times are
 * milliseconds.
 */

import { PATH_FACTOR, PATH_TIMER } from "../wire/registry.js";

// What each is: spec/registry.json, "path_timers_ms" and "path_factors".
const { RELAY_PENALTY, TCP_PENALTY, LOSS_PENALTY, MARGIN, SLOWER_BY, FIRST_PROOF, LAST_PROOF, FORGIVEN } = PATH_TIMER;
export const { UNMEASURED, PATIENCE } = PATH_TIMER;
const { BETTER, SLOWER } = PATH_FACTOR;

/** What a path is, the best first; the value orders paths that are else alike. */
export const PathKind = Object.freeze({ LAN: 0, DIRECT: 1, RELAY: 2, TCP: 3 });

/** What programs and people call them. */
export const PATH_NAMES = Object.freeze(["lan", "direct", "relay", "tcp"]);

/**
 * @template Name
 * @typedef {object} PathFigures  One open path now.
 * @property {Name} name
 * @property {number} kind
 * @property {number | null} rtt
 * @property {number} loss  share of datagrams lost
 * @property {boolean} silent
 */

/** Milliseconds of round trip, with what else a path is worse by. @param {PathFigures<any>} path */
export function cost({ rtt, loss, kind }) {
  const relayed = kind >= PathKind.RELAY ? RELAY_PENALTY : 0;
  return (rtt ?? UNMEASURED) + loss * 100 * LOSS_PENALTY + relayed + (kind === PathKind.TCP ? TCP_PENALTY : 0);
}

/** Chooses; its owner does what follows. @template Name */
export class Selector {
  constructor() {
    /** @type {Map<number, { count: number, at: number }>} */
    this._failed = new Map();
    /** Since when each was better by enough. @type {Map<Name, number>} */
    this._better = new Map();
    /** @type {Map<Name, number>} */
    this._answers = new Map();
  }

  /** The path in use fell silent or was lost: the next of its kind has to prove itself. @param {number} kind @param
   * {number} now */
  failed(kind, now) {
    const known = this._failed.get(kind);
    this._failed.set(kind, { count: known && now - known.at <= FORGIVEN ? known.count + 1 : 1, at: now });
  }

  /** How long a path of this kind has to have answered before it is taken. @param {number} kind @param {number} now */
  proof(kind, now) {
    const known = this._failed.get(kind);
    return known && now - known.at <= FORGIVEN ? Math.min(LAST_PROOF, FIRST_PROOF * 2 ** (known.count - 1)) : 0;
  }

  /** The name of the path to take: `current`, unless another is better by enough or it does not answer.
   * @param {Name | null} current @param {PathFigures<Name>[]} paths @param {number} now @returns {Name | null} */
  choose(current, paths, now) {
    const open = paths.filter((path) => !path.silent);
    this._answers = new Map(open.map(({ name }) => [name, this._answers.get(name) ?? now]));
    const using = paths.find(({ name }) => name === current);
    if (!using || using.silent) {
      this._better.clear();
      const proven = open.filter((path) => this._proven(path, now));
      return best(proven.length ? proven : open)?.name ?? current;
    }
    const fit = open.filter((path) => {
      return path !== using && this._proven(path, now) && (cost(path) < cost(using) * BETTER - MARGIN || nearer(path, using));
    });
    const chosen = best(fit);
    this._better = new Map(fit.map(({ name }) => [name, this._better.get(name) ?? now]));
    if (!chosen) return current;
    return nearer(chosen, using) || now - (this._better.get(chosen.name) ?? now) >= PATIENCE ? chosen.name : current;
  }

  /** Whether a path has answered for as long as it has to. @param {PathFigures<Name>} path @param {number} now */
  _proven(path, now) {
    return now - (this._answers.get(path.name) ?? now) >= this.proof(path.kind, now);
  }
}

/** @template Name @param {PathFigures<Name>[]} paths @returns {PathFigures<Name> | undefined} */
function best(paths) {
  return [...paths].sort((one, other) => cost(one) - cost(other) || one.kind - other.kind)[0];
}

/** Whether a path is of a better kind, and not much slower: it needs no patience. @param {PathFigures<any>} path @param
 * {PathFigures<any>} using */
function nearer(path, using) {
  return path.kind < using.kind && cost(path) <= cost(using) * SLOWER + SLOWER_BY;
}
