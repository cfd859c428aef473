/**
 * Planning: a change of who may what, seen before it counts: whose permissions become what, which can't be had and why,
 * and what whose key has to sign. What this browser's key can sign is signed here; the rest is for its owners.
 */

import { foreign, h, put } from "../account/dom.js";
import { SPANS } from "../account/roles.js";
import { copied } from "../account/surroundings.js";
import { ask } from "./elements/dialog.js";
import { failed, toast } from "./elements/toast.js";
import { labelled } from "./forms.js";
import { choices, short } from "./permitted.js";
import { explained } from "./problems.js";
import { canSign, sign, statementsOf } from "./signing.js";
import { count, moment, t } from "./words.js";

/** @typedef {import("./desk.js").Desk} Desk */

/**
 * @typedef {object} Subject  What a change is about.
 * @property {{ person: string, audience: string }[]} cells  who, and where
 * @property {string[]} limits  audiences, of a limit for everybody there
 * @property {(id: string) => string} called  of a person
 * @property {(audience: string) => string} place  what an audience is called
 * @property {number} permissions  that are chosen at first
 * @property {() => number} now  Unix seconds at the relay
 */

/** Rows of a plan that are shown at once. */
const SHOWN = 50;

/** Choose permissions for people at places, or a limit for everybody there. @param {Desk} desk @param {string} title
 * @param {Subject} subject @returns {Promise<boolean>} whether something was signed */
export async function planDialog(desk, title, subject) {
  const limits = subject.limits.length > 0;
  const people = [...new Set(subject.cells.map((one) => one.person))];
  const places = [...new Set([...subject.cells.map((one) => one.audience), ...subject.limits])].map(subject.place);
  const roles = limits ? choices(t("plan.nobody"), t("plan.unlimited")) : choices(t("plan.none"));
  const first = roles.find((one) => one.permissions === subject.permissions)?.id ?? (limits ? "ALL" : "VIEWER");
  const role = h("select", { name: "role" }, ...roles.map((one) => h("option", { value: one.id, selected: one.id === first }, one.text)));
  const until = h("select", { name: "until" }, ...SPANS.map(([, seconds], at) => h("option", { value: seconds, selected: seconds === 30 * 86_400 }, t(`plan.spans.${at}`))));
  const chosen = () => roles.find((one) => one.id === role.value)?.permissions ?? 0;
  const place = h("div", { class: "fields", "aria-live": "polite" });
  /** Which question the place answers: an earlier answer is not shown. */
  let turn = 0;
  /** @type {any} */
  let planned = null;
  const done = await ask({
    title,
    wide: true,
    body: (close) => {
      const button = h("button", { type: "button", class: "primary", disabled: true }, t("plan.sign"));
      const span = labelled(t("plan.until"), until);
      const look = async () => {
        const mine = (turn += 1);
        const permissions = chosen();
        span.hidden = limits || !permissions;
        button.disabled = true;
        const expires = Math.floor(subject.now()) + Number(until.value);
        try {
          const told = await desk.api.call("POST", "/matrix/plan", { permissions, ...(limits ? { limits: subject.limits } : { cells: subject.cells, ...(permissions ? { expires } : {}) }) });
          if (mine !== turn) return;
          planned = told;
          put(place, ...shown(desk, told, subject));
          button.disabled = !told.sign.some((/** @type {any} */ one) => canSign(desk, one));
        } catch (error) {
          if (mine === turn) put(place, h("p", { class: "error", role: "alert" }, explained(error)));
        }
      };
      role.addEventListener("change", () => void look());
      until.addEventListener("change", () => void look());
      const error = h("p", { class: "error", role: "alert", hidden: true });
      button.addEventListener("click", async () => {
        button.disabled = true;
        try {
          close(await signed(desk, planned.sign));
        } catch (failure) {
          error.textContent = explained(failure);
          error.hidden = false;
          await look(); // part of it may have been signed
        }
      });
      void look();
      return [
        h("p", { class: "quiet" }, limits ? t("plan.limitText", { places: list(places) }) : t("plan.text", { people: list(people.map(subject.called)), places: list(places) })),
        h("div", { class: "two" }, labelled(t(limits ? "plan.most" : "plan.role"), role), span),
        place,
        error,
        h("div", { class: "row end" }, h("button", { type: "button", onclick: () => close() }, t("dialog.cancel")), button),
      ];
    },
  });
  if (!done) return false;
  toast(t("plan.done"), done.undo ? { undo: done.undo } : {});
  return true;
}

/** Sign what this browser can. @param {Desk} desk @param {any[]} signatures */
async function signed(desk, signatures) {
  const own = signatures.filter((one) => canSign(desk, one));
  /** @type {((() => Promise<void>) | undefined)[]} */
  const undoing = [];
  for (const one of own) undoing.push(await sign(desk, one));
  const all = undoing.every(Boolean);
  return { undo: all ? async () => {
    for (const act of undoing) await act?.();
  } : undefined };
}

/** What a plan would do. @param {Desk} desk @param {any} told @param {Subject} subject */
function shown(desk, told, subject) {
  const others = told.sign.filter((/** @type {any} */ one) => !canSign(desk, one));
  return [changed(told), ...problems(told, subject), ...told.sign.filter((/** @type {any} */ one) => canSign(desk, one)).map(own), ...others.map((/** @type {any} */ one) => foreignKey(desk, one, subject))];
}

/** @param {any} told */
function changed(told) {
  if (!told.changes.length) return h("p", { class: "quiet", id: "plan-nothing" }, t("plan.nothing"));
  const rows = told.changes.slice(0, SHOWN).map((/** @type {any} */ one) =>
    h("tr", {}, h("th", { scope: "row" }, foreign(one.name, 60)), h("td", {}, foreign(one.device_name, 60)), h("td", {}, short(one.before)), h("td", {}, h("strong", {}, short(one.after)))));
  const left = told.changes.length - rows.length + told.more;
  return h("div", { class: "scrolled", tabindex: 0, role: "region", "aria-label": t("plan.effect") },
    h("table", { class: "plain", id: "plan-changes" },
      h("caption", {}, t("plan.effect")),
      h("thead", {}, h("tr", {}, ...["person", "device", "before", "after"].map((one) => h("th", { scope: "col" }, t(`plan.${one}`))))),
      h("tbody", {}, ...rows)),
    left > 0 && h("p", { class: "quiet" }, count("plan.more", left)));
}

/** What can't be had, and what another grant leaves. @param {any} told @param {Subject} subject */
function problems(told, subject) {
  const lines = told.refused.map((/** @type {any} */ one) => t(`plan.refused.${one.why}`, { who: foreign(one.person ? subject.called(one.person) : "", 60), where: foreign(subject.place(one.audience), 60) }));
  const still = [...new Set(told.left.map((/** @type {any} */ one) => one.person))].map((id) => t("plan.left", { who: foreign(subject.called(/** @type {string} */ (id)), 60) }));
  const all = [...lines, ...still];
  if (!all.length) return [];
  return [h("ul", { class: "notices", id: "plan-problems" }, ...all.slice(0, 12).map((one) => h("li", {}, one)))];
}

/** @param {any} one */
function own(one) {
  return h("p", { id: "plan-own" }, count("plan.own", statementsOf(one)), one.revoke.length ? ` ${t("plan.ends")}` : "");
}

/** What another's key has to sign: in words, for them. @param {Desk} desk @param {any} one @param {Subject} subject */
function foreignKey(desk, one, subject) {
  const locked = desk.known === one.key;
  const lines = [
    ...one.revoke.map((/** @type {string} */ jti) => t("plan.toRevoke", { grant: jti })),
    ...one.give.map((/** @type {any} */ give) => t("plan.toGive", { who: foreign(subject.called(give.person), 60), what: short(give.permissions), where: foreign(subject.place(give.audience), 60), when: moment(give.expires) })),
    ...one.limit.map((/** @type {any} */ limit) => t("plan.toLimit", { what: short(limit.permissions), where: foreign(subject.place(limit.audience), 60) })),
  ];
  return h("section", { class: "notice", "data-signs": one.person },
    h("div", {}, h("p", {}, locked ? t("plan.locked") : t("plan.other", { name: foreign(one.name, 60) })), h("ul", {}, ...lines.slice(0, 8).map((line) => h("li", {}, line)))),
    locked ? h("a", { class: "button", href: "../account/#devices" }, t("key.unlock")) : h("button", { type: "button", onclick: () => copied(lines.join("\n")).then(() => toast(t("toast.copied")), failed) }, t("dialog.copy")));
}

/** Names in a row, and how many more. @param {string[]} names */
function list(names) {
  const first = names.slice(0, 3).map((one) => foreign(one, 40)).join(", ");
  return names.length > 3 ? t("plan.andMore", { names: first, n: names.length - 3 }) : first;
}
