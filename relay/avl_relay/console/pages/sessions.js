/**
 * Sessions that run: who is where since when, by which way and how well, what they may; ended here, or limited live.
 *
 * Who comes and goes is told by the relay as it happens; how well a session is carried changes all the time, and is
 * looked at while the page is seen.
 */

import { foreign, h, labelled, put } from "../../account/dom.js";
import { OWNER } from "../../rights/effective.js";
import { MAX } from "../../wire/registry.js";
import { RelayClock, span } from "../clock.js";
import { ask } from "../elements/dialog.js";
import { List } from "../elements/list.js";
import { toast } from "../elements/toast.js";
import { icon } from "../icons.js";
import { exactly, short } from "../permitted.js";
import { planDialog } from "../planning.js";
import { explained } from "../problems.js";
import { hashOf } from "../router.js";
import { milliseconds, percent, rate } from "../units.js";
import { moment, t } from "../words.js";

/** Milliseconds between two looks at how sessions are carried; sessions of one answer. */
const LOOK = 2000;
const PAGE = 200;

/** @type {import("../desk.js").Open} */
export async function open({ desk, into, part, query, signal }) {
  const clock = new RelayClock();
  const device = query.get("device") ?? "";
  const counted = h("span", { class: "count", role: "status" });
  /** @param {string} after */
  const source = async (after) => {
    const told = await desk.api.call("GET", `/sessions?${new URLSearchParams({ limit: String(PAGE), ...(after ? { after } : {}), ...(device ? { device } : {}) })}`);
    clock.heard(told.now);
    return told;
  };
  const list = new List({
    label: t("sessions.title"),
    key: (session) => session.id,
    source,
    columns: [
      { title: t("sessions.who"), width: "24%", by: who, cell: (one) => h("div", { class: "name" }, h("strong", {}, who(one)), h("span", { class: "quiet roomy" }, foreign(one.address, 64)), h("span", { class: "quiet narrow" }, foreign(one.name, 60))) },
      { title: t("sessions.where"), width: "22%", by: (one) => one.name, cell: (one) => h("a", { href: hashOf("devices", one.device) }, foreign(one.name, 60)), wide: true },
      { title: t("sessions.since"), width: "110px", by: (one) => -one.begun, cell: (one) => figure("since", since(one, clock)), wide: true },
      { title: t("sessions.way"), width: "130px", cell: (one) => figure("way", way(one)), wide: true },
      { title: t("sessions.trip"), width: "108px", by: (one) => one.figures?.rtt_ms ?? Infinity, cell: (one) => figure("trip", milliseconds(one.figures?.rtt_ms)), wide: true },
      { title: t("sessions.rate"), width: "104px", by: (one) => one.figures?.delivered_bps ?? -1, cell: (one) => figure("rate", one.figures ? rate(one.figures.delivered_bps) : "–"), wide: true },
      { title: t("sessions.may"), width: "17%", cell: may, wide: true },
      { title: "", heard: t("sessions.act"), width: "150px", cell: (one) => h("div", { class: "row" }, h("button", { type: "button", "aria-label": t("sessions.detailsOf", { who: who(one), where: foreign(one.name, 60) }), onclick: () => void details(one) }, t("sessions.details")), h("button", { type: "button", class: "danger", "aria-label": t("sessions.endOf", { who: who(one), where: foreign(one.name, 60) }), onclick: () => void end(one) }, t("sessions.end"))) },
    ],
    empty: () => h("div", { class: "empty" }, icon("sessions"), h("h2", {}, t("sessions.none")), h("p", {}, t("sessions.noneText")), h("a", { class: "button primary", href: hashOf("devices") }, t("devices.title"))),
    counted: (text) => put(counted, text),
  });

  /** Tell anew what changes all the time; the rows stay what they are. */
  async function look() {
    if (document.hidden || list.items.length > PAGE) return;
    const told = await source("");
    const fresh = new Map(told.items.map((/** @type {any} */ one) => [one.id, one]));
    list.items = list.items.map((one) => fresh.get(one.id) ?? one);
    for (const row of list.querySelectorAll("[data-key]")) {
      const one = fresh.get(/** @type {HTMLElement} */ (row).dataset.key);
      if (!one) continue;
      say(row, "since", since(one, clock));
      say(row, "way", way(one));
      say(row, "trip", milliseconds(one.figures?.rtt_ms));
      say(row, "rate", one.figures ? rate(one.figures.delivered_bps) : "–");
    }
  }

  /** End one, unless it ends by itself while that is asked. @param {any} one */
  async function end(one) {
    const done = await whileItRuns(desk, one, t("sessions.endTitle", { who: who(one) }), (close, failed) => {
      const button = h("button", { type: "button", class: "danger primary" }, t("sessions.end"));
      button.addEventListener("click", async () => {
        button.disabled = true;
        try {
          await desk.api.call("DELETE", `/sessions/${encodeURIComponent(one.id)}`);
          close(true);
        } catch (error) {
          button.disabled = false;
          failed(error);
        }
      });
      return [h("p", {}, t("sessions.endText", { where: foreign(one.name, 60) })), [h("button", { type: "button", autofocus: true, onclick: () => close() }, t("dialog.cancel")), button]];
    });
    if (done) {
      toast(t("sessions.ended", { who: who(one) }));
      await list.reload();
    }
  }

  /** All that is known of one, and what may be changed of it. @param {any} given */
  async function details(given) {
    const one = list.items.find((other) => other.id === given.id) ?? given;
    const asked = await whileItRuns(desk, one, t("sessions.detailsTitle", { who: who(one), where: foreign(one.name, 60) }), (close) => [
      h("dl", { class: "facts" }, ...facts(one, clock).flatMap(([word, value]) => [h("dt", {}, t(word)), h("dd", {}, value)])),
      [
        desk.administers && h("a", { class: "button", href: hashOf("audit", "", { session: one.id }), onclick: () => close() }, t("audit.title")),
        desk.administers && one.person && h("a", { class: "button", href: hashOf("matrix", "", { person: one.who ?? "", device: one.name ?? "" }), onclick: () => close() }, t("matrix.title")),
        desk.administers && h("button", { type: "button", onclick: () => close("message") }, t("sessions.message")),
        desk.administers && h("button", { type: "button", onclick: () => close("limit") }, t("sessions.limit")),
        h("button", { type: "button", class: "danger", onclick: () => close("end") }, t("sessions.end")),
        h("button", { type: "button", autofocus: true, onclick: () => close() }, t("dialog.done")),
      ],
    ]);
    if (asked === "end") await end(one);
    if (asked === "limit") await limit(one);
    if (asked === "message") await message(one);
  }

  /** Say something to who is in one. @param {any} one */
  async function message(one) {
    const field = h("input", { type: "text", maxlength: MAX.OPERATOR_TEXT, required: true, autofocus: true, name: "message", autocomplete: "off" });
    const done = await whileItRuns(desk, one, t("sessions.messageTitle", { who: who(one) }), (close, failed) => {
      const button = h("button", { type: "submit", class: "primary", form: "message" }, t("sessions.messageSend"));
      const send = async (/** @type {Event} */ event) => {
        event.preventDefault();
        button.disabled = true;
        try {
          await desk.api.call("POST", `/sessions/${encodeURIComponent(one.id)}/message`, { text: field.value });
          close(true);
        } catch (error) {
          button.disabled = false;
          failed(error);
        }
      };
      return [
        h("form", { id: "message", onsubmit: send }, h("p", {}, t("sessions.messageText")), labelled(t("sessions.messageField"), field)),
        [h("button", { type: "button", onclick: () => close() }, t("dialog.cancel")), button],
      ];
    });
    if (done) toast(t("sessions.messageDone", { who: who(one) }));
  }

  /** What everybody may at most there, from now on: sessions lose what they may not any more, and go on. @param {any}
   * one */
  async function limit(one) {
    const signed = await planDialog(desk, t("sessions.limitTitle", { where: foreign(one.name, 60) }), {
      cells: [],
      limits: [`device:${one.device}`],
      called: () => "",
      place: () => one.name,
      permissions: OWNER,
      now: () => clock.now,
    });
    if (signed) await list.reload();
  }

  put(into, clock.notice, h("div", { class: "filters" }, h("p", { class: "quiet" }, t("sessions.knows")), counted), list);
  desk.events.on(["session", "resync"], () => void list.reload().catch(() => undefined), signal);
  await list.reload();
  const timer = setInterval(() => void look().catch(() => undefined), LOOK);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  const wanted = list.items.find((one) => one.id === part);
  if (wanted) await details(wanted);
}

/** A dialog about a session, which says so when that ends meanwhile, and then can only be closed.
 * @param {import("../desk.js").Desk} desk @param {any} one @param {string} title @param {(close: (value?: any) => void,
 * failed: (error: unknown) => void) => [HTMLElement, (HTMLElement | false)[]]} make  what it shows, and its buttons */
async function whileItRuns(desk, one, title, make) {
  const ending = new AbortController();
  const gone = h("p", { class: "error", role: "alert", hidden: true });
  try {
    return await ask({
      title,
      body: (close) => {
        const over = () => {
          gone.textContent = t("sessions.over");
          gone.hidden = false;
          put(buttons, h("button", { type: "button", class: "primary", onclick: () => close() }, t("dialog.close")));
          /** @type {HTMLElement} */ (buttons.firstElementChild).focus();
        };
        const failed = (/** @type {any} */ error) => {
          if (error?.kind === "not-found") {
            over();
            return;
          }
          gone.textContent = explained(error);
          gone.hidden = false;
        };
        const [shown, acts] = make(close, failed);
        const buttons = h("div", { class: "row end" }, ...acts);
        desk.events.on(["session"], (said) => {
          if (said.id === one.id && !said.running) over();
        }, ending.signal);
        return [shown, gone, buttons];
      },
    });
  } finally {
    ending.abort();
  }
}

/** Who it is, as far as the relay knows. @param {any} one */
function who(one) {
  if (!one.who) return t("sessions.unverified");
  return one.link ? t("sessions.byLink", { name: foreign(one.who, 60) }) : foreign(one.who, 60);
}

/** @param {any} one */
function way(one) {
  return one.figures?.way ? t(`sessions.ways.${one.figures.way}`) : "–";
}

/** @param {any} one @param {RelayClock} clock */
function since(one, clock) {
  return span(clock.now - one.begun);
}

/** What they may: as signed, and whether their host lets them act now. @param {any} one */
function may(one) {
  const acts = one.figures?.channels.includes("input");
  const known = one.permissions === null ? t("sessions.unknown") : short(one.permissions);
  return h("div", { class: "name" }, h("span", {}, known), h("span", { class: "quiet" }, one.figures ? t(acts ? "sessions.acts" : "sessions.looks") : ""));
}

/** @param {any} one @param {RelayClock} clock @returns {[string, string][]} */
function facts(one, clock) {
  const figures = one.figures;
  const carried = /** @type {[string, string][]} */ (figures ? [
    ["sessions.way", `${t(`sessions.ways.${figures.way || "none"}`)} → ${t(`sessions.ways.${figures.host_way || "none"}`)}`],
    ["sessions.trips", `${milliseconds(figures.rtt_ms)} + ${milliseconds(figures.host_rtt_ms)}`],
    ["sessions.rate", t("sessions.rates", { now: rate(figures.delivered_bps), most: rate(figures.target_bps) })],
    ["sessions.lost", percent(figures.loss)],
    ["sessions.queue", milliseconds(figures.queue_ms)],
    ["sessions.open", channelsOf(figures.channels)],
  ] : []);
  return [
    ["sessions.who", who(one)],
    ["sessions.address", foreign(one.address, 64)],
    ["sessions.since", `${moment(one.begun)} (${since(one, clock)})`],
    ["sessions.may", one.permissions === null ? t("sessions.unknownText") : t("sessions.maySigned", { what: exactly(one.permissions) })],
    ...carried,
  ];
}

/** @param {string} name @param {string} text */
function figure(name, text) {
  return h("span", { "data-figure": name, class: "number" }, text);
}

/** @param {Element} row @param {string} name @param {string} text */
function say(row, name, text) {
  const place = row.querySelector(`[data-figure="${name}"]`);
  if (place && place.textContent !== text) place.textContent = text;
}

/** Open channels in words: of those that are several of a kind, the kind. @param {string[]} names */
function channelsOf(names) {
  return [...new Set(names.map((name) => name.replace(/_\d+$/, "")))].map((name) => t(`sessions.channels.${name}`)).join(", ");
}
