/**
 * What a person is told while a session waits for a way to its host; since when is shown beside it.
 */

/** What happens next, and for how long the session is kept. @param {number} left  milliseconds */
export function waitingSentence(left) {
  const seconds = Math.max(0, left) / 1000;
  const kept = seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
  return (
    `Nobody answers: neither the host nor the relay. Trying again; the session is kept for ${kept} more, ` +
    "and what you type now is not sent late."
  );
}
