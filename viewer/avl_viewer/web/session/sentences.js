/**
 * What a person is told of a session's ways: while it waits for one (since when is shown beside it), and why it took another.
 */

import { WayKind } from "../path/selector.js";

/** What happens next, and for how long the session is kept. @param {number} left  milliseconds */
export function waitingSentence(left) {
  const seconds = Math.max(0, left) / 1000;
  const kept = seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
  return (
    `Nobody answers: neither the host nor the relay. Trying again; the session is kept for ${kept} more, ` +
    "and what you type now is not sent late."
  );
}

/** Why a session took another way. @param {import("./way.js").Way | null} before @param {import("./way.js").Way} way
 * @param {Error | null} reason  why the last way was lost @returns {string} */
export function switchSentence(before, way, reason) {
  if (!before) return `the last way was lost. ${reason?.message ?? ""}`.trim();
  if (before.unfit) return `the host did not take the session on the ${before.name} way`;
  if (before.going) return before.going;
  if (before.silentSince !== null) return `the ${before.name} way fell silent`;
  if (before.kind === WayKind.TCP && way.kind !== WayKind.TCP) return "UDP works";
  if (way.kind < before.kind) return "a direct way was found";
  return `the ${way.name} way is quicker`;
}
