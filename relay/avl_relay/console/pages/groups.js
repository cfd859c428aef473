/**
 * Groups: of people, which the relay keeps, and of devices, which their owner's key signs and hosts believe. What is
 * permitted to a group of people is permitted to each; what is permitted or limited for a group of devices is so for its
 * devices.
 */

import { foreign, h, put } from "../../account/dom.js";
import { List } from "../elements/list.js";
import { failed } from "../elements/toast.js";
import { icon } from "../icons.js";
import { hashOf } from "../router.js";
import { count, t } from "../words.js";
import { deviceGroupDialog, peopleGroupDialog } from "./group.js";
import { keyNotice } from "./keynotice.js";
import { limitDialog } from "./limit.js";

/** @typedef {import("../desk.js").Visit} Visit */

/** @param {Visit} visit */
export async function open({ desk, into, query, signal, head }) {
  const kind = query.get("kind") === "devices" ? "devices" : "people";
  const ofPeople = kind === "people";
  const counted = h("span", { class: "count", role: "status" });
  const may = ofPeople ? desk.administers : desk.ownKey !== null;
  const change = (/** @type {any} */ group) => (ofPeople ? peopleGroupDialog(desk, group) : deviceGroupDialog(desk, group)).then((done) => (done ? list.reload() : undefined));
  const button = (/** @type {string} */ id) => may && h("button", { type: "button", class: "primary", id, onclick: () => void change(null).catch(failed) }, t("groups.new"));
  const actions = (/** @type {any} */ group) => h(
    "div",
    { class: "row" },
    !ofPeople && h("button", { type: "button", disabled: !desk.ownKey, "aria-label": t("groups.limitOf", { name: foreign(group.name, 60) }), onclick: () => void limitDialog(desk, { audience: `group:${group.name}`, name: foreign(group.name, 60) }).catch(failed) }, t("groups.limit")),
    may && h("button", { type: "button", "aria-label": t("groups.changeOf", { name: foreign(group.name, 60) }), onclick: () => void edit(group) }, t("groups.change")),
  );
  const edit = async (/** @type {any} */ group) => change(await desk.api.call("GET", `/groups/${group.id}`)).catch(failed);
  const list = new List({
    label: t(`groups.of.${kind}`),
    key: (group) => group.id,
    source: (after) => desk.api.call("GET", `/groups?${new URLSearchParams({ kind, limit: "100", ...(after ? { after } : {}) })}`),
    columns: [
      { title: t("groups.name"), width: "50%", by: (group) => group.name, cell: (group) => h("div", { class: "name" }, h("strong", { title: foreign(group.name, 200) }, foreign(group.name, 128)), h("span", { class: "quiet" }, count(`groups.size.${kind}`, group.size))) },
      { title: "", heard: t("groups.change"), width: "50%", cell: actions },
    ],
    empty: () => h("div", { class: "empty" }, icon("groups"), h("h2", {}, t(`groups.none.${kind}`)), h("p", {}, t(`groups.noneText.${kind}`)), button("first-group")),
    counted: (text) => put(counted, text),
  });
  const tab = (/** @type {string} */ name) => h("a", { class: "button", href: hashOf("groups", "", { kind: name }), "aria-current": name === kind ? "true" : null }, t(`groups.of.${name}`));
  head(t("groups.title"), button("new-group"));
  put(into, ofPeople ? null : keyNotice(desk), h("div", { class: "filters" }, h("nav", { class: "switch", "aria-label": t("groups.which") }, tab("people"), tab("devices")), counted), list);
  desk.events.on(["rights", "device", "resync"], () => list.reloadSoon(), signal);
  await list.reload();
}
