/**
 * What a person is told of a session's paths: while it waits for one (since when is shown beside it), and why it took
 * another.
 */

import { PathKind } from "../path/selector.js";

/** What happens next, and for how long the session is kept. @param {number} left  milliseconds */
export function waitingSentence(left) {
  const seconds = Math.max(0, left) / 1000;
  const kept = seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
  return (
    `Nobody answers: neither the host nor the relay. Trying again; the session is kept for ${kept} more, ` +
    "and what you type now is not sent late."
  );
}

/** Why a session took another path. @param {import("./path.js").Path | null} before @param {import("./path.js").Path}
 * path
 * @param {Error | null} reason  why the last path was lost @returns {string} */
export function switchSentence(before, path, reason) {
  if (!before) return `the last way was lost. ${reason?.message ?? ""}`.trim();
  if (before.unfit) return `the host did not take the session on the ${before.name} way`;
  if (before.going) return before.going;
  if (before.silentSince !== null) return `the ${before.name} way fell silent`;
  if (before.kind === PathKind.TCP && path.kind !== PathKind.TCP) return "UDP works";
  if (path.kind < before.kind) return "a direct way was found";
  return `the ${path.name} way is quicker`;
}
