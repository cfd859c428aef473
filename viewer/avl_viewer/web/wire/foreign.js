/**
 * Foreign text: what a host or a relay chose, made fit to be shown. The page still puts it into text nodes only.
 */

/** Characters of one foreign string. */
export const LONGEST = 400;
/** Marks on one letter: more of them paint over the lines above and below. */
const HEAPED = /(?<=[\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]/gu;
/** Controls, format characters and what has no shape; without the joiners of letters and emoji, which move nothing. */
const INVISIBLE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** One line for a page, with escapes for what can't be seen, and with single spaces. @param {string} text @param
 * {number} longest */
export function forDialog(text, longest = LONGEST) {
  const line = text.replace(/\s+/gu, " ").trim().replace(HEAPED, shown).replace(INVISIBLE, shown);
  const characters = [...line];
  return characters.length <= longest ? line : `${characters.slice(0, longest - 1).join("")}…`;
}

/** @param {string} character */
function shown(character) {
  const digits = (character.codePointAt(0) ?? 0).toString(16);
  if (digits.length <= 2) return `\\x${digits.padStart(2, "0")}`;
  return digits.length <= 4 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}
