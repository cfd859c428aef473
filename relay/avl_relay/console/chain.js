/**
 * The chain: whether the relay's audit log is still the one that this browser has seen before (spec 14). The newest head
 * that was proved is kept here, where the relay can't reach it; a later one has to begin with it.
 */

import { encode, fromLine, link } from "../audit/entry.js";
import { headOf, verdict } from "../audit/head.js";
import { fromHex, toHex } from "../audit/hex.js";
import { equal } from "../wire/bytes.js";

/** Where the newest head lies that was proved, and the two that contradict each other. */
const KEPT = "avl-console-audit-head";
const EVIDENCE = "avl-console-audit-evidence";

/**
 * @typedef {"first" | "next" | "older" | "forked" | "forged" | "rekeyed" | "none"} Verdict  `rekeyed`: signed by another
 * key than before; `none`: the relay shows no head
 * @typedef {object} State
 * @property {Verdict} verdict
 * @property {any} head  that the relay shows
 * @property {any} kept  that was kept before; null: none
 * @property {string} trouble  why the relay can't write its log now
 *
 * @typedef {{ getItem: (key: string) => string | null, setItem: (key: string, value: string) => void, removeItem: (key:
 * string) => void }} Keeping
 */

/** What is wrong with a log for good: more than that nobody has seen it before. */
export const BROKEN = Object.freeze(["older", "forked", "forged", "rekeyed"]);

/** Ask the relay for its head, and prove it. What is proved is kept; what is not stays as evidence beside what was kept.
 * @param {(path: string) => Promise<any>} ask  a GET of the API @param {Keeping} keeping @returns {Promise<State>} */
export async function lookAt(ask, keeping) {
  const { head: shown, trouble } = await ask("/audit/head");
  const kept = read(keeping.getItem(KEPT));
  if (!shown) return { verdict: "none", head: null, kept, trouble };
  const found = await judged(ask, shown, kept);
  if (found === "first" || found === "next") keeping.setItem(KEPT, JSON.stringify(shown));
  else keeping.setItem(EVIDENCE, JSON.stringify({ kept, shown }));
  return { verdict: found, head: shown, kept, trouble };
}

/** The two heads that contradict each other; null: there are none. @param {Keeping} keeping @returns {any} */
export function evidence(keeping) {
  return read(keeping.getItem(EVIDENCE));
}

/** Begin anew with what the relay shows, for who knows why: a relay that was set up again, for one. @param {any} head
 * @param {Keeping} keeping */
export function believe(head, keeping) {
  keeping.setItem(KEPT, JSON.stringify(head));
  keeping.removeItem(EVIDENCE);
}

/** Whether these entries follow each other, newest first and none left out, and the head's last is the one among them.
 * @param {any[]} entries  as the API lists them @param {any} shown  a head, or null @returns {Promise<boolean>} */
export async function whole(entries, shown) {
  const head = headOf(shown);
  /** What the entry has to be that comes next. @type {Uint8Array | null} */
  let wanted = null;
  try {
    for (const [at, line] of entries.entries()) {
      const entry = await fromLine(JSON.stringify(line));
      if (at && entry.seq !== entries[at - 1].seq - 1) return false;
      const made = await link(encode(entry));
      if (wanted && !equal(made, wanted)) return false;
      if (entry.seq + 1 === head?.size && !equal(made, head.chain)) return false;
      wanted = entry.prev;
    }
  } catch {
    return false;
  }
  return true;
}

/** @param {(path: string) => Promise<any>} ask @param {any} shown @param {any} before @returns {Promise<Verdict>} */
async function judged(ask, shown, before) {
  const head = headOf(shown);
  const kept = headOf(before);
  if (!head) return "forged";
  if (kept && toHex(kept.key) !== toHex(head.key)) return "rekeyed";
  /** @type {Uint8Array[]} */
  let proof = [];
  if (kept && kept.size < head.size) {
    const told = await ask(`/audit/consistency?from=${kept.size}&to=${head.size}`);
    const hashes = told.proof.map(fromHex);
    if (hashes.includes(null)) return "forked";
    proof = hashes;
  }
  return verdict(head, proof, kept);
}

/** @param {string | null} text @returns {any} */
function read(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
