/**
 * People: who is at this relay, inviting, and what each may do at one's own desktops.
 */

import { action, foreign, form, h, labelled, put } from "../dom.js";
import { confirmed, copied, dialog, tell } from "../surroundings.js";
import { peopleGroupCard } from "./grouping.js";
import { grantList, groupsOfPeople } from "./permitting.js";
import { shareList } from "./sharing.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** @param {Surroundings} around @param {HTMLElement} into */
export async function peopleView(around, into) {
  const again = () => peopleView(around, into);
  const runs = around.me.role === "owner" || around.me.role === "admin";
  const [people, groups, permissions, links] = await Promise.all([around.api.all("/people"), groupsOfPeople(around), grantList(around, again), shareList(around, again)]);
  const invite = runs && action("Invite", () => inviteDialog(around).then(again), tell, { class: "primary", id: "invite" });
  const rows = people.map((one) => row(around, one, runs, again));
  put(into, h("section", { class: "card" }, h("header", {}, h("h2", {}, "People"), invite), h("ul", { class: "list", id: "people" }, ...rows)), peopleGroupCard(around, groups, people, runs, again), permissions, links);
}

/** @param {Surroundings} around @param {any} one @param {boolean} runs @param {() => void} again */
function row(around, one, runs, again) {
  const role = one.role && one.role !== "member" ? `${one.role} of the relay` : "";
  const about = [foreign(one.login), role, one.state === "active" ? (one.key ? "" : "has no key yet") : foreign(one.state)];
  return h(
    "li",
    { "data-person": one.id },
    h("div", { class: "what" }, h("strong", {}, foreign(one.name || one.login), one.id === around.me.id ? " (you)" : ""), h("span", { class: "quiet" }, about.filter(Boolean).join(" · "))),
    runs && one.id !== around.me.id && one.role !== "owner" && action("Remove", async () => {
      const gone = await confirmed(`Remove ${foreign(one.name || one.login)}?`, "They can't sign in any more. What you permitted them at your desktops is taken back apart, below.", "Remove", () => around.api.call("DELETE", `/people/${one.id}`));
      if (gone) again();
    }, tell, { class: "danger" }),
  );
}

/** @param {Surroundings} around */
async function inviteDialog(around) {
  const login = h("input", { name: "login", autocapitalize: "none", spellcheck: false, maxlength: 128 });
  const name = h("input", { name: "name", maxlength: 64 });
  const role = h("select", { name: "role" }, h("option", { value: "member" }, "Member"), h("option", { value: "admin" }, "Admin of the relay"));
  const made = await dialog((close) => [
    h("h2", {}, "Invite somebody"),
    form(
      {
        act: async () => close(await around.api.make("/people", { login: login.value.trim(), name: name.value.trim() || login.value.trim(), role: role.value })),
        submit: "Invite",
        more: [h("button", { type: "button", onclick: () => close() }, "Cancel")],
      },
      labelled("Name to sign in with", login),
      labelled("Name", name),
      labelled("Role", role, "What they may at the relay. At desktops everybody may what their owners permit."),
    ),
  ]);
  if (!made) return;
  const link = `${location.href.split("#")[0]}#invite=${encodeURIComponent(made.invite)}`;
  await dialog((close) => [
    h("h2", {}, "Send them this link"),
    h("p", { class: "fingerprint", id: "invite-link" }, link),
    h("p", { class: "quiet" }, "It works once. Whoever opens it first chooses the password."),
    h("div", { class: "row end" }, action("Copy", () => copied(link), tell), h("button", { type: "button", class: "primary", onclick: () => close() }, "Done")),
  ]);
}
