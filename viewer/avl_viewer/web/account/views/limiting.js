/**
 * Limiting: what sessions at a desktop may at most, and how long they last, whatever was permitted; signed by its owner,
 * and so of running sessions at once.
 */

import { deviceAudience } from "../../rights/statements.js";
import { fromText } from "../../wire/device_id.js";
import { foreign, form, h, labelled } from "../dom.js";
import { LONGEST, ROLES } from "../roles.js";
import { policy } from "../statements.js";
import { dialog, tell } from "../surroundings.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** All permissions that there are and will be. */
const NO_LIMIT = 2 ** 32 - 1;

/** @param {Surroundings} around @param {any} device */
export async function limitDialog(around, device) {
  const key = around.ownKey;
  if (!key) throw new Error("Unlock your key first.");
  const audience = deviceAudience(fromText(device.number));
  const last = await around.lastPolicy(audience);
  const roles = /** @type {[string, number][]} */ ([["What was permitted", NO_LIMIT], ...ROLES.map((one) => [`${one.name}: ${one.text}`, one.permissions])]);
  const most = choice("most", kept(roles, last?.p ?? NO_LIMIT), last?.p ?? NO_LIMIT);
  const longest = choice("longest", kept(LONGEST, last?.max_s ?? 0), last?.max_s ?? 0);
  const set = await dialog((close) => [
    h("h2", {}, `Limit ${foreign(device.name)}`),
    h("p", {}, "For everybody, you too, from now on: also for who is there now."),
    form(
      {
        act: async () => {
          const token = await policy(key, audience, last, Number(most.value), Number(longest.value));
          await around.api.call("POST", "/statements", { token });
          await around.freshen();
          close(true);
        },
        submit: "Limit",
        more: [h("button", { type: "button", onclick: () => close() }, "Cancel")],
      },
      labelled("At most", most),
      labelled("A session lasts", longest),
    ),
  ]);
  if (set) tell("That holds now.");
}

/** @param {string} name @param {[string, number][]} choices @param {number} chosen */
function choice(name, choices, chosen) {
  return h("select", { name }, ...choices.map(([text, value]) => h("option", { value, selected: value === chosen }, text)));
}

/** These choices, with what holds now where it is none of them. @param {[string, number][]} choices @param {number} now
 * @returns {[string, number][]} */
function kept(choices, now) {
  return choices.some(([, value]) => value === now) ? choices : [...choices, ["As it is", now]];
}
