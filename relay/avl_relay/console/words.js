/**
 * Words: everything that the console says, in the language of who reads it, from one catalogue (words/*.json).
 *
 * `t("devices.online")` is the sentence of that key; `{name}` in it is a placeholder, and what fills it is text, never
 * markup. A key that ends in `.one` and `.other` is a number's: `count("list.all", 3)`.
 */

export const LANGUAGES = /** @type {const} */ ({ en: "English", de: "Deutsch", pt: "Português" });
/** @typedef {keyof typeof LANGUAGES} Language */

const KEPT = "avl-console-language";

/** @type {Map<string, string>} */
let words = new Map();
/** @type {Language} */
let language = "en";

/** The language that was chosen here, or the first of the browser's that there are words in. @returns {Language} */
export function preferred() {
  const asked = [localStorage.getItem(KEPT) ?? "", ...navigator.languages].map((one) => one.slice(0, 2).toLowerCase());
  return /** @type {Language} */ (asked.find((one) => one in LANGUAGES) ?? "en");
}

/** Speak a language from now on. @param {Language} wanted @param {boolean} [chosen]  by a person: remembered */
export async function speak(wanted, chosen = false) {
  const answer = await fetch(new URL(`words/${wanted}.json`, import.meta.url));
  words = flat(await answer.json());
  language = wanted;
  document.documentElement.lang = wanted;
  if (chosen) localStorage.setItem(KEPT, wanted);
}

/** The language that is spoken. */
export function spoken() {
  return language;
}

/** The sentence of a key. @param {string} key @param {Record<string, string | number>} [values] @returns {string} */
export function t(key, values = {}) {
  return (words.get(key) ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether there is a sentence of a key. @param {string} key */
export function known(key) {
  return words.has(key);
}

/** The sentence of a key for a number `n`. @param {string} key @param {number} n @param {Record<string, string | number>}
 * [values] */
export function count(key, n, values = {}) {
  const form = new Intl.PluralRules(language).select(n) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { ...values, n: number(n) });
}

/** A number as it is written here. @param {number} n @param {Intl.NumberFormatOptions} [how] */
export function number(n, how) {
  return new Intl.NumberFormat(language, how).format(n);
}

/** A time in the past or future, as people say it. @param {number | null | undefined} seconds  Unix time @param {number}
 * [now]  Unix seconds, by the relay's clock where that is known */
export function when(seconds, now = Date.now() / 1000) {
  if (!seconds) return t("time.never");
  const ahead = seconds - now;
  const size = Math.abs(ahead);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  if (size < 60) return t(ahead > 0 ? "time.soon" : "time.now");
  if (size < 3600) return format.format(Math.round(ahead / 60), "minute");
  if (size < 86_400 * 2) return format.format(Math.round(ahead / 3600), "hour");
  return format.format(Math.round(ahead / 86_400), "day");
}

/** A moment exactly, in this browser's zone. @param {number} seconds  Unix time */
export function moment(seconds) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(seconds * 1000);
}

/** The same in figures alone, where there is little room. @param {number} seconds  Unix time */
export function brief(seconds) {
  return new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" }).format(seconds * 1000);
}

/** A catalogue with its keys in one row: `{ a: { b: "c" } }` is `a.b`. @param {any} tree @param {string} [above] @param
 * {Map<string, string>} [into] */
export function flat(tree, above = "", into = new Map()) {
  for (const [name, value] of Object.entries(tree)) {
    const key = above ? `${above}.${name}` : name;
    if (typeof value === "string") into.set(key, value);
    else flat(value, key, into);
  }
  return into;
}
