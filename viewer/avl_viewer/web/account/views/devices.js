/**
 * Devices: every desktop that a person may see, whether it is there, and one button that opens it.
 */

import { action, foreign, form, h, labelled, put, when } from "../dom.js";
import { confirmed, dialog, tell } from "../surroundings.js";
import { keyCard } from "./keycard.js";
import { limitDialog } from "./limiting.js";
import { permitDialog } from "./permitting.js";
import { shareDialog } from "./sharing.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** @param {Surroundings} around @param {HTMLElement} into */
export async function devicesView(around, into) {
  const list = h("ul", { class: "list", id: "devices" });
  const search = h("input", { type: "search", placeholder: "Search", "aria-label": "Search devices", hidden: true });
  const again = () => devicesView(around, into);
  const card = h("section", { class: "card" }, h("header", {}, h("h2", {}, "Devices"), search), list);
  put(into, keyCard(around, again), card, enrolCard(around));
  /** @type {any[]} */
  let devices = await around.api.all("/devices?limit=100");
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    const fits = devices.filter((one) => !wanted || `${one.name} ${one.reported} ${one.system}`.toLowerCase().includes(wanted));
    if (fits.length) put(list, ...fits.map((one) => row(around, one, again)));
    else put(list, h("li", { class: "empty" }, wanted ? "No device is called that." : "No device yet. Enrol one with the command below."));
  };
  search.hidden = devices.length < 8;
  search.addEventListener("input", show);
  show();
  follow(list, (number, online) => {
    devices = devices.map((one) => (one.number === number ? { ...one, online, seen: around.now } : one));
    show();
  });
  if (around.ownKey) await around.freshen().catch((error) => tell(foreign(error.message, 200)));
}

/** @param {Surroundings} around @param {any} device @param {() => void} again */
function row(around, device, again) {
  const name = foreign(device.name) || "A device without a name";
  const about = [foreign(device.system, 40), foreign(device.software, 40), device.online ? "online" : `last seen ${when(device.seen)}`];
  const mine = around.ownKey !== null && device.owner_thumbprint === around.ownKey.thumbprint;
  const open = h("a", { class: "button", href: `../#d=${dashed(device.number)}&a=1`, hidden: true });
  return h(
    "li",
    { "data-device": device.number },
    h(
      "div",
      { class: "what" },
      h("strong", {}, h("span", { class: device.online ? "dot on" : "dot", title: device.online ? "online" : "offline" }), name),
      h("span", { class: "quiet" }, about.filter(Boolean).join(" · ")),
    ),
    ...(device.labels ?? []).slice(0, 4).map((/** @type {string} */ label) => h("span", { class: "tag" }, foreign(label, 24))),
    open,
    h("button", { type: "button", class: "primary", "data-act": "connect", disabled: !around.ownKey, onclick: () => window.open(open.href, "_blank", "noopener") }, "Connect"),
    mine && action("Share", () => shareDialog(around, device), tell, { "data-act": "share" }),
    mine && action("Permit", () => permitDialog(around, device), tell, { "data-act": "permit" }),
    mine && action("Limit", () => limitDialog(around, device), tell, { "data-act": "limit" }),
    mine && action("More", () => more(around, device, again), tell, { "data-act": "more", "aria-label": `More about ${name}` }),
  );
}

/** @param {Surroundings} around @param {any} device @param {() => void} again */
async function more(around, device, again) {
  const name = h("input", { name: "name", maxlength: 64, value: foreign(device.name) });
  const labels = h("input", { name: "labels", value: (device.labels ?? []).map((/** @type {string} */ one) => foreign(one, 24)).join(", ") });
  const changed = await dialog((close) => [
    h("h2", {}, foreign(device.name)),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, "Device ID"), h("dd", {}, dashed(device.number)),
      h("dt", {}, "Calls itself"), h("dd", {}, foreign(device.reported) || "nothing"),
      h("dt", {}, "System"), h("dd", {}, foreign(device.system) || "not told"),
      h("dt", {}, "Software"), h("dd", {}, foreign(device.software) || "not told"),
      h("dt", {}, "Enrolled"), h("dd", {}, when(device.enrolled)),
    ),
    form(
      {
        act: async () => {
          const words = labels.value.split(",").map((one) => one.trim()).filter(Boolean);
          await around.api.call("PATCH", `/devices/${device.number}`, { name: name.value.trim(), labels: words });
          close("changed");
        },
        submit: "Save",
        more: [
          h("button", { type: "button", class: "danger", onclick: () => close("revoke") }, "Remove"),
          h("button", { type: "button", onclick: () => close() }, "Cancel"),
        ],
      },
      labelled("Name", name),
      labelled("Labels", labels, "Words with commas between them."),
    ),
  ]);
  if (changed === "revoke") {
    await confirmed(
      `Remove ${foreign(device.name)}?`,
      "The relay forgets it, and nobody finds it here any more. The host itself still believes its owner's key until it is enrolled anew.",
      "Remove",
      () => around.api.call("DELETE", `/devices/${device.number}`),
    );
  }
  if (changed) again();
}

/** @param {Surroundings} around */
function enrolCard(around) {
  const code = h("input", { class: "code", name: "user-code", autocapitalize: "characters", spellcheck: false, placeholder: "XXXX-XXXX", maxlength: 12 });
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Add a device or a program"),
    h("p", {}, "On a machine to be seen: ", h("code", {}, "avl-host enroll RELAY"), ". To sign in a program: ", h("code", {}, "avl login RELAY"), ". Each shows a code."),
    form({ act: async () => look(around, code.value.trim()), submit: "Look at it" }, labelled("Code", code)),
  );
}

/** @param {Surroundings} around @param {string} code */
function look(around, code) {
  if (!code) throw new Error("Type the code that the machine or the program shows.");
  around.go(`#code=${encodeURIComponent(code)}`);
}

/** A device's number as people read it. @param {string} number */
export function dashed(number) {
  return String(number).replaceAll("-", "").match(/.{1,4}/g)?.join("-") ?? "";
}

/** Be told of presence for as long as the list is shown. @param {HTMLElement} list @param {(number: string, online:
 * boolean) => void} told */
function follow(list, told) {
  const events = new EventSource("/api/v1/events");
  const take = (/** @type {MessageEvent} */ event) => {
    if (!list.isConnected) {
      events.close();
      return;
    }
    const said = JSON.parse(event.data);
    if (typeof said?.device === "string") told(said.device, Boolean(said.online));
  };
  events.addEventListener("presence", take);
  addEventListener("hashchange", () => events.close(), { once: true });
}
