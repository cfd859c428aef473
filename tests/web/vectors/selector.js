/**
 * The choice of a way, and the silence one falls into, against their traces.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { Selector } from "../../../viewer/avl_viewer/web/path/selector.js";
import { Silence } from "../../../viewer/avl_viewer/web/path/silence.js";
import { replayed } from "./trace.js";

/** @param {any} traces @returns {Check[]} */
export function selectors(traces) {
  return replayed(traces, () => {
    const selector = new Selector();
    return (at, name, given) => {
      if (name === "choose") return { out: selector.choose(given.current, given.ways, at) };
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
