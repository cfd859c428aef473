/**
 * What a grant or a policy leaves, as a person reads it. The commands say the same (avl_viewer/account/words.py).
 */

import { OWNER } from "../rights/effective.js";
import { PERMISSION } from "../wire/registry.js";
import { ROLES } from "./roles.js";

const UNITS = /** @type {[number, string][]} */ ([[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]]);
export const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/** @type {Record<string, string>} */
const ASKED = { always: "somebody is asked each time", first: "somebody is asked the first time" };

/** The role that these are, or the one below them and what they have beyond it. @param {number} permissions */
export function permitted(permissions) {
  if (permissions === OWNER) return "Everything";
  const rest = permissions & ~PERMISSION.DELEGATE;
  const below = ROLES.findLast((role) => (role.permissions & ~rest) === 0);
  if (!below) return names(permissions).join(", ") || "Nothing";
  const beyond = names(permissions & ~below.permissions);
  return beyond.length ? `${below.name} with ${beyond.join(", ")}` : below.name;
}

/** What limits a grant (its claims) beside its end. @param {any} grant @returns {string[]} */
export function limits(grant) {
  return [
    grant.win ? hours(grant.tz, grant.win) : "",
    grant.max_s ? `sessions of ${span(grant.max_s)}` : "",
    grant.n ? (grant.n === 1 ? "1 session" : `${grant.n} sessions`) : "",
    ASKED[grant.consent] ?? "",
  ].filter(Boolean);
}

/** What a policy (its claims) takes away of everything. @param {any} policy @returns {string[]} */
export function decided(policy) {
  const left = policy.p & OWNER;
  const role = ROLES.find((one) => one.permissions === left);
  const most = role ? `at most ${role.name}` : `without ${names(OWNER & ~left).join(", ")}`;
  return [
    left === OWNER ? "" : most,
    policy.max_s ? `sessions of ${span(policy.max_s)}` : "",
    ASKED[policy.consent] ?? "",
    policy.browser === false ? "no browsers" : "",
    policy.max_stale ? `only with news of the last ${span(policy.max_stale)}` : "",
  ].filter(Boolean);
}

/** A span of time, exactly. @param {number} seconds */
export function span(seconds) {
  const [unit, name] = UNITS.find(([size]) => seconds % size === 0) ?? [1, "s"];
  return `${seconds / unit} ${name}`;
}

/** Times of a week, days of the same times together. @param {string} zone @param {number[][]} rows */
function hours(zone, rows) {
  /** @type {Map<string, number[]>} */
  const days = new Map();
  for (const [day, first, end] of rows.toSorted((one, other) => one[0] - other[0] || one[1] - other[1])) {
    const key = times(first, end);
    days.set(key, [...(days.get(key) ?? []), day]);
  }
  return `${[...days].map(([key, at]) => `${daysOf(at)} ${key}`).join(", ")} (${zone})`;
}

/** @param {number[]} days */
function daysOf(days) {
  if (days.length === 7) return "daily";
  const run = days.length > 2 && days.at(-1) === days[0] + days.length - 1;
  const called = days.map((day) => DAYS[day]);
  return run ? `${called[0]}–${called.at(-1)}` : called.join("+");
}

/** @param {number} first @param {number} end */
function times(first, end) {
  return first === 0 && end === 1440 ? "all day" : `${clock(first)}–${clock(end)}`;
}

/** A minute of the day as a clock shows it. @param {number} minute */
function clock(minute) {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

/** What a permission is called. @param {number} permissions @returns {string[]} */
function names(permissions) {
  return Object.entries(PERMISSION).filter(([, bit]) => permissions & bit).map(([name]) => name.toLowerCase().replaceAll("_", "-"));
}
