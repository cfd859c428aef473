/**
 * The audit log: searched, exported, and proved here. This browser keeps the newest head that it has seen and asks for the
 * proof that the log still begins with what it held then; where there is none, that is said as loudly as a page can.
 */

import { foreign, h, put } from "../../account/dom.js";
import { believe, BROKEN, evidence, lookAt, whole } from "../chain.js";
import { ask, sure } from "../elements/dialog.js";
import { List } from "../elements/list.js";
import { icon } from "../icons.js";
import { Names } from "../names.js";
import { hashOf } from "../router.js";
import { brief, count, moment, number, t } from "../words.js";

/** Entries of one answer; milliseconds after the last key until that is searched for. */
const PAGE = 100;
const PAUSE = 250;
/** Kinds of events (avl_protocol/audit/events.py). */
export const KINDS = Object.freeze([
  "signed_in", "sign_in_refused", "signed_out", "factor_changed", "person_changed", "group_changed", "grant_changed", "share_changed",
  "statement_stored", "program_changed", "device_changed", "host_registered", "host_left", "session_began", "session_ended",
  "session_told", "rights_changed", "grant_used", "grant_refused", "consent_answered", "file_moved", "pictures_left", "setting_changed", "limit_hit", "alarm", "alarm_seen",
  "head_refused", "exported", "personal_removed", "entries_dropped", "events_lost", "log_begun", "log_resumed",
]);
/** Fields whose values are people's ids, and devices' numbers. */
const PEOPLE = ["person", "by", "owner"];
/** Fields that nobody reads whole in a row. */
const IDS = ["alarm", "issuer", "holder", "grant", "session", "group", "share", "member", "viewer", "program", "log", "sha256"];
const FILTERS = ["kind", "text", "since", "until", "person", "device", "session"];

/** @type {import("../desk.js").Open} */
export async function open({ desk, into, query, signal, head }) {
  const names = new Names(desk);
  const kind = h("select", { name: "kind", "aria-label": t("audit.kind") }, h("option", { value: "" }, t("audit.anyKind")), ...KINDS.map((one) => h("option", { value: one, selected: one === query.get("kind") }, t(`audit.kinds.${one}`))));
  const text = h("input", { type: "search", class: "search", name: "text", placeholder: t("audit.search"), "aria-label": t("audit.search"), maxlength: 128, value: query.get("text") ?? "" });
  const since = h("input", { type: "datetime-local", name: "since", "aria-label": t("audit.since"), title: t("audit.since"), value: query.get("since") ?? "" });
  const until = h("input", { type: "datetime-local", name: "until", "aria-label": t("audit.until"), title: t("audit.until"), value: query.get("until") ?? "" });
  const only = ["person", "device", "session"].filter((name) => query.get(name));
  const counted = h("span", { class: "count", role: "status" });
  const state = h("section", { class: "panel", "aria-label": t("audit.chain") });
  const exports = ["jsonl", "csv"].map((form) => h("a", { class: "button", download: `audit.${form}` }, t(`audit.as.${form}`)));
  /** The head that the relay has shown last. @type {any} */
  let shown = null;

  /** What is looked for, as the address has it. */
  const wanted = () => ({ kind: kind.value, text: text.value.trim(), since: since.value, until: until.value, ...Object.fromEntries(only.map((name) => [name, query.get(name) ?? ""])) });
  /** The same as the API is asked. @returns {Record<string, string>} */
  const asked = () => {
    const { since: from, until: to, ...rest } = wanted();
    const times = /** @type {[string, string][]} */ ([["since_ms", from], ["until_ms", to]]).filter(([, value]) => value && !Number.isNaN(Date.parse(value))).map(([name, value]) => [name, String(Date.parse(value))]);
    return Object.fromEntries([...Object.entries(rest).filter(([, value]) => value), ...times]);
  };

  const list = new List({
    label: t("audit.title"),
    key: (entry) => String(entry.seq),
    source: async (after) => desk.api.call("GET", `/audit?${new URLSearchParams({ ...asked(), limit: String(PAGE), ...(after ? { after } : {}) })}`),
    columns: [
      { title: t("audit.when"), width: "226px", cell: (entry) => h("span", { class: "number small" }, moment(entry.time_ms / 1000)), wide: true },
      { title: t("audit.what"), width: "24%", cell: (entry) => h("div", { class: "name" }, h("button", { type: "button", class: "link", onclick: () => void details(entry, names) }, t(`audit.kinds.${entry.kind}`)), h("span", { class: "quiet narrow" }, brief(entry.time_ms / 1000))) },
      { title: t("audit.who"), width: "22%", cell: (entry) => h("span", {}, ...who(entry, names)) },
      { title: t("audit.about"), width: "auto", cell: (entry) => h("span", { class: "quiet" }, ...about(entry, names)), wide: true },
    ],
    empty: () => h("div", { class: "empty" }, icon("audit"), h("h2", {}, t("audit.none")), h("p", {}, t("audit.noneText")), h("button", { type: "button", onclick: clear }, t("audit.clear"))),
    counted: (told) => put(counted, told),
  });

  function clear() {
    kind.value = text.value = since.value = until.value = "";
    only.length = 0;
    void filter();
  }

  async function filter() {
    const now = Object.fromEntries(FILTERS.map((name) => [name, /** @type {any} */ (wanted())[name] ?? ""]));
    history.replaceState(null, "", hashOf("audit", "", now));
    link();
    await list.reload();
  }

  /** What is exported is what is looked for. */
  function link() {
    exports.forEach((one, at) => one.setAttribute("href", `/api/v1/audit/export?${new URLSearchParams({ ...asked(), form: ["jsonl", "csv"][at] })}`));
  }

  /** Prove the log, and that what is listed is what was proved. */
  async function prove() {
    put(state, h("p", { class: "quiet" }, t("audit.proving")));
    const found = await lookAt((path) => desk.api.call("GET", path), localStorage);
    shown = found.head;
    const unfiltered = !Object.keys(asked()).length;
    const fits = !unfiltered || (await whole(list.items, shown));
    put(state, ...chainState(found, fits, unfiltered ? list.items.length : 0, again, trust));
    state.classList.toggle("alarm", BROKEN.includes(found.verdict) || !fits);
    if (BROKEN.includes(found.verdict) || !fits) state.setAttribute("role", "alert");
    else state.removeAttribute("role");
  }

  const again = () => list.reload().then(prove);
  /** Begin anew with another log, knowingly. @returns {Promise<void>} */
  const trust = async () => {
    if (await sure({ title: t("audit.trustTitle"), text: t("audit.trustText"), yes: t("audit.trust"), act: async () => believe(shown, localStorage) })) await again();
  };

  head(t("audit.title"), ...exports);
  link();
  /** @type {ReturnType<typeof setTimeout>} */
  let typing;
  text.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => void filter(), PAUSE);
  });
  for (const field of [kind, since, until]) field.addEventListener("change", () => void filter());
  signal.addEventListener("abort", () => clearTimeout(typing), { once: true });
  const narrowed = only.length > 0 && h("button", { type: "button", onclick: clear }, t("audit.clear"));
  put(into, state, h("div", { class: "filters", role: "search" }, text, kind, labelledTime("audit.since", since), labelledTime("audit.until", until), narrowed, counted), list);
  await list.reload();
  await prove();
}

/** @param {string} word @param {HTMLInputElement} field */
function labelledTime(word, field) {
  return h("label", { class: "beside" }, h("span", { class: "quiet", "aria-hidden": "true" }, t(word)), field);
}

/** What is said of the chain. @param {import("../chain.js").State} found @param {boolean} fits  whether what is listed
 * follows each other @param {number} listed @param {() => void} again @param {() => void} trust @returns {(Node | false)[]} */
function chainState(found, fits, listed, again, trust) {
  const { verdict, head, kept, trouble } = found;
  const broken = BROKEN.includes(verdict) || !fits;
  const said = { n: count("audit.entries", head?.size ?? 0), before: count("audit.entries", kept?.size ?? 0), when: kept ? moment(kept.time_ms / 1000) : "" };
  const advice = broken && h("p", {}, t("audit.brokenText"));
  const buttons = [
    h("button", { type: "button", onclick: again }, t("audit.again")),
    broken && h("button", { type: "button", onclick: () => saved(found) }, t("audit.evidence")),
    BROKEN.includes(verdict) && verdict !== "forged" && h("button", { type: "button", class: "danger", onclick: trust }, t("audit.trust")),
  ];
  return [
    h("header", {}, h("h2", {}, t(broken ? "audit.broken" : "audit.good")), h("div", { class: "row" }, ...buttons)),
    h("p", { id: "verdict", "data-verdict": fits ? verdict : "listed" }, t(fits ? `audit.verdicts.${verdict}` : "audit.verdicts.listed", said)),
    advice,
    fits && listed > 0 && !broken && h("p", { class: "quiet" }, t("audit.listed", { n: count("audit.entries", listed) })),
    trouble ? h("p", { class: "error" }, t("audit.trouble", { why: foreign(trouble, 300) })) : false,
    head && h("p", { class: "quiet" }, t("audit.signed", { when: moment(head.time_ms / 1000), key: head.key.slice(0, 16) })),
  ];
}

/** Both heads as a file, for whoever is to judge it. @param {import("../chain.js").State} found */
function saved(found) {
  const text = JSON.stringify(evidence(localStorage) ?? { kept: found.kept, shown: found.head }, null, 2);
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: "audit-evidence.json" });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** What an entry says, with what of it was committed to and can still be read. @param {any} entry @returns {[string,
 * unknown][]} */
function fields(entry) {
  const opened = Object.entries(entry.opened ?? {}).map(([name, value]) => /** @type {[string, unknown]} */ ([name, /** @type {any} */ (value)[1]]));
  const hidden = Object.keys(entry.hidden ?? {}).filter((name) => !(name in (entry.opened ?? {}))).map((name) => /** @type {[string, unknown]} */ ([name, null]));
  return [...Object.entries(entry.event), ...opened, ...hidden];
}

/** Who did it, or whom it is about. @param {any} entry @param {Names} names @returns {(Node | string)[]} */
function who(entry, names) {
  const said = Object.fromEntries(fields(entry));
  for (const name of ["by", "person"]) if (said[name]) return [names.person(String(said[name]))];
  for (const name of ["login", "name"]) if (said[name]) return [foreign(said[name], 60)];
  return said.device ? [names.device(String(said.device))] : ["–"];
}

/** The rest, in a row. @param {any} entry @param {Names} names @returns {(Node | string)[]} */
function about(entry, names) {
  const shown = fields(entry).filter(([name]) => name !== "by" && name !== "person");
  return shown.flatMap(([name, value], at) => [`${at ? " · " : ""}${name} `, told(name, value, names)]);
}

/** @param {string} name @param {unknown} value @param {Names} names @returns {Node | string} */
function told(name, value, names) {
  if (value === null) return t("audit.forgotten");
  if (PEOPLE.includes(name)) return names.person(String(value));
  if (name === "device") return names.device(String(value));
  if (name === "audience" && String(value).startsWith("device:")) return names.device(String(value).slice(7));
  if (IDS.includes(name) && String(value).length > 12) return h("span", { title: String(value) }, `${String(value).slice(0, 8)}…`);
  return foreign(String(value), 128);
}

/** A field whole: beside what stands for somebody or something, its name. @param {string} name @param {unknown} value
 * @param {Names} names @returns {(Node | string)[]} */
function inFull(name, value, names) {
  if (value === null) return [t("audit.forgotten")];
  const text = foreign(String(value), 300);
  return PEOPLE.includes(name) || name === "device" || (name === "audience" && text.startsWith("device:")) ? [told(name, value, names), " ", h("span", { class: "quiet" }, text)] : [text];
}

/** One entry whole, as its line has it. @param {any} entry @param {Names} names */
async function details(entry, names) {
  const shown = fields(entry).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, ...inFull(name, value, names))]);
  await ask({
    title: t(`audit.kinds.${entry.kind}`),
    wide: true,
    body: (close) => [
      h("dl", { class: "facts" }, h("dt", {}, t("audit.when")), h("dd", {}, moment(entry.time_ms / 1000)), h("dt", {}, t("audit.number")), h("dd", {}, number(entry.seq)), ...shown),
      h("details", {}, h("summary", {}, t("audit.line")), h("code", { class: "code-block" }, foreign(JSON.stringify(entry), 20_000))),
      h("div", { class: "row end" }, entry.event.session ? h("a", { class: "button", href: hashOf("audit", "", { session: entry.event.session }), onclick: () => close() }, t("audit.ofSession")) : null, h("button", { type: "button", class: "primary", autofocus: true, onclick: () => close() }, t("dialog.done"))),
    ],
  });
}
