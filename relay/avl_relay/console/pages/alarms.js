/**
 * Alarms: what was unusual, with the reasons of each in words, until somebody has seen it. They come as they are raised.
 */

import { foreign, h, put } from "../../account/dom.js";
import { ask } from "../elements/dialog.js";
import { List } from "../elements/list.js";
import { failed, toast } from "../elements/toast.js";
import { icon } from "../icons.js";
import { Names } from "../names.js";
import { hashOf } from "../router.js";
import { known, moment, number, t } from "../words.js";

const PAGE = 100;

/** @type {import("../desk.js").Open} */
export async function open({ desk, into, query, signal }) {
  const names = new Names(desk);
  const which = h("select", { "aria-label": t("alarms.which") }, ...["open", "all"].map((one) => h("option", { value: one, selected: one === query.get("which") }, t(`alarms.${one}`))));
  const counted = h("span", { class: "count", role: "status" });
  const list = new List({
    label: t("alarms.title"),
    key: (one) => one.id,
    source: async (after) => desk.api.call("GET", `/alarms?${new URLSearchParams({ limit: String(PAGE), ...(which.value === "open" ? { open: "true" } : {}), ...(after ? { after } : {}) })}`),
    columns: [
      { title: t("alarms.what"), width: "36%", by: (one) => called(one.kind), cell: (one) => h("div", { class: "name" }, h("button", { type: "button", class: "link", onclick: () => void details(one) }, called(one.kind)), h("span", { class: "quiet" }, one.reasons[0] ? compared(one.reasons[0]) : "")) },
      { title: t("alarms.who"), width: "20%", cell: (one) => about(one, names) },
      { title: t("alarms.when"), width: "220px", by: (one) => one.at, cell: (one) => h("span", { class: "number small" }, moment(one.at)), wide: true },
      { title: t("alarms.acted"), width: "16%", cell: (one) => t(`alarms.acts.${one.acted}`), wide: true },
      { title: "", heard: t("alarms.seen"), width: "116px", cell: (one) => h("div", { class: "row" }, one.acknowledged ? h("span", { class: "quiet" }, t("alarms.wasSeen")) : h("button", { type: "button", "aria-label": t("alarms.seenOf", { what: called(one.kind) }), onclick: () => void see(one) }, t("alarms.seen"))) },
    ],
    empty: () => h("div", { class: "empty" }, icon("alarms"), h("h2", {}, t("alarms.none")), h("p", {}, t("alarms.noneText"))),
    counted: (text) => put(counted, text),
  });

  /** @param {any} one */
  async function see(one) {
    try {
      await desk.api.call("PATCH", `/alarms/${encodeURIComponent(one.id)}`, { acknowledged: true });
    } catch (error) {
      failed(error);
      return;
    }
    toast(t("alarms.noted"));
    await list.reload();
  }

  /** All reasons of one, and where to look further. @param {any} one */
  async function details(one) {
    const rows = one.reasons.map((/** @type {any} */ reason) => sentence(reason) ? h("tr", {}, h("th", { scope: "row" }, called(reason.feature)), h("td", { colspan: 2 }, sentence(reason))) : h("tr", {}, h("th", { scope: "row" }, called(reason.feature)), h("td", {}, foreign(reason.usual, 60)), h("td", {}, h("strong", {}, foreign(reason.seen, 60)))));
    const done = await ask({
      title: called(one.kind),
      wide: true,
      body: (close) => [
        h("dl", { class: "facts" }, ...[["when", moment(one.at)], ["who", about(one, names)], ["acted", t(`alarms.acts.${one.acted}`)], ["score", number(one.score)], ["detector", foreign(one.detector, 16)]].flatMap(([word, value]) => [h("dt", {}, t(`alarms.${word}`)), h("dd", {}, value)])),
        h("table", { class: "plain", "aria-label": t("alarms.reasons") }, h("thead", {}, h("tr", {}, ...["what", "usual", "now"].map((word) => h("th", { scope: "col" }, t(`alarms.${word}`))))), h("tbody", {}, ...rows)),
        h(
          "div",
          { class: "row end" },
          one.person && h("a", { class: "button", href: hashOf("audit", "", { person: one.person }), onclick: () => close() }, t("alarms.inLog")),
          one.session && h("a", { class: "button", href: hashOf("sessions", one.session), onclick: () => close() }, t("sessions.title")),
          !one.acknowledged && h("button", { type: "button", class: "primary", onclick: () => close("seen") }, t("alarms.seen")),
        ),
      ],
    });
    if (done === "seen") await see(one);
  }

  which.addEventListener("change", () => {
    history.replaceState(null, "", hashOf("alarms", "", { which: which.value }));
    void list.reload();
  });
  put(into, h("p", { class: "quiet" }, t("alarms.text")), h("div", { class: "filters" }, which, counted), list);
  desk.events.on(["alarm", "resync"], () => void list.reload().catch(() => undefined), signal);
  await list.reload();
}

/** What a feature is called. @param {string} feature */
function called(feature) {
  return known(`alarms.features.${feature}`) ? t(`alarms.features.${feature}`) : foreign(feature, 32);
}

/** What is said of a reason that is no measure; "": it is one. @param {any} reason */
function sentence(reason) {
  return known(`alarms.sentences.${reason.feature}`) ? t(`alarms.sentences.${reason.feature}`) : "";
}

/** @param {any} reason */
function compared(reason) {
  return sentence(reason) ? called(reason.feature) : t("alarms.compared", { seen: foreign(reason.seen, 40), usual: foreign(reason.usual, 40) });
}

/** Whom and what it is about. @param {any} one @param {Names} names */
function about(one, names) {
  const who = one.person ? names.person(one.person) : h("span", {}, "–");
  return h("div", { class: "name" }, who, one.device ? h("span", { class: "quiet" }, names.device(one.device)) : null);
}
