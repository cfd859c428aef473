/**
 * Limiting: what sessions at a desktop, or at those of a group, may at most, and how long they last, whatever was
 * permitted; signed by its owner, and so of running sessions at once.
 */

import { OWNER } from "../../rights/effective.js";
import { h, form, labelled } from "../dom.js";
import { LONGEST, ROLES, SINGLE } from "../roles.js";
import { policy, UNDECIDED } from "../statements.js";
import { dialog, tell } from "../surroundings.js";
import { span } from "../words.js";
import { permissionChoice } from "./permissionchoice.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** How old what a host knows of what was taken back may be, in seconds; 0: as old as hosts take it at all. @type
 * {[string, number][]} */
const STALE = [["A day", 0], ["1 hour", 3600], ["6 hours", 6 * 3600], ["12 hours", 12 * 3600]];

/** @param {Surroundings} around @param {{ audience: string, name: string }} place */
export async function limitDialog(around, { audience, name }) {
  const key = around.ownKey;
  if (!key) throw new Error("Unlock your key first.");
  const last = await around.lastPolicy(audience);
  const now = last ?? UNDECIDED;
  const roles = [{ id: "ALL", text: "What was permitted", permissions: OWNER }, ...ROLES.map((one) => ({ ...one, text: `${one.name}: ${one.text}` }))];
  const most = permissionChoice("At most", "most", roles, now.p, [...SINGLE, ["DELEGATE", "Hand it on"]]);
  const longest = choice("longest", kept(LONGEST, now.max_s ?? 0, span(now.max_s ?? 0)), now.max_s ?? 0);
  const consent = choice("asked", [["As it was permitted", "never"], ["Somebody there is asked the first time", "first"], ["Somebody there is asked each time", "always"]], now.consent);
  const browser = h("input", { type: "checkbox", name: "browser", checked: now.browser });
  const stale = choice("stale", kept(STALE, now.max_stale ?? 0, span(now.max_stale ?? 0)), now.max_stale ?? 0);
  const set = await dialog((close) => [
    h("h2", {}, `Limit ${name}`),
    h("p", {}, "For everybody, you too, from now on: also for who is there now."),
    form(
      {
        act: async () => {
          const changed = { p: most.read(), max_s: Number(longest.value) || null, consent: consent.value, browser: browser.checked, max_stale: Number(stale.value) || null };
          await around.api.call("POST", "/statements", { token: await policy(key, audience, last, changed) });
          await around.freshen();
          close(true);
        },
        submit: "Limit",
        more: [h("button", { type: "button", onclick: () => close() }, "Cancel")],
      },
      ...most.fields,
      labelled("At the desktop", consent),
      h("div", { class: "two" }, labelled("A session lasts", longest), labelled("News of what was taken back", stale, "Older than that, permissions open nothing.")),
      h("label", { class: "inline" }, browser, "Also in browsers, not only in programs"),
    ),
  ]);
  if (set) tell("That holds now.");
}

/** @template {string | number} T @param {string} name @param {[string, T][]} choices @param {T} chosen */
function choice(name, choices, chosen) {
  return h("select", { name }, ...choices.map(([text, value]) => h("option", { value, selected: value === chosen }, text)));
}

/** These choices, with what holds now where it is none of them. @param {[string, number][]} choices @param {number} now
 * @param {string} text @returns {[string, number][]} */
function kept(choices, now, text) {
  return choices.some(([, value]) => value === now) ? choices : [...choices, [text, now]];
}
