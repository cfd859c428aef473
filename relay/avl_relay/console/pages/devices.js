/**
 * Devices: every desktop that one may see, as a table or as cards, whether it is there as it comes and goes, and one button
 * that opens it in the browser's client.
 */

import { foreign, h, put } from "../../account/dom.js";
import { failed } from "../elements/toast.js";
import { List } from "../elements/list.js";
import { icon } from "../icons.js";
import { hashOf } from "../router.js";
import { t, when } from "../words.js";
import { connect } from "./connect.js";
import { keyNotice } from "./keynotice.js";

/** @typedef {import("../desk.js").Visit} Visit */

const KEPT = "avl-console-devices";
/** Milliseconds without a key pressed after which is searched. */
const PAUSE = 150;
/** Groups and labels that are shown of one device. */
const TAGS = 4;
/** Devices of the first answer, which is waited for, and of those that follow. */
const FIRST = 60;
const PAGE = 200;

/** @param {Visit} visit */
export async function open({ desk, into, part, query, signal, head }) {
  const search = h("input", { type: "search", name: "search", class: "search", placeholder: t("devices.search"), "aria-label": t("devices.search"), value: query.get("query") ?? "", maxlength: 128 });
  const state = h("select", { name: "state", "aria-label": t("devices.state") }, ...[["", "any"], ["true", "online"], ["false", "offline"]].map(([value, word]) => h("option", { value, selected: value === (query.get("online") ?? "") }, t(`devices.${word}`))));
  const group = h("select", { name: "group", "aria-label": t("devices.group") });
  const label = h("select", { name: "label", "aria-label": t("devices.label") });
  const counted = h("span", { class: "count", role: "status" });
  const wanted = () => ({ query: search.value.trim(), online: state.value, group: group.value, label: label.value });
  const filtered = () => Object.values(wanted()).some(Boolean);
  const clear = () => {
    search.value = state.value = group.value = label.value = "";
    void filter();
  };
  /** Loaded behind the first content. @type {import("../pictures.js").Pictures | null} */
  let pictures = null;
  /** What the filters offer: all that was seen. */
  const seen = { group: new Set([query.get("group") ?? ""]), label: new Set([query.get("label") ?? ""]) };

  const list = new List({
    label: t("devices.title"),
    key: (device) => device.number,
    source: async (after) => {
      const asked = new URLSearchParams(Object.entries({ ...wanted(), after, limit: String(after ? PAGE : FIRST) }).filter(([, value]) => value));
      const told = await desk.api.call("GET", `/devices?${asked}`);
      for (const one of told.items) {
        for (const name of one.groups) seen.group.add(name);
        for (const name of one.labels) seen.label.add(name);
      }
      offer();
      return told;
    },
    columns: [
      { title: t("devices.name"), width: "30%", by: (device) => device.name, cell: (device) => h("div", { class: "name" }, named(device), h("span", { class: "quiet" }, dot(device, "narrow"), foreign(device.system, 60) || foreign(device.reported, 60))) },
      { title: t("devices.state"), width: "170px", by: (device) => (device.online ? 0 : 1), cell: presence, wide: true },
      { title: t("devices.tags"), width: "34%", cell: tags, wide: true },
      { title: t("devices.software"), width: "18%", by: (device) => device.software ?? "", cell: (device) => foreign(device.software, 60), wide: true },
      { title: "", heard: t("devices.connect"), width: "128px", cell: (device) => h("div", { class: "row" }, connect(desk, device)) },
    ],
    pictured: () => pictures?.any ?? false,
    card: (device) => [
      ...(pictures?.any ? [pictures.of(device)] : []),
      h("div", { class: "name" }, named(device)),
      presence(device),
      tags(device),
      h("div", { class: "row" }, h("span", { class: "about" }, [foreign(device.system, 40), foreign(device.software, 40)].filter(Boolean).join(" · ")), connect(desk, device)),
    ],
    empty: () => nothing(filtered() ? clear : null),
    counted: (text) => put(counted, text),
  });

  /** @param {any} device */
  function named(device) {
    const link = h("a", { href: hashOf("devices", device.number), title: foreign(device.name, 200) }, foreign(device.name, 128) || t("devices.nameless"));
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      void details(device.number);
    });
    return link;
  }

  /** @param {string} number */
  async function details(number) {
    const { deviceDialog } = await import("./device.js"); // not what is waited for first
    const done = await deviceDialog(desk, await desk.api.call("GET", `/devices/${encodeURIComponent(number)}`), pictures);
    if (done) await list.reload();
  }

  /** Something of one device is other than before. @param {string} number */
  async function anew(number) {
    const now = await desk.api.call("GET", `/devices/${encodeURIComponent(number)}`).catch(() => null);
    if (!now || filtered() || !list.change(number, () => now)) list.reloadSoon(); // it came, went, or may not fit any more
  }

  /** The groups and labels to choose from. */
  function offer() {
    for (const [field, names, word] of /** @type {[HTMLSelectElement, Set<string>, string][]} */ ([[group, seen.group, "devices.anyGroup"], [label, seen.label, "devices.anyLabel"]])) {
      const all = [...names].filter(Boolean).sort((one, other) => one.localeCompare(other));
      if (field.options.length === all.length + 1) continue;
      const chosen = field.options.length ? field.value : (query.get(field.name) ?? "");
      put(field, h("option", { value: "" }, t(word)), ...all.map((name) => h("option", { value: name, selected: name === chosen }, foreign(name, 40))));
    }
  }

  /** Show what is wanted now, and have it in the address. */
  async function filter() {
    history.replaceState(null, "", hashOf("devices", "", wanted()));
    await list.reload();
  }

  /** Learn of pictures, and show them. @param {string} [number]  there is a new one of this device alone */
  async function look(number) {
    if (!pictures) {
      const { Pictures } = await import("../pictures.js");
      pictures ??= new Pictures(desk);
    }
    const before = pictures.any;
    await pictures.learn();
    if (before && number) list.change(number, (device) => device);
    else if (before || pictures.any) list.show(shown());
  }

  /** @type {ReturnType<typeof setTimeout>} */
  let typing;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => void filter(), PAUSE);
  });
  for (const field of [state, group, label]) field.addEventListener("change", () => void filter());

  const how = (/** @type {"table" | "cards"} */ name) => h("button", { type: "button", "aria-pressed": String(shown() === name), "aria-label": t(`devices.as.${name}`), title: t(`devices.as.${name}`), onclick: () => choose(name) }, icon(name));
  const ways = [how("cards"), how("table")];
  /** @param {"table" | "cards"} name */
  function choose(name) {
    localStorage.setItem(KEPT, name);
    ways.forEach((button, at) => button.setAttribute("aria-pressed", String(["cards", "table"][at] === name)));
    list.show(name);
  }

  head(t("devices.title"), h("a", { class: "button", href: "../account/#devices" }, t("devices.enrol")));
  offer();
  list.show(shown());
  put(into, keyNotice(desk), h("div", { class: "filters", role: "search" }, search, state, group, label, counted, h("div", { class: "switch", role: "group", "aria-label": t("devices.as.label") }, ...ways)), list);
  desk.events.on(["presence"], (said) => list.change(said.device, (device) => ({ ...device, online: Boolean(said.online), since: said.online ? desk.now : null, seen: desk.now })), signal);
  desk.events.on(["device"], (said) => void anew(said.device), signal);
  desk.events.on(["rights", "resync"], () => list.reloadSoon(), signal);
  desk.events.on(["picture"], (said) => void look(said.device).catch(failed), signal);
  await list.reload();
  void look().catch(failed);
  if (part) await details(part).catch(failed);
}

/** How it was shown last. @returns {"table" | "cards"} */
function shown() {
  return localStorage.getItem(KEPT) === "cards" ? "cards" : "table";
}

/** Whether it is there. Its place is as wide whatever it says. @param {any} device */
function presence(device) {
  const text = device.state === "revoked" ? t("devices.revoked") : device.online ? t("devices.online") : t("devices.seen", { when: when(device.seen) });
  return h("span", { class: "presence" }, dot(device), text);
}

/** @param {any} device @param {string} [more]  classes */
function dot(device, more = "") {
  return h("span", { class: `dot ${device.online ? "on" : ""} ${more}` });
}

/** @param {any} device */
function tags(device) {
  const groups = device.groups.map((/** @type {string} */ name) => h("span", { class: "tag group", title: foreign(name, 200) }, foreign(name, 30)));
  const labels = device.labels.map((/** @type {string} */ name) => h("span", { class: "tag", title: foreign(name, 200) }, foreign(name, 30)));
  const all = [...groups, ...labels];
  const more = all.length > TAGS && h("span", { class: "tag" }, `+${all.length - TAGS}`);
  return h("div", { class: "tags" }, ...all.slice(0, TAGS), more);
}

/** @param {(() => void) | null} clear  ends a search that found nothing */
function nothing(clear) {
  const command = h("code", { class: "code-block" }, "avl-host enroll …");
  if (!clear) void fetch("/.well-known/avl.json").then((answer) => answer.json()).then(({ quic, pin }) => put(command, `avl-host enroll "${quic}?pin=${pin}"`), () => undefined);
  if (clear) return h("div", { class: "empty" }, h("h2", {}, t("devices.notFound")), h("p", {}, t("devices.notFoundText")), h("button", { type: "button", onclick: clear }, t("devices.clear")));
  return h("div", { class: "empty" }, icon("devices"), h("h2", {}, t("devices.none")), h("p", {}, t("devices.noneText")), command, h("a", { class: "button primary", href: "../account/#devices" }, t("devices.enrol")));
}
