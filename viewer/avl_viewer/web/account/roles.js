/**
 * Roles as the page offers them: presets over permissions, from the registry.
 */

import { PERMISSION, PRESETS } from "../wire/registry.js";

/** @typedef {{ id: string, name: string, text: string, permissions: number }} Role */

/** From least to most. @type {Role[]} */
export const ROLES = [
  { id: "VIEWER", name: "Viewer", text: "sees and hears", permissions: PRESETS.VIEWER },
  { id: "ASSISTANT", name: "Assistant", text: "also points, types and draws", permissions: PRESETS.ASSISTANT },
  { id: "OPERATOR", name: "Operator", text: "also clipboard, files, microphone and power", permissions: PRESETS.OPERATOR },
  { id: "ADMIN", name: "Admin", text: "also settings, terminal, tunnels and recording", permissions: PRESETS.ADMIN },
];

/** Each permission as the page offers it alone: its name of the registry, and what it lets somebody do. @type {[keyof
 * typeof PERMISSION, string][]} */
export const SINGLE = [
  ["VIEW", "See the screen"],
  ["AUDIO_OUT", "Hear it"],
  ["POINTER", "Move and click"],
  ["KEYBOARD", "Type"],
  ["ANNOTATE", "Draw and point over it"],
  ["MONITORS", "Choose monitors and sizes"],
  ["CLIPBOARD_OUT", "Read its clipboard"],
  ["CLIPBOARD_IN", "Set its clipboard"],
  ["FILES_OUT", "Fetch files"],
  ["FILES_IN", "Send files"],
  ["AUDIO_IN", "Speak there"],
  ["BLANK", "Blank its screen"],
  ["POWER", "Lock, restart, shut down"],
  ["RECORD", "Record"],
  ["TERMINAL", "Run commands"],
  ["TUNNEL", "Connect through it"],
  ["MANAGE", "Change its settings"],
];

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
