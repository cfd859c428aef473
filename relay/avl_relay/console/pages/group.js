/**
 * One group: its name and who or what is in it. Of people the relay is told; of devices each device's policy is signed anew.
 */

import { deviceAudience } from "../../rights/statements.js";
import { fromText } from "../../wire/device_id.js";
import { foreign, h } from "../../account/dom.js";
import { regroup } from "../../account/views/grouping.js";
import { checkGroup } from "../../account/terms.js";
import { chooser } from "../elements/chooser.js";
import { ask } from "../elements/dialog.js";
import { toast } from "../elements/toast.js";
import { form, labelled } from "../forms.js";
import { t } from "../words.js";
import { nameOf } from "./people.js";

/** @typedef {import("../desk.js").Desk} Desk */

/** @param {Desk} desk @param {any} group  with its members; null: a new one @returns {Promise<boolean>} */
export async function peopleGroupDialog(desk, group) {
  const name = h("input", { name: "group", maxlength: 64, value: group ? foreign(group.name, 64) : "" });
  const before = new Set(/** @type {string[]} */ (group?.members ?? []));
  const members = chooser({
    label: t("groups.members"),
    source: (query) => desk.api.call("GET", `/people?${new URLSearchParams({ limit: "50", ...(query ? { query } : {}) })}`),
    key: (person) => person.id,
    text: nameOf,
    chosen: before,
  });
  const set = (/** @type {string} */ id, /** @type {Set<string>} */ from, /** @type {Set<string>} */ to) => Promise.all([
    ...[...to].filter((one) => !from.has(one)).map((one) => desk.api.call("PUT", `/groups/${id}/members/${one}`)),
    ...[...from].filter((one) => !to.has(one)).map((one) => desk.api.call("DELETE", `/groups/${id}/members/${one}`)),
  ]);
  const again = async () => {
    const made = await desk.api.make("/groups", { kind: "people", name: group.name });
    await set(made.id, new Set(), before);
  };
  let id = group?.id ?? "";
  let after = before;
  const done = await ask({
    title: group ? foreign(group.name, 64) : t("groups.new"),
    body: (close) => [
      form(
        {
          act: async () => {
            const wanted = name.value.trim();
            checkGroup(wanted);
            if (!group) id = (await desk.api.make("/groups", { kind: "people", name: wanted })).id;
            else if (wanted !== group.name) await desk.api.call("PATCH", `/groups/${id}`, { name: wanted });
            after = members.read();
            await set(id, before, after);
            close("saved");
          },
          submit: t("groups.save"),
          more: [
            group && h("button", { type: "button", class: "danger", onclick: () => close("remove") }, t("groups.remove")),
            h("button", { type: "button", onclick: () => close() }, t("dialog.cancel")),
          ],
        },
        labelled(t("groups.name"), name),
        members.element,
      ),
    ],
  });
  if (done === "remove") {
    await desk.api.call("DELETE", `/groups/${id}`);
    toast(t("groups.removed", { name: foreign(group.name, 60) }), { undo: again });
  }
  if (done === "saved") {
    const back = group ? async () => {
      await desk.api.call("PATCH", `/groups/${id}`, { name: group.name });
      await set(id, after, before);
    } : () => desk.api.call("DELETE", `/groups/${id}`);
    toast(t("groups.saved"), { undo: back });
  }
  return Boolean(done);
}

/** @param {Desk} desk @param {any} group  with its members; null: a new one @returns {Promise<boolean>} */
export async function deviceGroupDialog(desk, group) {
  const name = h("input", { name: "group", maxlength: 64, value: group ? foreign(group.name, 64) : "", disabled: Boolean(group) });
  const before = new Set(/** @type {string[]} */ (group?.members ?? []));
  const members = chooser({
    label: t("groups.ownDevices"),
    source: async (query) => {
      const told = await desk.api.call("GET", `/devices?${new URLSearchParams({ limit: "50", ...(query ? { query } : {}) })}`);
      return { ...told, items: told.items.filter((/** @type {any} */ one) => one.owner_thumbprint === desk.ownKey?.thumbprint) };
    },
    key: (device) => device.number,
    text: (device) => foreign(device.name, 80),
    chosen: before,
  });
  const set = async (/** @type {string} */ called, /** @type {Set<string>} */ from, /** @type {Set<string>} */ to) => {
    const moved = [...from, ...to].filter((one, at, all) => from.has(one) !== to.has(one) && all.indexOf(one) === at);
    for (const number of moved) { // one after another: a policy has a number that follows the one before
      const audience = deviceAudience(fromText(number));
      const inside = await desk.groupsOf(audience);
      const wanted = to.has(number) ? [...inside, called] : inside.filter((one) => one !== called);
      await regroup(desk, audience, inside, wanted);
    }
  };
  let after = before;
  let called = group?.name ?? "";
  const done = await ask({
    title: group ? foreign(group.name, 64) : t("groups.new"),
    body: (close) => [
      h("p", { class: "quiet" }, t("groups.signed")),
      form(
        {
          act: async () => {
            called = group?.name ?? name.value.trim();
            checkGroup(called);
            after = members.read();
            if (!group && !after.size) throw new Error(t("groups.chooseFirst"));
            await set(called, before, after);
            close(true);
          },
          submit: t("groups.save"),
          more: [h("button", { type: "button", onclick: () => close() }, t("dialog.cancel"))],
        },
        labelled(t("groups.name"), name, group ? t("groups.nameFixed") : undefined),
        members.element,
      ),
    ],
  });
  if (done) toast(t("groups.saved"), { undo: () => set(called, after, before) });
  return Boolean(done);
}
