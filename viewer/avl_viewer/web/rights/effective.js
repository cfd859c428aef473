/**
 * What a session may in the end: every layer takes away, none adds (spec 11, 11.5).
 */

import { PERMISSION, PRESETS } from "../wire/registry.js";

/** Permissions that stand in no role below Admin, and that nothing else brings along. */
export const NEVER_IMPLIED = PERMISSION.MANAGE | PERMISSION.DELEGATE | PERMISSION.TERMINAL | PERMISSION.TUNNEL;
export const OWNER = PRESETS.OWNER;
/** Whether a person at the host is asked, from the most to the least careful. */
export const CONSENTS = Object.freeze(["always", "first", "never"]);

/** The most careful of them; "never" where there is none. @param {Iterable<string>} consents */
export function strictest(consents) {
  const given = new Set(consents);
  return CONSENTS.find((one) => given.has(one)) ?? "never";
}

/** Whether `other` is at least as careful as `one`. @param {string} one @param {string} other */
export function allows(one, other) {
  return CONSENTS.indexOf(other) <= CONSENTS.indexOf(one);
}

/** What the session may: what all of the layers leave, and nothing at all where they leave no VIEW.
 * @param {{ grant: number, policies: number[], host: number, consent: number, request: number }} layers */
export function effective({ grant, policies, host, consent, request }) {
  const left = policies.reduce((all, one) => all & one, grant & host & consent & request);
  return left & PERMISSION.VIEW ? left : 0;
}
