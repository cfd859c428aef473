/**
 * One device: what is known of it, its name, labels and groups to be changed, and its end.
 */

import { deviceAudience } from "../../rights/statements.js";
import { fromText } from "../../wire/device_id.js";
import { foreign, h } from "../../account/dom.js";
import { namesOf, regroup } from "../../account/views/grouping.js";
import { ask, sure } from "../elements/dialog.js";
import { toast } from "../elements/toast.js";
import { form, labelled } from "../forms.js";
import { moment, t, when } from "../words.js";
import { connect, dashed } from "./connect.js";
import { shareDialog } from "./share.js";

/** @typedef {import("../desk.js").Desk} Desk */

/** @param {Desk} desk @param {any} device @param {import("../pictures.js").Pictures | null} pictures @returns {Promise<boolean>}  whether something changed */
export async function deviceDialog(desk, device, pictures) {
  const mine = desk.ownKey !== null && device.owner_thumbprint === desk.ownKey.thumbprint;
  const may = device.mine || desk.administers;
  const audience = deviceAudience(fromText(device.number));
  const inside = mine ? await desk.groupsOf(audience) : [];
  const name = h("input", { name: "name", maxlength: 128, value: foreign(device.name, 128) });
  const labels = h("input", { name: "labels", value: device.labels.map((/** @type {string} */ one) => foreign(one, 64)).join(", ") });
  const groups = h("input", { name: "groups", value: inside.map((one) => foreign(one, 64)).join(", ") });
  const before = { name: device.name, labels: device.labels };
  const change = (/** @type {any} */ values) => desk.api.call("PATCH", `/devices/${device.number}`, values);
  const done = await ask({
    title: foreign(device.name, 128) || t("devices.nameless"),
    wide: true,
    body: (close) => [
      h("div", { class: "row" }, connect(desk, device), mine && h("button", { type: "button", onclick: () => close("share") }, t("shares.make"))),
      pictures?.has(device.number) && pictures.of(device),
      pictures?.has(device.number) && h("p", { class: "quiet" }, t("devices.picture.sealed")),
      h("dl", { class: "facts" }, ...facts(device).flatMap(([word, value]) => [h("dt", {}, t(word)), h("dd", {}, value)])),
      may && form(
        {
          act: async () => {
            const now = { name: name.value.trim(), labels: labels.value.split(",").map((one) => one.trim()).filter(Boolean) };
            await change(now);
            if (mine) await regroup(desk, audience, inside, namesOf(groups.value));
            close("saved");
          },
          submit: t("devices.save"),
          more: [
            h("button", { type: "button", class: "danger", onclick: () => close("revoke") }, device.state === "revoked" ? t("devices.forget") : t("devices.revoke")),
            h("button", { type: "button", onclick: () => close() }, t("dialog.cancel")),
          ],
        },
        labelled(t("devices.name"), name),
        labelled(t("devices.labels"), labels, t("devices.labelsHint")),
        mine && labelled(t("devices.groups"), groups, t("devices.groupsHint")),
      ),
    ],
  });
  if (done === "share") {
    await shareDialog(desk, device);
    return false;
  }
  if (done === "revoke") return revoke(desk, device);
  if (done === "saved") toast(t("devices.saved"), { undo: () => change(before) });
  return Boolean(done);
}

/** @param {any} device @returns {[string, string][]} */
function facts(device) {
  const state = device.online ? t("devices.onlineSince", { when: when(device.since) }) : t("devices.seen", { when: when(device.seen) });
  return [
    ["devices.state", device.state === "revoked" ? t("devices.revoked") : state],
    ["devices.id", dashed(device.number)],
    ["devices.reported", foreign(device.reported, 128) || "–"],
    ["devices.system", foreign(device.system, 128) || "–"],
    ["devices.software", foreign(device.software, 128) || "–"],
    ["devices.enrolled", moment(device.enrolled)],
    ["devices.allGroups", device.groups.map((/** @type {string} */ one) => foreign(one, 64)).join(", ") || "–"],
  ];
}

/** @param {Desk} desk @param {any} device */
async function revoke(desk, device) {
  const again = device.state === "revoked";
  const name = foreign(device.name, 60);
  const gone = await sure({
    title: t(again ? "devices.forgetTitle" : "devices.revokeTitle", { name }),
    text: t(again ? "devices.forgetText" : "devices.revokeText"),
    yes: t(again ? "devices.forget" : "devices.revoke"),
    act: () => desk.api.call("DELETE", `/devices/${device.number}`),
  });
  if (gone) toast(t(again ? "devices.forgotten" : "devices.revokedNow", { name }));
  return gone;
}
