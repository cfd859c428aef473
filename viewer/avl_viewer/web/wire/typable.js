/**
 * What can be typed: the characters that KEY and TEXT events carry (spec 03-wire, 3.4.3). Not what can be seen: spaces
 * of every kind, joiners, private use and new characters are text like any other.
 */

/** Text to type, with one kind of line end. @param {string} text */
export const typedLines = (text) => text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");

/**
 * Where the first character is that can't be typed, from 0, and its code point; null where there is none. Line feeds
 * and tabs can.
 * @param {string} text @returns {{ at: number, point: number } | null}
 */
export function untypable(text) {
  for (const [at, character] of [...text].entries()) {
    const point = character.codePointAt(0) ?? 0;
    const control = (point < 0x20 && character !== "\n" && character !== "\t") || (point >= 0x7f && point <= 0x9f);
    const surrogate = point >= 0xd800 && point <= 0xdfff;
    const noncharacter = (point & 0xfffe) === 0xfffe || (point >= 0xfdd0 && point <= 0xfdef);
    if (control || surrogate || noncharacter) return { at, point };
  }
  return null;
}

/** The same for a person. @param {{ at: number, point: number }} found */
export const untypableSentence = ({ at, point }) =>
  `Character ${at + 1} can't be typed: U+${point.toString(16).toUpperCase().padStart(4, "0")}. Nothing was typed.`;
