/**
 * The permission matrix: people and groups of people across devices and groups of devices. Each cell says what they may,
 * and under it by which rule; chosen cells are changed together, and what that does is seen before anything is signed.
 *
 * Arrow keys go from cell to cell, Space and Enter choose one, Shift with either a field of them. A cell of a group says
 * what all in it have; where some have more, it says that too.
 */

import { foreign, h, put } from "../../account/dom.js";
import { OWNER } from "../../rights/effective.js";
import { PRESETS } from "../../wire/registry.js";
import { RelayClock } from "../clock.js";
import { icon } from "../icons.js";
import { exactly, short, weight } from "../permitted.js";
import { planDialog } from "../planning.js";
import { hashOf } from "../router.js";
import { count, moment, t } from "../words.js";

/** Rows of one answer; px of a column, and of what stands beside them. */
const ROWS = 40;
const COLUMN = 118;
const BESIDE = 180;
const PAUSE = 250;

/** @type {import("../desk.js").Open} */
export async function open({ desk, into, query, signal }) {
  const clock = new RelayClock();
  const search = (/** @type {string} */ name) => h("input", { type: "search", class: "search", name, placeholder: t(`matrix.${name}`), "aria-label": t(`matrix.${name}`), maxlength: 128, value: query.get(name) ?? "" });
  const person = search("person");
  const device = search("device");
  const choice = (/** @type {string} */ name, /** @type {string[]} */ values) => h("select", { name, "aria-label": t(`matrix.${name}`) }, ...values.map((one) => h("option", { value: one, selected: one === query.get(name) }, t(`matrix.${name}Are.${one}`))));
  const rowsAre = choice("rows", ["people", "groups"]);
  const columnsAre = choice("columns", ["devices", "groups"]);
  const grid = h("div", { class: "scrolled", role: "region", "aria-label": t("matrix.title") });
  const foot = h("div", { class: "row" });
  const bar = h("div", { class: "chosen", role: "region", "aria-label": t("matrix.chosen"), hidden: true });
  const why = h("div", { class: "panel", id: "why", "aria-live": "polite" });
  /** Where earlier pages of columns begin. @type {string[]} */
  let before = [];
  let across = "";
  /** @type {{ items: any[], next: string | null, columns: any[], next_column: string | null, rules: any } | null} */
  let shown = null;
  /** Cells as `ROW COLUMN`, by their places. @type {Set<string>} */
  const chosen = new Set();
  /** Where choosing a field begins, and where the keys are. @type {[number, number]} */
  let anchor = [0, 0];
  let turn = 0;

  const fitting = () => Math.min(20, Math.max(3, Math.floor((into.clientWidth - BESIDE) / COLUMN)));
  /** @param {string} after */
  const asked = (after) => new URLSearchParams(Object.entries({
    limit: String(ROWS), columns: String(fitting()), rows_are: rowsAre.value, columns_are: columnsAre.value,
    person: person.value.trim(), device: device.value.trim(), people: query.get("people") ?? "", devices: query.get("devices") ?? "", across, after,
  }).filter(([, value]) => value));

  /** Ask anew for what is shown. */
  async function load() {
    const mine = (turn += 1);
    const told = await desk.api.call("GET", `/matrix?${asked("")}`);
    if (mine !== turn) return;
    shown = told;
    chosen.clear();
    anchor = [0, 0];
    draw();
  }

  /** Show the next page of rows below. */
  async function more() {
    if (!shown?.next) return;
    const mine = turn;
    const told = await desk.api.call("GET", `/matrix?${asked(shown.next)}`);
    if (mine !== turn || !shown) return;
    const at = shown.items.length;
    shown = { ...shown, items: [...shown.items, ...told.items], next: told.next, rules: { ...shown.rules, ...told.rules } };
    draw();
    reach(at, 0);
  }

  function draw() {
    if (!shown) return;
    const { items, columns, next, next_column: further } = shown;
    if (!items.length || !columns.length) {
      put(grid, nothing(items.length ? "columns" : "rows"));
      put(why);
      grid.removeAttribute("tabindex");
      put(foot, before.length > 0 && turned("matrix.earlier", earlier));
      mark();
      return;
    }
    const heads = columns.map((one, at) => h("th", { scope: "col" }, h("button", { type: "button", class: "quietly", title: foreign(one.name, 200), "aria-label": t("matrix.limitOf", { where: foreign(one.name, 60) }), onclick: () => void limit(at) }, foreign(one.name, 40)), h("span", { class: "quiet" }, one.kind === "group" ? sized(one) : foreign(one.owner_name, 30))));
    const rows = items.map((one, row) => h("tr", {}, h("th", { scope: "row" }, h("div", { class: "name" }, h("strong", { title: foreign(one.name, 200) }, foreign(one.name, 60)), h("span", { class: "quiet" }, noted(one)))), ...one.cells.map((/** @type {any} */ cell, /** @type {number} */ column) => h("td", {}, button(cell, row, column)))));
    put(grid, h("table", { class: "matrix", "aria-label": t("matrix.title") }, h("thead", {}, h("tr", {}, h("td", {}), ...heads)), h("tbody", {}, ...rows)));
    put(foot, before.length > 0 && turned("matrix.earlier", earlier), further && turned("matrix.further", later), next && turned("matrix.more", more));
    explain(...anchor);
    mark();
  }

  /** @param {string} word @param {() => Promise<void>} act */
  const turned = (word, act) => h("button", { type: "button", onclick: () => void act() }, t(word));
  async function later() {
    before.push(across);
    across = shown?.next_column ?? "";
    await load();
  }
  async function earlier() {
    across = before.pop() ?? "";
    await load();
  }

  /** One cell. @param {any} cell @param {number} row @param {number} column */
  function button(cell, row, column) {
    const made = h("button", { type: "button", class: "cell", "data-at": `${row} ${column}`, "data-weight": weight(cell.every), "aria-pressed": "false", tabindex: row === anchor[0] && column === anchor[1] ? 0 : -1 }, cell.every ? h("span", {}, short(cell.every)) : h("span", {}, h("span", { "aria-hidden": "true" }, "–"), h("span", { class: "heard" }, short(0))), h("span", { class: "by" }, hint(cell)));
    made.addEventListener("click", (event) => choose(row, column, event.shiftKey));
    made.addEventListener("focus", () => {
      for (const one of grid.querySelectorAll(".cell[tabindex='0']")) /** @type {HTMLElement} */ (one).tabIndex = -1;
      made.tabIndex = 0;
      explain(row, column);
    });
    made.addEventListener("mouseenter", () => {
      if (!grid.contains(document.activeElement)) explain(row, column);
    });
    return made;
  }

  /** What stands under a cell's permissions: the rule, or that there are several. @param {any} cell */
  function hint(cell) {
    if (cell.some !== cell.every) return t("matrix.some", { most: short(cell.some) });
    const rules = cell.rules.map((/** @type {string} */ name) => shown?.rules[name]).filter(Boolean);
    const limited = rules.some((/** @type {any} */ one) => one.kind === "limit");
    const given = rules.filter((/** @type {any} */ one) => one.kind !== "limit");
    const first = given.length > 1 ? count("matrix.rules", given.length) : given[0] ? ruleName(given[0]) : "";
    return [first, limited ? t("matrix.limited") : ""].filter(Boolean).join(", ");
  }

  /** @param {any} rule */
  function ruleName(rule) {
    if (rule.kind === "owner") return t("matrix.owns");
    return rule.audience.startsWith("group:") ? foreign(rule.audience.slice(6), 24) : t("matrix.here");
  }

  /** Say which rules give a cell. @param {number} row @param {number} column */
  function explain(row, column) {
    const line = shown?.items[row];
    const cell = line?.cells[column];
    const at = shown?.columns[column];
    if (!cell || !at) return;
    const all = cell.rules.map((/** @type {string} */ name) => shown?.rules[name]).filter(Boolean);
    const lines = all.slice(0, 12).map((/** @type {any} */ one) => h("li", {}, inWords(one)));
    put(why, h("h2", {}, t("matrix.at", { who: foreign(line.name, 60), where: foreign(at.name, 60) })), h("p", {}, exactly(cell.every)), cell.some !== cell.every && h("p", {}, t("matrix.someHave", { most: exactly(cell.some) })), lines.length ? h("ul", { class: "notices" }, ...lines) : h("p", { class: "quiet" }, t("matrix.noRule")));
  }

  /** @param {any} rule */
  function inWords(rule) {
    const where = rule.audience.startsWith("group:") ? t("matrix.ofGroup", { name: foreign(rule.audience.slice(6), 60) }) : t("matrix.ofDevice");
    if (rule.kind === "owner") return t("matrix.isOwner");
    if (rule.kind === "limit") return t("matrix.isLimit", { what: exactly(rule.permissions), where });
    return t(rule.limited ? "matrix.isGrantLimited" : "matrix.isGrant", { what: short(rule.permissions), where, when: moment(rule.expires) });
  }

  /** Choose a cell, or a field of them. @param {number} row @param {number} column @param {boolean} field */
  function choose(row, column, field) {
    if (field) {
      for (let at = Math.min(row, anchor[0]); at <= Math.max(row, anchor[0]); at++) {
        for (let to = Math.min(column, anchor[1]); to <= Math.max(column, anchor[1]); to++) chosen.add(`${at} ${to}`);
      }
    } else {
      const key = `${row} ${column}`;
      if (!chosen.delete(key)) chosen.add(key);
      anchor = [row, column];
    }
    mark();
  }

  /** Show what is chosen, and what can be done with it. */
  function mark() {
    for (const one of grid.querySelectorAll(".cell")) one.setAttribute("aria-pressed", String(chosen.has(/** @type {HTMLElement} */ (one).dataset.at ?? "")));
    bar.hidden = !chosen.size;
    if (chosen.size) put(bar, h("strong", { role: "status" }, count("matrix.cells", chosen.size)), h("button", { type: "button", class: "primary", id: "change", onclick: () => void change() }, t("matrix.change")), h("button", { type: "button", onclick: none }, t("matrix.none")));
  }

  function none() {
    chosen.clear();
    mark();
    reach(...anchor);
  }

  /** @param {number} row @param {number} column */
  function reach(row, column) {
    /** @type {HTMLElement | null} */ (grid.querySelector(`[data-at="${row} ${column}"]`))?.focus();
  }

  /** Change the chosen cells together. */
  async function change() {
    if (!shown) return;
    const places = [...chosen].map((one) => one.split(" ").map(Number));
    /** @type {Map<string, string>} */
    const called = new Map(shown.items.map((one) => [one.id, one.name]));
    /** @type {{ person: string, audience: string }[]} */
    const cells = [];
    for (const [row, column] of places) {
      const { kind, id } = shown.items[row];
      const people = kind === "person" ? [id] : await membersOf(id, called);
      cells.push(...people.map((/** @type {string} */ person) => ({ person, audience: /** @type {any} */ (shown).columns[column].audience })));
    }
    const [first] = places;
    const done = await planDialog(desk, t("matrix.changeTitle"), {
      cells,
      limits: [],
      called: (id) => called.get(id) ?? id.slice(0, 8),
      place: placed,
      permissions: (places.length === 1 && shown.items[first[0]].cells[first[1]].every) || PRESETS.VIEWER,
      now: () => clock.now,
    });
    if (done) await load();
  }

  /** Who is in a group of people; their names are noted. @param {string} group @param {Map<string, string>} called */
  async function membersOf(group, called) {
    const { members } = await desk.api.call("GET", `/groups/${encodeURIComponent(group)}`);
    for (const id of members.slice(0, 100)) {
      if (!called.has(id)) called.set(id, (await desk.api.call("GET", `/people/${encodeURIComponent(id)}`)).name);
    }
    return members;
  }

  /** @param {string} audience */
  function placed(audience) {
    return shown?.columns.find((one) => one.audience === audience)?.name ?? audience;
  }

  /** What everybody may at most in a column. @param {number} at */
  async function limit(at) {
    const column = shown?.columns[at];
    if (!column) return;
    const done = await planDialog(desk, t("matrix.limitTitle", { where: foreign(column.name, 60) }), { cells: [], limits: [column.audience], called: (id) => id.slice(0, 8), place: placed, permissions: OWNER, now: () => clock.now });
    if (done) await load();
  }

  grid.addEventListener("keydown", (event) => {
    const cell = /** @type {HTMLElement} */ (event.target).closest(".cell");
    const move = /** @type {Record<string, [number, number]>} */ ({ ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] })[event.key];
    if (event.key === "Escape" && chosen.size) {
      none();
      return;
    }
    if (!cell || !move || !shown || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [row, column] = (/** @type {HTMLElement} */ (cell).dataset.at ?? "0 0").split(" ").map(Number);
    const to = /** @type {[number, number]} */ ([Math.min(shown.items.length - 1, Math.max(0, row + move[0])), Math.min(shown.columns.length - 1, Math.max(0, column + move[1]))]);
    reach(...to);
    if (event.shiftKey) choose(...to, true);
    else anchor = to;
  });

  async function filter() {
    history.replaceState(null, "", hashOf("matrix", "", { person: person.value.trim(), device: device.value.trim(), rows: rowsAre.value, columns: columnsAre.value }));
    across = "";
    before = [];
    await load();
  }
  /** @type {ReturnType<typeof setTimeout>} */
  let typing;
  for (const field of [person, device]) {
    field.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => void filter(), PAUSE);
    });
  }
  signal.addEventListener("abort", () => clearTimeout(typing), { once: true });
  for (const field of [rowsAre, columnsAre]) field.addEventListener("change", () => void filter());

  put(into, h("p", { class: "quiet" }, t("matrix.text")), h("div", { class: "filters", role: "search" }, person, rowsAre, device, columnsAre), grid, foot, bar, why);
  desk.events.on(["rights", "device", "resync"], () => {
    if (!chosen.size && !grid.contains(document.activeElement)) void load().catch(() => undefined);
  }, signal);
  const told = await desk.api.call("GET", "/health").catch(() => null);
  if (told) clock.heard(told.now);
  put(into, clock.notice, ...into.childNodes);
  await load();
}

/** @param {"rows" | "columns"} lacking */
function nothing(lacking) {
  const people = lacking === "rows";
  return h("div", { class: "empty" }, icon(people ? "people" : "devices"), h("h2", {}, t(people ? "matrix.noPeople" : "matrix.noDevices")), h("p", {}, t(people ? "matrix.noPeopleText" : "matrix.noDevicesText")), h("a", { class: "button", href: hashOf(people ? "people" : "devices") }, t(people ? "matrix.toPeople" : "devices.title")));
}

/** What is to be known of a row beside its name. @param {any} one */
function noted(one) {
  if (one.kind === "group") return sized(one);
  if (one.state !== "active") return t(`matrix.states.${one.state}`);
  return one.key ? foreign(one.login, 40) : t("matrix.noKey");
}

/** @param {any} one */
function sized(one) {
  const size = count("matrix.members", one.size);
  return one.counted < one.size ? t("matrix.counted", { size, n: one.counted }) : size;
}
