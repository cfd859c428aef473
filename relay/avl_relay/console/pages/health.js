/**
 * Health: how the relay stands. What is wrong stands first, in words; then what passes through it now, and since it began
 * what was refused, dropped and ended, each by its reason.
 */

import { foreign, h, put } from "../../account/dom.js";
import { RelayClock, span } from "../clock.js";
import { hashOf } from "../router.js";
import { percent, rate, size } from "../units.js";
import { number, t } from "../words.js";

/** Milliseconds between two looks. */
const LOOK = 2000;

/** @type {import("../desk.js").Open} */
export async function open({ desk, into, signal }) {
  const clock = new RelayClock();
  const wrong = h("div", { class: "fields", role: "status" });
  const tiles = new Map(TILES.map((name) => [name, h("dd", {})]));
  const tables = new Map(TABLES.map((name) => [name, h("tbody", {})]));
  /** @type {any} */
  let before = null;

  async function look() {
    if (document.hidden && before) return;
    const told = await desk.api.call("GET", "/health");
    clock.heard(told.now);
    tell(wrong, problems(told).join("\n"));
    const flows = flowing(before?.plane, told.plane);
    for (const [name, text] of Object.entries(figures(told, flows))) tell(tiles.get(name), text);
    for (const [name, body] of tables) fill(body, told.plane?.[name] ?? {});
    before = told;
  }

  put(
    into,
    clock.notice,
    wrong,
    h("dl", { class: "tiles" }, ...TILES.map((name) => h("div", { "data-tile": name }, h("dt", {}, t(`health.tiles.${name}`)), tiles.get(name)))),
    h("div", { class: "panels" }, ...TABLES.map((name) => h("section", { class: "panel" }, h("h2", {}, t(`health.tables.${name}`)), h("table", { class: "plain", "aria-label": t(`health.tables.${name}`) }, tables.get(name))))),
    h("div", { class: "row" }, h("a", { class: "button", href: hashOf("audit") }, t("audit.title")), h("a", { class: "button", href: hashOf("settings") }, t("settings.title"))),
    h("p", { class: "quiet" }, t("health.command")),
  );
  await look();
  const timer = setInterval(() => void look().catch((error) => tell(wrong, String(error.message ?? error))), LOOK);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

const TILES = ["state", "uptime", "hosts", "sessions", "viewers", "in", "out", "cpu", "memory", "processes", "dropped", "audit", "database", "kept", "version"];
const TABLES = ["connections", "drops", "limits_hit", "limits_by_network", "ended"];

/** What an operator has to know first. @param {any} told @returns {string[]} */
function problems({ plane, audit }) {
  return [
    plane && !plane.ready ? t("health.draining") : "",
    plane && plane.processes < plane.expected ? t("health.lacking", { n: plane.processes, of: plane.expected }) : "",
    audit?.trouble ? t(audit.refuses ? "health.auditRefuses" : "health.auditTrouble", { why: foreign(audit.trouble, 300) }) : "",
    audit ? "" : t("health.noAudit"),
    plane ? "" : t("health.noPlane"),
  ].filter(Boolean);
}

/** What flows a second, between two looks. @param {any} before @param {any} after @returns {{ in: number, out: number,
 * cpu: number } | null} */
function flowing(before, after) {
  const seconds = before && after ? after.uptime - before.uptime : 0;
  if (seconds <= 0 || after.processes !== before.processes) return null;
  const each = (/** @type {string} */ name) => Math.max(0, (after[name] - before[name]) / seconds);
  return { in: 8 * each("bytes_in"), out: 8 * each("bytes_out"), cpu: each("cpu_seconds") };
}

/** @param {any} told @param {ReturnType<typeof flowing>} flows @returns {Record<string, string>} */
function figures({ plane, database, audit, kept }, flows) {
  const about = {
    database: t("health.databaseOf", { kind: database.kind === "sqlite" ? "SQLite" : "PostgreSQL", size: size(database.bytes), version: foreign(database.version, 40) }),
    audit: audit ? t(audit.trouble ? "health.auditBad" : "health.auditGood") : "–",
    kept: t("health.keeps", { people: number(kept.people), devices: number(kept.devices), grants: number(kept.grants) }),
  };
  if (!plane) return about;
  return {
    ...about,
    state: t(plane.ready ? "health.ready" : "health.notReady"),
    uptime: span(plane.uptime),
    hosts: number(plane.hosts),
    sessions: plane.sessions_waiting ? t("health.waiting", { n: number(plane.sessions), more: number(plane.sessions_waiting) }) : number(plane.sessions),
    viewers: number(plane.viewers),
    in: flows ? t("health.flow", { now: rate(flows.in), all: size(plane.bytes_in) }) : size(plane.bytes_in),
    out: flows ? t("health.flow", { now: rate(flows.out), all: size(plane.bytes_out) }) : size(plane.bytes_out),
    cpu: flows ? percent(flows.cpu) : "–",
    memory: size(plane.memory),
    processes: `${number(plane.processes)} / ${number(plane.expected)}`,
    dropped: number(plane.dropped),
    version: foreign(plane.version, 40),
  };
}

/** @param {HTMLElement} body @param {Record<string, number>} counts */
function fill(body, counts) {
  const rows = Object.entries(counts).filter(([, n]) => n).sort((one, other) => other[1] - one[1]);
  if (!rows.length) put(body, h("tr", {}, h("td", { class: "quiet" }, t("health.none"))));
  else put(body, ...rows.map(([name, n]) => h("tr", {}, h("th", { scope: "row" }, foreign(name.replaceAll("_", " "), 80)), h("td", { class: "number" }, number(n)))));
}

/** @param {HTMLElement | undefined} place @param {string} text  lines of their own */
function tell(place, text) {
  if (!place || place.dataset.said === text) return;
  place.dataset.said = text;
  if (place.localName === "dd") place.textContent = text;
  else put(place, ...text.split("\n").filter(Boolean).map((line) => h("p", { class: "notice" }, line)));
}
