/**
 * Permissions as the console names them: the role that they are, or the one below them and how many they have beyond it.
 */

import { ROLES, SINGLE } from "../account/roles.js";
import { OWNER } from "../rights/effective.js";
import { PERMISSION } from "../wire/registry.js";
import { t } from "./words.js";

/** In a word or two. @param {number} permissions */
export function short(permissions) {
  if (!permissions) return t("permissions.nothing");
  if (permissions === OWNER) return t("permissions.everything");
  const below = ROLES.findLast((role) => (role.permissions & ~permissions) === 0);
  if (!below) return singles(permissions).join(", ");
  const beyond = singles(permissions & ~below.permissions).length;
  return beyond ? t("permissions.andMore", { role: t(`permissions.roles.${below.id}`), n: beyond }) : t(`permissions.roles.${below.id}`);
}

/** Each by its name. @param {number} permissions */
export function exactly(permissions) {
  if (!permissions) return t("permissions.nothing");
  if (permissions === OWNER) return t("permissions.everything");
  return singles(permissions).join(", ");
}

/** How much they are, for a colour that says so beside the word: 0 for nothing to 5 for everything. @param {number}
 * permissions */
export function weight(permissions) {
  if (!permissions) return 0;
  if (permissions === OWNER) return ROLES.length + 1;
  return Math.max(1, ROLES.findLastIndex((role) => (role.permissions & ~permissions) === 0) + 1);
}

/** Roles to choose from, from nothing to all of them. @param {string} none  what nothing is called @param {string} [all]
 * what everything is called, where that can be chosen @returns {{ id: string, text: string, permissions: number }[]} */
export function choices(none, all) {
  const roles = ROLES.map((role) => ({ id: role.id, text: t(`roles.${role.id}`), permissions: role.permissions }));
  return [{ id: "NOTHING", text: none, permissions: 0 }, ...roles, ...(all ? [{ id: "ALL", text: all, permissions: OWNER }] : [])];
}

/** @param {number} permissions @returns {string[]} */
function singles(permissions) {
  const known = [...SINGLE.map(([name]) => name), "DELEGATE"];
  return known.filter((name) => permissions & PERMISSION[/** @type {keyof typeof PERMISSION} */ (name)]).map((name) => t(`permissions.single.${name}`));
}
