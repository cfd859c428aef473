/**
 * Device IDs as people read and type them: 28 Crockford base32 characters with a check value (spec 06-security, 6.1).
 */

export const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Bytes of a device number where it travels. */
export const NUMBER_BYTES = 17;

/** Characters that are read as others. @type {Record<string, string>} */
const READ_AS = { O: "0", I: "1", L: "1" };

/** The device ID of a 130-bit device number. @param {bigint} number @returns {string} */
export function toText(number) {
  const value = number * 1024n + (number % 1021n);
  let text = "";
  for (let shift = 135n; shift >= 0n; shift -= 5n) text += ALPHABET[Number((value >> shift) & 31n)];
  return showCode(text);
}

/** The device number of a device ID in any case, with or without dashes and spaces. Throws Error saying what is wrong.
 * @param {string} text @returns {bigint} */
export function fromText(text) {
  const characters = [...text.toUpperCase()].filter((character) => character !== "-" && character !== " ");
  if (characters.length !== 28) throw new Error(`a device ID has 28 characters, this has ${characters.length}`);
  let value = 0n;
  for (const character of characters) {
    const digit = ALPHABET.indexOf(READ_AS[character] ?? character);
    if (digit < 0) throw new Error(`"${character}" is not a character of a device ID`);
    value = value * 32n + BigInt(digit);
  }
  const number = value >> 10n;
  if (number % 1021n !== (value & 1023n)) throw new Error("the device ID has a typing error: its check value does not fit");
  return number;
}

/** A code as it is compared: upper case, letters and digits only, O, I, L read as 0, 1, 1. @param {string} code
 * @returns {string} */
export function normaliseCode(code) {
  const kept = code.toUpperCase().replace(/[^0-9A-Z]/g, "");
  return kept.replace(/[OIL]/g, (character) => READ_AS[character]);
}

/** A code as it is printed: groups of four. @param {string} code @returns {string} */
export function showCode(code) {
  return (code.match(/.{1,4}/g) ?? []).join("-");
}
