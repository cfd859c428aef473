/**
 * Names: which paths may be made of what another machine says, and what a half-written file is called (spec 15, 15.2).
 *
 * What a name may be is a matter of the receiving system; that it leads nowhere else is not.
 */

import { MAX } from "../wire/registry.js";

/** The end of the name of a file that is not whole yet. */
export const PART = ".avl-part";
/** Names that Windows keeps for devices, whatever follows a dot. */
const DEVICES = /^(con|prn|aux|nul|(com|lpt)[1-9¹²³])$/;
const ENCODER = new TextEncoder();

/**
 * @typedef {object} Naming  What a system thinks of names.
 * @property {boolean} devices  it has Windows' forbidden names and characters
 * @property {boolean} folds  it takes names that differ only in case for one
 */

/** @type {Naming} */
export const POSIX = Object.freeze({ devices: false, folds: false });
/** @type {Naming} */
export const WINDOWS = Object.freeze({ devices: true, folds: true });
/** @type {Naming} */
export const MACOS = Object.freeze({ devices: false, folds: true });

/** What this machine's system usually thinks of them. @param {string} platform  as `navigator.platform` says it */
export function namingHere(platform) {
  return platform.startsWith("Win") ? WINDOWS : platform.startsWith("Mac") || platform.startsWith("iP") ? MACOS : POSIX;
}

/** What is the same for names that the system takes for one. @param {string} name @param {Naming} naming */
export function keyOf(name, naming) {
  return naming.folds ? name.normalize("NFC").toLowerCase() : name;
}

/** Bytes of a text as it travels. @param {string} text */
export function bytesOf(text) {
  return ENCODER.encode(text).length;
}

/** Whether a file may have this name (R-SESS-265). @param {string} name @param {Naming} [naming] */
export function isName(name, naming = POSIX) {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.endsWith(PART)) return false;
  if (/[\p{Cc}\p{Cs}]/u.test(name) || bytesOf(name) > MAX.FILE_NAME) return false;
  if (!naming.devices) return true;
  const stem = name.split(".", 1)[0].replace(/ +$/, "").toLowerCase();
  return !/[. ]$/.test(name) && !/[<>:"\\|?*]/.test(name) && !DEVICES.test(stem);
}

/** The names of a relative path; null where it is none. @param {string} path @param {Naming} [naming] @returns {string[]
 * | null} */
export function namesOf(path, naming = POSIX) {
  if (bytesOf(path) > MAX.FILE_PATH) return null;
  const names = path.split("/");
  return names.length <= MAX.FILE_DEPTH && names.every((name) => isName(name, naming)) ? names : null;
}

/** What a file of this name is called until it is whole: it lies beside it, hidden. @param {string} name @returns
 * {Promise<string>} */
export async function partOf(name) {
  const part = `.${name}${PART}`;
  if (bytesOf(part) <= MAX.FILE_NAME) return part;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", ENCODER.encode(name)));
  return `.${[...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("")}${PART}`;
}
