/**
 * A chooser: some of many things, found by typing. `chooser({ label, source, key, text, chosen, single })` has `element`, to
 * be put into a form, and `read()`, the keys that are chosen now. What was chosen stays chosen while one searches on.
 */

import { h, labelled, put } from "../../account/dom.js";
import { explained } from "../problems.js";
import { count, t } from "../words.js";

/** Milliseconds without a key pressed after which is searched. */
const PAUSE = 150;

/**
 * @template T
 * @param {object} asked
 * @param {string} asked.label  what is chosen
 * @param {(query: string) => Promise<{ items: T[], next: string | null }>} asked.source  what fits
 * @param {(item: T) => string} asked.key
 * @param {(item: T) => string} asked.text
 * @param {Iterable<string>} [asked.chosen]  keys
 * @param {boolean} [asked.single]  one alone
 * @returns {{ element: HTMLElement, read: () => Set<string>, ready: Promise<void> }}
 */
export function chooser({ label, source, key, text, chosen = [], single = false }) {
  const kept = new Set(chosen);
  const search = h("input", { type: "search", maxlength: 128, placeholder: t("chooser.search"), autocomplete: "off" });
  const boxes = h("div", { class: "choices-of-many", role: "group", "aria-label": label });
  const counted = h("p", { class: "quiet", role: "status" });
  const group = `chosen-${(chooser.made += 1)}`;
  let turn = 0;
  const tell = (/** @type {boolean} */ more) => put(counted, [count("chooser.chosen", kept.size), more ? t("chooser.more") : ""].filter(Boolean).join(" "));
  const load = async () => {
    const mine = (turn += 1);
    try {
      const { items, next } = await source(search.value.trim());
      if (mine !== turn) return;
      put(boxes, ...items.map((item) => {
        const box = h("input", { type: single ? "radio" : "checkbox", name: group, value: key(item), checked: kept.has(key(item)) });
        box.addEventListener("change", () => {
          if (single) kept.clear();
          if (box.checked) kept.add(box.value);
          else kept.delete(box.value);
          tell(next !== null);
        });
        return h("label", { class: "check" }, box, h("span", {}, text(item)));
      }));
      if (!items.length) put(boxes, h("p", { class: "quiet" }, t("chooser.none")));
      tell(next !== null);
    } catch (error) {
      if (mine === turn) put(boxes, h("p", { class: "error", role: "alert" }, explained(error)));
    }
  };
  /** @type {ReturnType<typeof setTimeout>} */
  let typing;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => void load(), PAUSE);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it searches, it does not send the form
  });
  return { element: h("div", { class: "fields" }, labelled(label, search), boxes, counted), read: () => new Set(kept), ready: load() };
}
chooser.made = 0;
