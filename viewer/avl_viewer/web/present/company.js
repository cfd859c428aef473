/**
 * Company: who else is at the desktop, and who of them has control (spec 04-session, 4.10).
 */

import { forDialog } from "../wire/foreign.js";
import { CONTROL_MODE, MAX, PERMISSION } from "../wire/registry.js";

/**
 * @typedef {object} Person  A viewer that may act or draw. `name`: fit to be shown; `asks`: waits for control.
 * @property {number} number
 * @property {string} name
 * @property {boolean} acts
 * @property {boolean} asks
 *
 * @typedef {object} Company  Who is here. `holder`: the number of who has control alone, 0 where nobody has; `viewers`:
 * how many watch; `mine`: whether the rules of control let our input through; `asking`: we wait for control.
 * @property {number} you
 * @property {number} mode
 * @property {number} holder
 * @property {number} viewers
 * @property {Person[]} people
 * @property {boolean} mine
 * @property {boolean} asking
 */

/** Nobody is known. @type {Company} */
export const ALONE = Object.freeze({ you: 0, mode: CONTROL_MODE.SHARED, holder: 0, viewers: 1, people: [], mine: true, asking: false });
const KNOWN = new Set(/** @type {number[]} */ (Object.values(CONTROL_MODE)));

/** What a host says of who is here. Rows that name nobody are left out, and a mode that this version does not know is
 * one in which we do not act. @param {any} message  PEOPLE @returns {Company} */
export function companyOf({ you, mode: told, holder, viewers, people: rows }) {
  const mode = KNOWN.has(told) ? told : CONTROL_MODE.HOST;
  /** @type {Person[]} */
  const people = rows
    .slice(0, MAX.PEOPLE)
    .filter(
      (/** @type {any[]} */ row) =>
        row.length === 4 && typeof row[0] === "number" && typeof row[1] === "string" && typeof row[2] === "number" && typeof row[3] === "number",
    )
    .map((/** @type {[number, string, number, number]} */ [number, name, permissions, asks]) => ({
      number,
      name: forDialog(name, MAX.PERSON_NAME),
      acts: Boolean(permissions & (PERMISSION.POINTER | PERMISSION.KEYBOARD)),
      asks: Boolean(asks),
    }));
  const mine = mode === CONTROL_MODE.SHARED || (mode === CONTROL_MODE.ONE && holder === you);
  return { you, mode, holder, viewers, people, mine, asking: people.some(({ number, asks }) => asks && number === you) };
}

/** What a person is called. @param {Company} company @param {number} number */
export function nameOf(company, number) {
  return company.people.find((person) => person.number === number)?.name || `Viewer ${number}`;
}

/** Who has control; empty where everybody may act. @param {Company} company */
export function sentenceOf(company) {
  if (company.mode === CONTROL_MODE.SHARED) return "";
  if (company.mode === CONTROL_MODE.HOST) return "The person at the host has control.";
  if (!company.holder) return "Nobody has control.";
  return company.holder === company.you ? "You have control." : `${nameOf(company, company.holder)} has control.`;
}
