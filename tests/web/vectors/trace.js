/**
 * Traces of state machines (spec/vectors/trace.py): each call of a story is made here too, and must come to the same.
 *
 * @typedef {import("./notation.js").Check} Check
 *
 * @typedef {{ out: any, next?: number | null }} Answer  What a call came to, and when the machine wants to be called
 * again, in milliseconds.
 *
 * @callback Call  Makes one call of a story.
 * @param {number} at
 * @param {string} name
 * @param {any} given  its arguments by name
 * @returns {Answer | Promise<Answer>}
 */

import { same } from "./notation.js";

/** A check of each story. `begin` makes a machine as the story begins, and gives what calls it.
 * @param {any[]} traces @param {(begin: any) => Call} begin @returns {Check[]} */
export function replayed(traces, begin) {
  return traces.map((trace) => [trace.about, async () => {
    const call = begin(trace.begin);
    for (const { at, do: name, with: given, out, next } of trace.steps) {
      const answer = await call(at, name, given);
      same(answer.out, out, `${name} at ${at} ms`);
      if (next !== undefined) same(whole(answer.next ?? null), next, `next after ${name} at ${at} ms`);
    }
  }]);
}

/** Milliseconds as they stand in a trace: whole microseconds. @param {number | null} due */
function whole(due) {
  return due === null ? null : Math.round(due * 1000) / 1000;
}
