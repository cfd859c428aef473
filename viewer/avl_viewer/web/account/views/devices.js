/**
 * Devices: every desktop that a person may see, whether it is there, and one button that opens it.
 */

import { deviceAudience } from "../../rights/statements.js";
import { fetchDirections } from "../../directions.js";
import { fromText } from "../../wire/device_id.js";
import { PERMISSION } from "../../wire/registry.js";
import { showPin } from "../../wire/target.js";
import { action, foreign, form, h, labelled, put, when } from "../dom.js";
import { confirmed, copied, dialog, tell } from "../surroundings.js";
import { deviceGroupCard, namesOf, regroup } from "./grouping.js";
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
  const groups = h("div", { class: "fields" });
  put(into, keyCard(around, again), card, groups, enrolCard(around, await relayWords()));
  /** @type {any[]} */
  let devices = [];
  /** @type {Map<string, string[]>} */
  let held = new Map();
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    const fits = devices.filter((one) => !wanted || `${one.name} ${one.reported} ${one.system} ${one.groups.join(" ")}`.toLowerCase().includes(wanted));
    if (fits.length) put(list, ...fits.map((one) => row(around, one, held.get(one.number), again)));
    else put(list, h("li", { class: "empty" }, wanted ? "No device is called that." : "No device yet. Enrol one with the command below."));
    search.hidden = devices.length < 8;
  };
  const load = async () => {
    devices = await around.api.all("/devices?limit=100");
    held = await handable(around, devices);
    show();
    put(groups, deviceGroupCard(around, devices));
  };
  search.addEventListener("input", show);
  await load();
  follow(list, {
    presence: (said) => {
      devices = devices.map((one) => (one.number === said.device ? { ...one, online: Boolean(said.online), seen: around.now } : one));
      show();
    },
    changed: () => void load().catch(() => undefined),
  });
  if (around.ownKey) await around.freshen().catch((error) => tell(foreign(error.message, 200)));
}

/** Of devices that are not ours the chain that permits most there and may be handed on, by number. @param {Surroundings}
 * around @param {any[]} devices @returns {Promise<Map<string, string[]>>} */
async function handable(around, devices) {
  const key = around.ownKey;
  const others = devices.filter((one) => key && one.owner_thumbprint !== key.thumbprint);
  if (!key || !others.length) return new Map();
  const held = (await around.api.all("/grants/mine")).filter(({ grant }) => grant.permissions & PERMISSION.DELEGATE && grant.holder === key.thumbprint);
  const most = held.sort((one, other) => other.grant.permissions - one.grant.permissions);
  const found = others.map((one) => [one.number, most.find(({ grant }) => [`device:${one.number}`, ...one.groups.map((/** @type {string} */ name) => `group:${name}`)].includes(grant.aud))?.chain]);
  return new Map(/** @type {[string, string[]][]} */ (found.filter(([, chain]) => chain)));
}

/** @param {Surroundings} around @param {any} device @param {string[] | undefined} held @param {() => void} again */
function row(around, device, held, again) {
  const name = foreign(device.name) || "A device without a name";
  const about = [foreign(device.system, 40), foreign(device.software, 40), device.online ? "online" : `last seen ${when(device.seen)}`];
  const mine = around.ownKey !== null && device.owner_thumbprint === around.ownKey.thumbprint;
  const place = { audience: deviceAudience(fromText(device.number)), name };
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
    h(
      "div",
      { class: "tags" },
      ...device.groups.slice(0, 4).map((/** @type {string} */ group) => h("span", { class: "tag group", title: "A group" }, foreign(group, 24))),
      ...(device.labels ?? []).slice(0, 4).map((/** @type {string} */ label) => h("span", { class: "tag" }, foreign(label, 24))),
    ),
    open,
    h("button", { type: "button", class: "primary", "data-act": "connect", disabled: !around.ownKey, onclick: () => window.open(open.href, "_blank", "noopener") }, "Connect"),
    mine && action("Share", () => shareDialog(around, device), tell, { "data-act": "share" }),
    (mine || held) && action("Permit", () => permitDialog(around, { ...place, held }), tell, { "data-act": "permit" }),
    mine && action("Limit", () => limitDialog(around, place), tell, { "data-act": "limit" }),
    mine && action("More", () => more(around, device, again), tell, { "data-act": "more", "aria-label": `More about ${name}` }),
  );
}

/** @param {Surroundings} around @param {any} device @param {() => void} again */
async function more(around, device, again) {
  const name = h("input", { name: "name", maxlength: 64, value: foreign(device.name) });
  const labels = h("input", { name: "labels", value: (device.labels ?? []).map((/** @type {string} */ one) => foreign(one, 24)).join(", ") });
  const audience = deviceAudience(fromText(device.number));
  const inside = await around.groupsOf(audience);
  const groups = h("input", { name: "groups", value: inside.map((one) => foreign(one, 64)).join(", ") });
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
          await regroup(around, audience, inside, namesOf(groups.value));
          close("changed");
        },
        submit: "Save",
        more: [
          h("button", { type: "button", class: "danger", onclick: () => close("revoke") }, "Remove"),
          h("button", { type: "button", onclick: () => close() }, "Cancel"),
        ],
      },
      labelled("Name", name),
      labelled("Labels", labels, "Words with commas between them, to find it by."),
      labelled("Groups", groups, "Names with commas between them: what is permitted or limited for a group is so for its devices."),
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

/** How a command names this relay; with its pin where no authority vouches for its certificate. */
async function relayWords() {
  try {
    const { quic, pin, hashes } = await fetchDirections();
    return hashes.length ? `'${quic}?pin=${showPin(pin)}'` : quic;
  } catch {
    return "RELAY"; // what else is wrong, the rest of the page says
  }
}

/** @param {Surroundings} around @param {string} relay */
function enrolCard(around, relay) {
  const command = (/** @type {string} */ what, /** @type {string} */ words) => h("li", {}, h("div", { class: "what" }, h("span", { class: "quiet" }, what), h("code", {}, words)), action("Copy", () => copied(words), tell));
  const code = h("input", { class: "code", name: "user-code", autocapitalize: "characters", spellcheck: false, placeholder: "XXXX-XXXX", maxlength: 12 });
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Add a device or a program"),
    h("ul", { class: "list", id: "commands" }, command("On a machine to be seen", `avl-host enroll ${relay}`), command("To sign in a program", `avl login ${relay}`)),
    h("p", {}, "Each shows a code."),
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

/** Be told of what happens for as long as the list is shown: who comes and goes, and that what may be seen has changed. A
 * tab that nobody sees holds no connection, of which a browser has six to a relay by HTTP/1.1.
 * @param {HTMLElement} list @param {{ presence: (said: any) => void, changed: () => void }} told */
function follow(list, { presence, changed }) {
  /** @type {EventSource | null} */
  let events = null;
  const gone = new AbortController();
  const rest = () => {
    events?.close();
    events = null;
  };
  const listen = () => {
    const source = (events = new EventSource("/api/v1/events"));
    const on = (/** @type {string} */ kind, /** @type {(said: any) => void} */ act) =>
      source.addEventListener(kind, (event) => {
        if (list.isConnected) act(JSON.parse(event.data));
        else gone.abort();
      });
    on("presence", presence);
    for (const kind of ["device", "rights", "resync"]) on(kind, changed);
  };
  gone.signal.addEventListener("abort", rest);
  addEventListener("hashchange", () => gone.abort(), { once: true });
  document.addEventListener(
    "visibilitychange",
    () => {
      if (document.hidden) return rest();
      listen();
      return changed();
    },
    { signal: gone.signal },
  );
  if (!document.hidden) listen();
}
