/**
 * Patience: how long a viewer waits before something counts as lost, by the round trip (spec 05-media, 5.4.4).
 *
 * Whoever gives up before a repair can have come asks for a key object, which costs many times what was lost, and
 * throws away the pictures that waited. A repair takes a round trip and what it takes to notice the loss.
 */

/** Round trips, and milliseconds beyond them, until a repair has come; at least and at most. */
const TRIPS = 1.25;
const NOTICED = 100;
const LEAST = 150;
const MOST = 1000;
/** Milliseconds by which an unfinished object, and what a beacon named, may be later than what depends on it. */
const UNFINISHED = 100;
const TAIL = 350;
/** Round trips until a key object that was asked for begins to come. */
const ANSWER = 1.5;

/**
 * @typedef {object} Patience  Milliseconds.
 * @property {number} dependency  an object waits for another
 * @property {number} unfinished  an object waits for its fragments
 * @property {number} tail  until what a beacon named has come
 * @property {number} answer  between two wishes to recover
 */

/** For a round trip to the host in milliseconds (0: unknown); `spacing`: least time between wishes.
 * @param {number} roundTrip @param {number} spacing @returns {Patience} */
export function patience(roundTrip, spacing) {
  const dependency = Math.min(MOST, Math.max(LEAST, TRIPS * roundTrip + NOTICED));
  const answer = Math.min(MOST, Math.max(spacing, ANSWER * roundTrip + NOTICED));
  return { dependency, unfinished: dependency + UNFINISHED, tail: dependency + TAIL, answer };
}
