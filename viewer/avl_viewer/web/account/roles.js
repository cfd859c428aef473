/**
 * Roles as the page offers them: presets over permissions, from the registry.
 */

import { PRESETS } from "../wire/registry.js";

/** @typedef {{ id: string, name: string, text: string, permissions: number }} Role */

/** From least to most. @type {Role[]} */
export const ROLES = [
  { id: "VIEWER", name: "Viewer", text: "sees and hears", permissions: PRESETS.VIEWER },
  { id: "ASSISTANT", name: "Assistant", text: "also points, types and draws", permissions: PRESETS.ASSISTANT },
  { id: "OPERATOR", name: "Operator", text: "also clipboard, files, microphone and power", permissions: PRESETS.OPERATOR },
  { id: "ADMIN", name: "Admin", text: "also settings, terminal, tunnels and recording", permissions: PRESETS.ADMIN },
];

/** What a grant's permissions are called. @param {number} permissions */
export function roleName(permissions) {
  return ROLES.find((role) => role.permissions === permissions)?.name ?? "Some permissions";
}

/** How long a session may last, in seconds; 0: no limit. @type {[string, number][]} */
export const LONGEST = [
  ["As long as it is permitted", 0],
  ["15 minutes", 900],
  ["1 hour", 3600],
  ["4 hours", 4 * 3600],
  ["12 hours", 12 * 3600],
];

/** How long something may last, in seconds. @type {[string, number][]} */
export const SPANS = [
  ["1 hour", 3600],
  ["1 day", 86_400],
  ["1 week", 7 * 86_400],
  ["30 days", 30 * 86_400],
  ["1 year", 365 * 86_400],
];
