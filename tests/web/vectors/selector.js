/**
 * The choice of a path, the silence that one falls into, and what is done about all of them, against their traces.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { PathPlan } from "../../../viewer/avl_viewer/web/path/plan.js";
import { Selector } from "../../../viewer/avl_viewer/web/path/selector.js";
import { Silence } from "../../../viewer/avl_viewer/web/path/silence.js";
import { replayed } from "./trace.js";

/** @param {any} traces @returns {Check[]} */
export function selectors(traces) {
  return replayed(traces, () => {
    const selector = new Selector();
    return (at, name, given) => {
      if (name === "choose") return { out: selector.choose(given.current, given.paths, at) };
      if (name === "proof") return { out: selector.proof(given.kind, at) };
      selector.failed(given.kind, at);
      return { out: null };
    };
  });
}

/** @param {any} traces @returns {Check[]} */
export function silences(traces) {
  return replayed(traces, () => {
    const silence = new Silence();
    return (at, name, { heard, answered, busy, rtt }) => {
      const verdict = name === "look" ? silence.look(at, heard, answered, busy, rtt) : silence.busy(at) ?? null;
      return { out: { verdict, silent: silence.silent }, next: silence.nextTimeout(heard, answered, rtt) };
    };
  });
}

/** @param {any} traces @returns {Check[]} */
export function plans(traces) {
  return replayed(traces, () => {
    /** @type {any} */
    const plan = new PathPlan();
    return (at, name, given) => {
      const steps = name === "decide" ? plan.decide(given.paths, at) : name === "lost" ? plan.lost(given.path, at) : plan[name]();
      return { out: { steps: steps ?? null, current: plan.current, nowhereSince: plan.nowhereSince }, next: plan.nextTimeout() };
    };
  });
}
