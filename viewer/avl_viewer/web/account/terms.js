/**
 * Terms: what somebody is given, with all its limits, of what a form says; and what of a grant may be handed on.
 *
 * What can't be read is refused with a sentence: a limit that is misread would give more than was meant.
 */

import { strictest } from "../rights/effective.js";
import { Hours } from "../rights/hours.js";
import { MAX, PERMISSION } from "../wire/registry.js";
import { ROLES } from "./roles.js";
import { claimsOf } from "./statements.js";
import { limits, permitted } from "./words.js";

const DAY_MINUTES = 1440;
/** Bytes of a chain that are left for the link to a viewer of its holder's. */
const LINK = 800;

/**
 * @typedef {object} Terms
 * @property {number} permissions
 * @property {number} expires  Unix seconds
 * @property {string} role  for show
 * @property {{ zone: string, rows: number[][] } | null} hours
 * @property {number | null} longest  seconds of a session
 * @property {number | null} uses
 * @property {string} consent
 *
 * @typedef {{ days: number[], from: string, to: string }} Times  of a week: days from 0 for Monday, times as HH:MM
 *
 * @typedef {object} Said  What a form says.
 * @property {number} permissions
 * @property {number} seconds  from now; 0: until `until`
 * @property {number} until  Unix seconds; NaN: not said
 * @property {Times[]} times
 * @property {string} zone
 * @property {number} longest
 * @property {string} uses
 * @property {string} consent
 */

/** @param {Said} said @param {number} now  Unix seconds @returns {Terms} */
export function termsOf(said, now) {
  if (!(said.permissions & PERMISSION.VIEW)) throw new Error("Without seeing the screen nothing else can be used: choose it, too.");
  const expires = said.seconds ? now + said.seconds : said.until;
  if (!Number.isInteger(expires)) throw new Error("Say until when it holds.");
  if (expires <= now) throw new Error("That moment is over already.");
  const uses = said.uses.trim() ? Number(said.uses) : null;
  if (uses !== null && !(Number.isInteger(uses) && uses >= 1 && uses <= 1_000_000)) throw new Error("The number of sessions is a whole one, from 1 on.");
  return {
    permissions: said.permissions,
    expires,
    role: ROLES.find((role) => role.permissions === said.permissions)?.name ?? "",
    hours: hoursOf(said.times, said.zone.trim()),
    longest: said.longest || null,
    uses,
    consent: said.consent,
  };
}

/** @param {Times[]} times @param {string} zone */
function hoursOf(times, zone) {
  if (!times.length) return null;
  const rows = times.flatMap(rowsOf);
  const found = [...new Map(rows.map((row) => [row.join(), row])).values()].sort((one, other) => one[0] - other[0] || one[1] - other[1] || one[2] - other[2]);
  if (found.length > MAX.HOURS) throw new Error(`These are more than ${MAX.HOURS} times of a week.`);
  try {
    new Hours(zone, found);
  } catch (error) {
    if (error instanceof RangeError) throw new Error(`There is no time zone called ${zone || "nothing"}: choose one of the list, such as Europe/Berlin.`);
    throw error;
  }
  return { zone, rows: found };
}

/** Rows of a grant, for times that may go over midnight. @param {Times} times @returns {number[][]} */
function rowsOf({ days, from, to }) {
  if (!days.length) throw new Error("Choose the days of the week.");
  const [first, end] = [minuteOf(from), minuteOf(to) || DAY_MINUTES];
  if (first === end) throw new Error("These hours begin when they end.");
  if (first < end) return days.map((day) => [day, first, end]);
  return days.flatMap((day) => [[day, first, DAY_MINUTES], [(day + 1) % 7, 0, end]]);
}

/** @param {string} text  HH:MM */
function minuteOf(text) {
  const found = /^(\d\d):(\d\d)$/.exec(text);
  if (!found) throw new Error("Say when the hours begin and end.");
  return Number(found[1]) * 60 + Number(found[2]);
}

/** Part of a grant (its token) that may be handed on: these terms with all its limits. @param {Terms} terms @param
 * {string} token @param {number} depth  grants of its chain @returns {Terms} */
export function handedOn(terms, token, depth) {
  const parent = claimsOf(token);
  if (depth >= MAX.CHAIN_GRANTS) throw new Error("This was handed on so often that it can't be handed on once more: ask its owner.");
  const beyond = terms.permissions & ~parent.p;
  if (beyond) throw new Error(`You may not hand that on: ${permitted(beyond)}. What you have: ${permitted(parent.p)}.`);
  const wider = parent.win ? new Hours(parent.tz, parent.win) : null;
  if (wider && terms.hours && !new Hours(terms.hours.zone, terms.hours.rows).within(wider)) {
    throw new Error(`You may hand it on for these hours only: ${limits({ win: parent.win, tz: parent.tz })[0]}.`);
  }
  return {
    ...terms,
    expires: Math.min(terms.expires, parent.exp),
    hours: terms.hours ?? (wider && { zone: parent.tz, rows: parent.win }),
    longest: least(terms.longest, parent.max_s),
    uses: least(terms.uses, parent.n),
    consent: strictest([parent.consent ?? "never", terms.consent]),
  };
}

/** @param {...(number | null | undefined)} limits @returns {number | null} */
function least(...limits) {
  const said = /** @type {number[]} */ (limits.filter(Boolean));
  return said.length ? Math.min(...said) : null;
}

/** Throws Error for a chain that no handshake carries. @param {string[]} chain */
export function checkLength(chain) {
  if (chain.reduce((all, token) => all + token.length, 0) > MAX.CHAIN - LINK) throw new Error("These limits are too long to be shown to a host: say fewer hours.");
}

/** Throws Error for what no group is called. @param {string} name */
export function checkGroup(name) {
  if (!name || [...name].length > MAX.SHOWN_NAME || /[\p{C}]/u.test(name)) throw new Error(`A group's name has 1 to ${MAX.SHOWN_NAME} characters that can be shown.`);
}
