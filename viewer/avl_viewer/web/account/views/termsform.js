/**
 * The fields by which somebody says what they give: a role or single permissions, until when, and all further limits.
 */

import { PERMISSION } from "../../wire/registry.js";
import { h, labelled } from "../dom.js";
import { LONGEST, ROLES, SINGLE, SPANS } from "../roles.js";
import { termsOf } from "../terms.js";
import { DAYS } from "../words.js";
import { permissionChoice } from "./permissionchoice.js";

/** @typedef {import("../terms.js").Terms} Terms */
/** @typedef {import("../terms.js").Times} Times */

/**
 * @param {{ roles: typeof ROLES, role: string, spans: [string, number][], span: number, delegates: boolean }} offered
 * @returns {{ fields: HTMLElement[], read: () => Terms }}
 */
export function termsForm({ roles, role, spans, span, delegates }) {
  const choices = roles.map((one) => ({ ...one, text: `${one.name}: ${one.text}` }));
  const what = permissionChoice("What", "role", choices, roles.find((one) => one.id === role)?.permissions ?? PERMISSION.VIEW, SINGLE);
  const hand = h("input", { type: "checkbox", name: "delegate" });
  const end = endFields(spans, span);
  const times = hoursFields();
  const longest = h("select", { name: "longest" }, ...LONGEST.map(([name, seconds]) => h("option", { value: seconds }, name)));
  const uses = h("input", { name: "uses", type: "number", min: 1, step: 1, placeholder: "any number" });
  const consent = h(
    "select",
    { name: "consent" },
    h("option", { value: "never" }, "Nobody is asked"),
    h("option", { value: "first" }, "Somebody there is asked the first time"),
    h("option", { value: "always" }, "Somebody there is asked each time"),
  );
  const more = h(
    "details",
    { class: "more" },
    h("summary", {}, "More limits"),
    h("div", { class: "fields" }, labelled("At the desktop", consent), h("div", { class: "two" }, labelled("A session lasts", longest), labelled("Sessions", uses)), ...times.fields),
  );
  return {
    fields: [...what.fields, ...end.fields, ...(delegates ? [h("label", { class: "inline" }, hand, "They may hand it on to others, or part of it")] : []), more],
    read: () =>
      termsOf(
        {
          permissions: what.read() | (hand.checked ? PERMISSION.DELEGATE : 0),
          ...end.read(),
          ...times.read(),
          longest: Number(longest.value),
          uses: uses.validity.badInput ? "?" : uses.value,
          consent: consent.value,
        },
        Math.floor(Date.now() / 1000),
      ),
  };
}

/** @param {[string, number][]} spans @param {number} chosen */
function endFields(spans, chosen) {
  const span = h("select", { name: "span" }, ...spans.map(([name, seconds]) => h("option", { value: seconds, selected: seconds === chosen }, name)), h("option", { value: 0 }, "Until a moment that I choose"));
  const until = h("input", { type: "datetime-local", name: "until" });
  const moment = labelled("Until", until);
  moment.hidden = true;
  span.addEventListener("change", () => (moment.hidden = span.value !== "0"));
  return {
    fields: [labelled("For", span), moment],
    read: () => ({ seconds: Number(span.value), until: Math.floor(new Date(until.value).getTime() / 1000) }),
  };
}

/** Times of a week at a place. */
function hoursFields() {
  const zones = Intl.supportedValuesOf("timeZone");
  const zone = h("input", { name: "zone", list: "zones", value: Intl.DateTimeFormat().resolvedOptions().timeZone, spellcheck: false, autocapitalize: "none" });
  const place = labelled("Time zone of these hours", zone);
  const list = h("datalist", { id: "zones" }, ...zones.map((one) => h("option", { value: one })));
  const rows = h("div", { class: "fields", id: "hours" });
  place.hidden = true;
  /** @type {Set<() => Times>} */
  const readers = new Set();
  const shown = () => (place.hidden = readers.size === 0);
  const add = () => {
    const days = DAYS.map((name, day) => h("label", {}, h("input", { type: "checkbox", value: day, checked: day < 5 }), name));
    const [from, to] = [h("input", { type: "time", value: "09:00", "aria-label": "From" }), h("input", { type: "time", value: "17:00", "aria-label": "To" })];
    const read = () => ({ days: days.map((one) => one.querySelector("input")).filter((one) => one?.checked).map((one) => Number(one?.value)), from: from.value, to: to.value });
    const drop = h("button", { type: "button", "aria-label": "Remove these hours", onclick: () => (readers.delete(read), row.remove(), shown()) }, "Remove");
    const row = h("div", { class: "hours", role: "group", "aria-label": "Hours" }, h("div", { class: "days" }, ...days), from, h("span", { class: "quiet" }, "to"), to, drop);
    readers.add(read);
    rows.append(row);
    shown();
  };
  return {
    fields: [h("div", { class: "field" }, h("span", { class: "label" }, "Hours"), rows, place, list, h("div", {}, h("button", { type: "button", id: "add-hours", onclick: add }, "Only at certain hours")))],
    read: () => ({ times: [...readers].map((read) => read()), zone: zone.value }),
  };
}
