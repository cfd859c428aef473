/**
 * People: who is at this relay, inviting, and for who administers it their roles, their state and their factors.
 */

import { foreign, h, put } from "../../account/dom.js";
import { ask } from "../elements/dialog.js";
import { List } from "../elements/list.js";
import { failed } from "../elements/toast.js";
import { form, labelled } from "../forms.js";
import { icon } from "../icons.js";
import { hashOf } from "../router.js";
import { moment, t } from "../words.js";
import { personDialog } from "./person.js";
import { copying } from "./share.js";

/** @typedef {import("../desk.js").Desk} Desk */
/** @typedef {import("../desk.js").Visit} Visit */

const PAUSE = 150;
const PAGE = 100;

/** @param {Visit} visit */
export async function open({ desk, into, part, query, signal, head }) {
  const search = h("input", { type: "search", name: "search", class: "search", placeholder: t("people.search"), "aria-label": t("people.search"), value: query.get("query") ?? "", maxlength: 128 });
  const counted = h("span", { class: "count", role: "status" });
  const wanted = () => ({ query: search.value.trim() });
  const invite = async () => {
    if (await inviteDialog(desk)) await list.reload();
  };

  /** @param {any} person */
  function named(person) {
    const link = h("a", { href: hashOf("people", person.id), title: foreign(person.name, 200) }, nameOf(person));
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      void details(person.id);
    });
    return h("div", { class: "name" }, link, h("span", { class: "quiet" }, [foreign(person.login, 64), person.id === desk.me.id ? t("people.you") : ""].filter(Boolean).join(" · ")));
  }

  /** @param {string} id */
  async function details(id) {
    if (await personDialog(desk, await desk.api.call("GET", `/people/${encodeURIComponent(id)}`))) await list.reload();
  }

  const list = new List({
    label: t("people.title"),
    key: (person) => person.id,
    source: (after) => desk.api.call("GET", `/people?${new URLSearchParams(Object.entries({ ...wanted(), after, limit: String(PAGE) }).filter(([, value]) => value))}`),
    columns: [
      { title: t("people.name"), width: "40%", by: (person) => person.name || person.login || "", cell: named },
      { title: t("people.role"), width: "22%", by: (person) => person.role ?? "", cell: (person) => (person.role ? t(`people.roles.${person.role}`) : "–") },
      { title: t("people.state"), width: "18%", by: (person) => person.state, cell: (person) => t(`people.states.${person.state}`), wide: true },
      { title: t("people.factors"), width: "20%", cell: (person) => (person.factors ?? []).map((/** @type {string} */ kind) => t(`people.kinds.${kind}`)).join(", ") || "–", wide: true },
      { title: t("people.key"), width: "90px", cell: (person) => t(person.key ? "people.hasKey" : "people.noKey"), wide: true },
    ],
    empty: () => h("div", { class: "empty" }, icon("people"), h("h2", {}, t(search.value ? "people.notFound" : "people.none")), h("p", {}, t(search.value ? "people.notFoundText" : "people.noneText"))),
    counted: (text) => put(counted, text),
  });

  /** @type {ReturnType<typeof setTimeout>} */
  let typing;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      history.replaceState(null, "", hashOf("people", "", wanted()));
      void list.reload();
    }, PAUSE);
  });
  head(t("people.title"), desk.administers && h("button", { type: "button", class: "primary", id: "invite", onclick: () => void invite().catch(failed) }, t("people.invite")));
  put(into, h("div", { class: "filters", role: "search" }, search, counted), list);
  desk.events.on(["rights", "resync"], () => list.reloadSoon(), signal);
  await list.reload();
  if (part) await details(part).catch(failed);
}

/** @param {any} person */
export function nameOf(person) {
  return foreign(person.name, 128) || foreign(person.login, 64) || t("people.nameless");
}

/** @param {Desk} desk @returns {Promise<boolean>}  whether somebody was invited */
async function inviteDialog(desk) {
  const login = h("input", { name: "login", autocapitalize: "none", spellcheck: false, maxlength: 64 });
  const name = h("input", { name: "name", maxlength: 128 });
  const roles = desk.me.role === "owner" ? ["member", "admin"] : ["member"];
  const role = h("select", { name: "role" }, ...roles.map((one) => h("option", { value: one }, t(`people.roles.${one}`))));
  const made = await ask({
    title: t("people.inviteTitle"),
    body: (close) => [
      form(
        {
          act: async () => close(await desk.api.make("/people", { login: login.value.trim(), name: name.value.trim() || login.value.trim(), role: role.value })),
          submit: t("people.invite"),
          more: [h("button", { type: "button", onclick: () => close() }, t("dialog.cancel"))],
        },
        labelled(t("people.login"), login, t("people.loginHint")),
        labelled(t("people.name"), name),
        labelled(t("people.role"), role, t("people.roleHint")),
      ),
    ],
  });
  if (!made) return false;
  const link = new URL(`../account/#invite=${encodeURIComponent(made.invite)}`, location.href).href;
  await ask({
    title: t("people.invitedTitle", { name: foreign(made.person.name, 60) }),
    body: (close) => [
      h("p", {}, t("people.invitedText", { when: moment(made.expires) })),
      h("code", { class: "code-block", id: "invite-link" }, link),
      h("div", { class: "row end" }, copying(link), h("button", { type: "button", class: "primary", onclick: () => close() }, t("dialog.done"))),
    ],
  });
  return true;
}
