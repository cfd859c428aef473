/**
 * Rights: what the session may now and when it ends, as the host says, and what a person is told of it (spec 11, 11.6).
 */

import { PERMISSION, PERMISSION_WORDS, RIGHTS_REASON } from "../wire/registry.js";

/** What a person calls the permissions that this viewer has a use for. @type {[number, string][]} */
const WORDS = [
  [PERMISSION.POINTER, "use the pointer"],
  [PERMISSION.KEYBOARD, "type"],
  [PERMISSION.CLIPBOARD_OUT, "read the clipboard"],
  [PERMISSION.CLIPBOARD_IN, "set the clipboard"],
  [PERMISSION.ANNOTATE, "draw"],
  ...[PERMISSION.FILES_IN, PERMISSION.FILES_OUT, PERMISSION.AUDIO_OUT, PERMISSION.AUDIO_IN, PERMISSION.MONITORS].map(
    (one) => /** @type {[number, string]} */ ([one, PERMISSION_WORDS[/** @type {keyof typeof PERMISSION_WORDS} */ (one)]]),
  ),
];

/** Tells the page. */
export class RightsService {
  /** @param {(message: Record<string, any>) => void} tell */
  constructor(tell) {
    this._tell = tell;
    this._permissions = 0;
  }

  /** GRANT said what it may. @param {{ permissions: number }} session */
  admitted({ permissions }) {
    this._permissions = permissions;
  }

  /** The host says what it may from now on, and until when.
   * @param {{ permissions: number, until: number, why: number }} rights */
  told({ permissions, until, why }) {
    const before = this._permissions;
    this._permissions = permissions;
    let text = changes(before, permissions);
    const ends = why === RIGHTS_REASON.ENDING || (why === RIGHTS_REASON.CHANGED && !text);
    if (until && ends) text = `This session ends in ${span(until / 1000)}.`;
    this._tell({ say: "rights", permissions, until, text });
  }
}

/** What a person is told when permissions change; "" where there is nothing to tell. @param {number} before @param
 * {number} after */
export function changes(before, after) {
  const words = (/** @type {number} */ bits) => WORDS.filter(([one]) => bits & one).map(([, word]) => word);
  const [taken, given] = [words(before & ~after), words(after & ~before)];
  const sentences = [];
  if (taken.length) sentences.push(`You may no longer ${listed(taken)}.`);
  if (given.length) sentences.push(`You may ${listed(given)} now.`);
  return sentences.join(" ");
}

/** A time until an end, in words. @param {number} seconds */
export function span(seconds) {
  const minutes = Math.round(seconds / 60);
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} seconds`;
  if (minutes < 120) return `${minutes} minute${minutes > 1 ? "s" : ""}`;
  return `${Math.round(minutes / 60)} hours`;
}

/** @param {string[]} words */
function listed(words) {
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`;
}
