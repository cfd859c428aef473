/**
 * One person: name, role and state to be changed by who administers, factors to be forgotten, and their end here.
 */

import { h } from "../../account/dom.js";
import { ask, sure } from "../elements/dialog.js";
import { toast } from "../elements/toast.js";
import { form, labelled } from "../forms.js";
import { moment, t } from "../words.js";
import { nameOf } from "./people.js";

/** @typedef {import("../desk.js").Desk} Desk */

/** @param {Desk} desk @param {any} person @returns {Promise<boolean>}  whether something changed */
export async function personDialog(desk, person) {
  const own = person.id === desk.me.id;
  const may = desk.administers && (person.role === "member" || desk.me.role === "owner");
  const name = h("input", { name: "name", maxlength: 128, value: nameOf(person) });
  const roles = desk.me.role === "owner" ? ["member", "admin", "owner"] : ["member"];
  const role = h("select", { name: "role" }, ...roles.map((one) => h("option", { value: one, selected: one === person.role }, t(`people.roles.${one}`))));
  const before = { name: person.name, role: person.role, state: person.state };
  const change = (/** @type {any} */ values) => desk.api.call("PATCH", `/people/${person.id}`, values);
  const other = (/** @type {string} */ word, /** @type {string} */ act, danger = true) => h("button", { type: "button", class: danger ? "danger" : "", onclick: () => finish(act) }, t(word));
  /** @type {(value?: any) => void} */
  let finish = () => undefined;
  const done = await ask({
    title: nameOf(person),
    wide: true,
    body: (close) => {
      finish = close;
      return [
        h("dl", { class: "facts" }, ...facts(person).flatMap(([word, value]) => [h("dt", {}, t(word)), h("dd", {}, value)])),
        may && form(
          {
            act: async () => {
              const now = { ...(name.value.trim() !== before.name ? { name: name.value.trim() } : {}), ...(role.value !== before.role ? { role: role.value } : {}) };
              if (Object.keys(now).length) await change(now);
              close("saved");
            },
            submit: t("people.save"),
            more: [h("button", { type: "button", onclick: () => close() }, t("dialog.cancel"))],
          },
          labelled(t("people.name"), name),
          own ? null : labelled(t("people.role"), role, t("people.roleHint")),
        ),
        may && !own && h("div", { class: "row", role: "group", "aria-label": t("people.more") },
          person.state === "active" && other("people.disable", "disable"),
          person.state === "disabled" && other("people.enable", "enable", false),
          person.factors?.length > 0 && other("people.reset", "reset"),
          other("people.remove", "remove")),
      ];
    },
  });
  const said = { name: nameOf(person) };
  if (done === "saved") {
    toast(t("people.saved"), { undo: () => change({ name: before.name, ...(own ? {} : { role: before.role }) }) });
  } else if (done === "disable" || done === "enable") {
    await change({ state: done === "disable" ? "disabled" : "active" });
    toast(t(done === "disable" ? "people.disabled" : "people.enabled", said), { undo: () => change({ state: before.state }) });
  } else if (done === "reset") {
    return sure({ title: t("people.resetTitle", said), text: t("people.resetText"), yes: t("people.reset"), act: () => desk.api.call("DELETE", `/people/${person.id}/factors`) });
  } else if (done === "remove") {
    return sure({ title: t("people.removeTitle", said), text: t("people.removeText"), yes: t("people.remove"), act: () => desk.api.call("DELETE", `/people/${person.id}`) });
  }
  return Boolean(done);
}

/** @param {any} person @returns {[string, string][]} */
function facts(person) {
  const seen = /** @type {[string, string][]} */ ([["people.state", t(`people.states.${person.state}`)]]);
  if (person.login) seen.unshift(["people.login", person.login]);
  if (person.role) seen.push(["people.role", t(`people.roles.${person.role}`)]);
  if (person.factors) seen.push(["people.factors", person.factors.map((/** @type {string} */ kind) => t(`people.kinds.${kind}`)).join(", ") || "–"]);
  seen.push(["people.fingerprint", person.key ?? t("people.noKey")]);
  if (person.created) seen.push(["people.created", moment(person.created)]);
  return seen;
}
