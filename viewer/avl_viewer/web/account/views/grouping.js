/**
 * Groups: of one's own devices, which the person's key signs and hosts believe, and of people, which the relay keeps.
 */

import { action, foreign, form, h, labelled } from "../dom.js";
import { policy } from "../statements.js";
import { confirmed, dialog, tell } from "../surroundings.js";
import { checkGroup } from "../terms.js";
import { limitDialog } from "./limiting.js";
import { permitDialog } from "./permitting.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** Groups of our own devices; null where there is none. @param {Surroundings} around @param {any[]} devices */
export function deviceGroupCard(around, devices) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  const key = around.ownKey;
  for (const device of devices) {
    if (!key || device.owner_thumbprint !== key.thumbprint) continue;
    for (const name of device.groups) groups.set(name, [...(groups.get(name) ?? []), foreign(device.name, 40)]);
  }
  if (!groups.size) return null;
  const rows = [...groups].sort().map(([name, inside]) => {
    const place = { audience: `group:${name}`, name: `group ${foreign(name, 40)}` };
    return h(
      "li",
      { "data-group": name },
      h("div", { class: "what" }, h("strong", {}, foreign(name)), h("span", { class: "quiet" }, inside.join(", "))),
      action("Permit", () => permitDialog(around, place), tell, { "data-act": "permit-group" }),
      action("Limit", () => limitDialog(around, place), tell, { "data-act": "limit-group" }),
    );
  });
  return h("section", { class: "card" }, h("h2", {}, "Groups of devices"), h("ul", { class: "list", id: "device-groups" }, ...rows));
}

/** The names of groups that are written with commas between. @param {string} written */
export function namesOf(written) {
  return written.split(",").map((one) => one.trim()).filter(Boolean);
}

/** Put a device in these groups, where they are others than before. @param {Surroundings} around @param {string} audience
 * @param {string[]} before @param {string[]} wanted */
export async function regroup(around, audience, before, wanted) {
  const names = [...new Set(wanted)].sort();
  if (names.join("\n") === [...before].sort().join("\n")) return;
  names.forEach(checkGroup);
  const key = around.ownKey;
  if (!key) throw new Error("Unlock your key first.");
  await around.api.call("POST", "/statements", { token: await policy(key, audience, await around.lastPolicy(audience), { groups: names }) });
  await around.freshen();
}

/** Groups of people, changed by who runs the relay; null where there is nothing to see or do. @param {Surroundings} around
 * @param {any[]} groups @param {any[]} people @param {boolean} runs @param {() => void} again */
export function peopleGroupCard(around, groups, people, runs, again) {
  if (!groups.length && !runs) return null;
  const names = new Map(people.map((one) => [one.id, foreign(one.name || one.login, 40)]));
  const rows = groups.map((group) =>
    h(
      "li",
      { "data-group": group.name },
      h("div", { class: "what" }, h("strong", {}, foreign(group.name)), h("span", { class: "quiet" }, group.members.map((/** @type {string} */ id) => names.get(id) ?? "somebody").join(", ") || "Nobody is in it yet.")),
      runs && action("Change", () => changeDialog(around, people, group).then(again), tell, { "data-act": "change-group" }),
      runs && action("Remove", async () => {
        const gone = await confirmed(`Remove ${foreign(group.name)}?`, "What people were permitted stays: take it back apart, below.", "Remove", () => around.api.call("DELETE", `/groups/${group.id}`));
        if (gone) again();
      }, tell, { class: "danger" }),
    ));
  const make = runs && action("New group", () => changeDialog(around, people, null).then(again), tell, { id: "new-group" });
  const list = h("ul", { class: "list", id: "people-groups" }, ...(rows.length ? rows : [h("li", { class: "empty" }, "No group yet. A desktop is permitted to all who are in a group at once.")]));
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, "Groups of people"), make), list);
}

/** @param {Surroundings} around @param {any[]} people @param {any} group  null: a new one */
async function changeDialog(around, people, group) {
  const name = h("input", { name: "group", maxlength: 64, value: group ? foreign(group.name, 64) : "" });
  const before = new Set(group?.members ?? []);
  const boxes = people.map((one) => h("input", { type: "checkbox", value: one.id, checked: before.has(one.id) }));
  await dialog((close) => [
    h("h2", {}, group ? foreign(group.name) : "A new group"),
    form(
      {
        act: async () => {
          const wanted = name.value.trim();
          checkGroup(wanted);
          const kept = group ?? (await around.api.make("/groups", { kind: "people", name: wanted }));
          if (group && wanted !== group.name) await around.api.call("PATCH", `/groups/${group.id}`, { name: wanted });
          for (const box of boxes) {
            if (box.checked !== before.has(box.value)) await around.api.call(box.checked ? "PUT" : "DELETE", `/groups/${kept.id}/members/${box.value}`);
          }
          close(true);
        },
        submit: "Save",
        more: [h("button", { type: "button", onclick: () => close() }, "Cancel")],
      },
      labelled("Name", name),
      h("div", { class: "boxes" }, ...people.map((one, at) => h("label", { class: "inline" }, boxes[at], foreign(one.name || one.login, 40)))),
    ),
  ]);
}
