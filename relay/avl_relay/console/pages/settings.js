/**
 * Settings: what holds at the relay, where each came from and why; its features are turned off and on here, at once. What
 * else there is stands in its file, and says whether it needs a restart.
 */

import { foreign, h, put } from "../../account/dom.js";
import { failed, toast } from "../elements/toast.js";
import { known, t } from "../words.js";

const FEATURE = "features.";

/** @type {import("../desk.js").Open} */
export async function open({ desk, into, query, signal }) {
  const search = h("input", { type: "search", class: "search", placeholder: t("settings.search"), "aria-label": t("settings.search"), value: query.get("query") ?? "" });
  const live = h("select", { "aria-label": t("settings.when") }, ...["any", "live", "restart"].map((one) => h("option", { value: one }, t(`settings.${one}`))));
  const counted = h("span", { class: "count", role: "status" });
  const features = h("ul", { class: "switches" });
  const body = h("tbody");
  /** @type {any[]} */
  let items = [];

  /** @param {string} name @param {boolean} on */
  async function turn(name, on) {
    const told = await desk.api.call("PATCH", "/settings", { features: { [name]: on } });
    items = told.items;
    draw();
  }

  /** One feature, as a switch. @param {any} one */
  function feature(one) {
    const name = one.name.slice(FEATURE.length);
    const box = h("input", { type: "checkbox", role: "switch", name, checked: one.value === true, "aria-describedby": `why-${name}` });
    box.addEventListener("change", async () => {
      const on = box.checked;
      box.disabled = true;
      try {
        await turn(name, on);
        toast(t(on ? "settings.turnedOn" : "settings.turnedOff", { name: title(name) }), { undo: () => turn(name, !on) });
      } catch (error) {
        failed(error);
        box.checked = !on;
      } finally {
        box.disabled = false;
      }
      /** @type {HTMLElement | null} */ (features.querySelector(`[name="${CSS.escape(name)}"]`))?.focus();
    });
    return h("li", {}, h("label", { class: "check" }, box, h("strong", {}, title(name))), h("p", { class: "quiet", id: `why-${name}` }, reason(one)));
  }

  /** Show what is looked for. */
  function draw() {
    const text = search.value.trim().toLowerCase();
    const found = items.filter((one) => !one.name.startsWith(FEATURE) && (live.value === "any" || one.live === (live.value === "live")) && (!text || `${one.name} ${reason(one)}`.toLowerCase().includes(text)));
    put(features, ...items.filter((one) => one.name.startsWith(FEATURE)).map(feature));
    put(counted, t("settings.found", { n: found.length, all: items.filter((one) => !one.name.startsWith(FEATURE)).length }));
    put(body, ...found.map(row), !found.length && h("tr", {}, h("td", { colspan: 4, class: "empty" }, t("settings.nothing"))));
  }

  search.addEventListener("input", draw);
  live.addEventListener("change", draw);
  const heads = ["name", "value", "place", "change"].map((one) => h("th", { scope: "col" }, t(`settings.${one}`)));
  put(
    into,
    h("section", { class: "panel" }, h("h2", {}, t("settings.features")), h("p", { class: "quiet" }, t("settings.featuresText")), features),
    h("div", { class: "filters", role: "search" }, search, live, counted),
    h("div", { class: "scrolled", tabindex: 0, role: "region", "aria-label": t("settings.title") }, h("table", { class: "plain settings", "aria-label": t("settings.title") }, h("thead", {}, h("tr", {}, ...heads)), body)),
    h("p", { class: "quiet" }, t("settings.text")),
  );
  const load = async () => {
    items = (await desk.api.call("GET", "/settings")).items;
    draw();
  };
  desk.events.on(["settings", "resync"], () => void load().catch(() => undefined), signal);
  await load();
}

/** @param {any} one */
function row(one) {
  const changed = one.place !== "default";
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", {}, one.name), h("p", { class: "quiet" }, reason(one))),
    h("td", {}, h("code", {}, written(one.value)), changed && h("p", { class: "quiet" }, t("settings.default", { value: written(one.default) })), h("p", { class: "quiet narrow" }, `${changed ? foreign(one.place, 200) : t("settings.isDefault")} · ${t(one.live ? "settings.live" : "settings.restart")}`)),
    h("td", {}, changed ? foreign(one.place, 200) : t("settings.isDefault")),
    h("td", {}, h("span", { class: "tag" }, t(one.live ? "settings.live" : "settings.restart"))),
  );
}

/** Why it is as it is, in the words of who reads it; of a relay that has other settings than this page knows, in its own.
 * @param {any} one */
function reason(one) {
  const key = `settings.reasons.${one.name.replaceAll(".", "-")}`;
  return known(key) ? t(key) : foreign(one.reason, 400);
}

/** A value as its file has it. @param {any} value */
function written(value) {
  if (value === null) return "–";
  return foreign(typeof value === "string" ? value : JSON.stringify(value), 200);
}

/** @param {string} name */
function title(name) {
  return known(`settings.names.${name}`) ? t(`settings.names.${name}`) : name.replaceAll("_", " ");
}
