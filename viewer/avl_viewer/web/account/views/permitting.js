/**
 * Permitting: what people with keys of their own may do at a desktop or at those of a group, signed by their owner, or by
 * who may hand it on; and taking it back.
 */

import { publicOf } from "../../rights/jws.js";
import { action, foreign, form, h, labelled, when } from "../dom.js";
import { ROLES, SPANS } from "../roles.js";
import { claimsOf, ending, grant, revocation } from "../statements.js";
import { confirmed, dialog, tell } from "../surroundings.js";
import { checkLength, handedOn } from "../terms.js";
import { limits, permitted } from "../words.js";
import { termsForm } from "./termsform.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */
/** @typedef {{ audience: string, name: string, held?: string[] }} Place  what a grant is for; `held`: the chain that is
 * handed on, where we are not its owner */

/** @param {Surroundings} around @param {Place} place */
export async function permitDialog(around, place) {
  const people = (await around.api.all("/people")).filter((one) => one.id !== around.me.id);
  const able = people.filter((one) => one.jwk);
  const groups = (await groupsOfPeople(around)).filter((one) => one.members.some((/** @type {string} */ id) => able.some((person) => person.id === id)));
  const cancel = (/** @type {(value?: any) => void} */ close) => h("button", { type: "button", onclick: () => close() }, "Cancel");
  if (!able.length) {
    await dialog((close) => [
      h("h2", {}, `Permit ${place.name}`),
      h("p", {}, people.length ? "Nobody else has made their key yet: they do it when they first sign in." : "Nobody else is at this relay yet. Invite somebody under People."),
      h("div", { class: "row end" }, cancel(close)),
    ]);
    return;
  }
  const who = h(
    "select",
    { name: "person" },
    ...able.map((one) => h("option", { value: one.id }, foreign(one.name || one.login))),
    ...groups.map((one) => h("option", { value: one.id }, `All of ${foreign(one.name)} (${one.members.length})`)),
  );
  const may = place.held ? claimsOf(place.held[place.held.length - 1]).p : -1;
  const roles = ROLES.filter((one) => !(one.permissions & ~may));
  const terms = termsForm({ roles, role: roles.some((one) => one.id === "OPERATOR") ? "OPERATOR" : (roles.at(-1)?.id ?? ""), spans: SPANS, span: 30 * 86_400, delegates: true });
  const given = await dialog((close) => [
    h("h2", {}, `Permit ${place.name}`),
    form(
      {
        act: async () => {
          const group = groups.find((one) => one.id === who.value);
          const chosen = able.filter((one) => (group ? group.members.includes(one.id) : one.id === who.value));
          for (const person of chosen) await give(around, place, person, terms.read());
          close(chosen.map((one) => foreign(one.name || one.login, 40)).join(", "));
        },
        submit: "Permit",
        more: [cancel(close)],
      },
      labelled("Who", who, groups.length ? "Of a group: everybody who is in it now and has a key." : undefined),
      ...terms.fields,
    ),
  ]);
  if (given) tell(`${given} may now.`);
}

/** Groups of people with who is in them. @param {Surroundings} around @returns {Promise<any[]>} */
export async function groupsOfPeople(around) {
  const groups = await around.api.all("/groups?kind=people");
  return Promise.all(groups.map((one) => around.api.call("GET", `/groups/${one.id}`)));
}

/** @param {Surroundings} around @param {Place} place @param {any} person @param {import("../terms.js").Terms} wanted */
async function give(around, place, person, wanted) {
  const key = around.ownKey;
  if (!key) throw new Error("Unlock your key first.");
  const before = place.held ?? [];
  const parent = before.at(-1) ?? "";
  const terms = parent ? handedOn(wanted, parent, before.length) : wanted;
  const audience = parent ? claimsOf(parent).aud : place.audience;
  const { token } = await grant(key, { ...terms, audience, parent, holder: publicOf(person.jwk), now: around.now, name: person.name || person.login });
  const chain = [...before, token];
  checkLength(chain);
  await around.api.make("/grants", { chain });
  await around.freshen();
}

/** Who may what: all grants of ours, each to be taken back; and what was permitted to us. @param {Surroundings} around
 * @param {() => void} again */
export async function grantList(around, again) {
  const [grants, people, devices] = await Promise.all([around.api.all("/grants?revoked=false"), around.api.all("/people"), around.api.all("/devices?limit=200")]);
  const names = new Map(people.map((one) => [one.id, one.name]));
  const places = new Map(devices.map((one) => [`device:${one.number}`, foreign(one.name, 40)]));
  const rows = grants
    .filter((one) => [one.owner, one.iss].includes(around.known) && one.person)
    .map((one) => row(around, one, names.get(one.person) ?? one.name, places.get(one.aud) ?? foreign(one.aud.replace(/^group:/, "group "), 40), again));
  return h("section", { class: "card" }, h("h2", {}, "Permissions"), h("ul", { class: "list", id: "grants" }, ...(rows.length ? rows : [h("li", { class: "empty" }, "Nobody else may do anything at your desktops.")])));
}

/** @param {Surroundings} around @param {any} one @param {string} name @param {string} place @param {() => void} again */
function row(around, one, name, place, again) {
  const over = one.expires <= around.now;
  const about = [`${permitted(one.permissions)} at ${place}`, ...limits(claimsOf(one.token) ?? {}), `${over ? "ended" : "ends"} ${when(one.expires)}`];
  return h(
    "li",
    { "data-grant": one.jti },
    h("div", { class: "what whole" }, h("strong", {}, foreign(name)), h("span", { class: "quiet" }, foreign(about.join(" · "), 400))),
    action("Take back", () => takeBack(around, one, foreign(name), again), tell, { class: "danger", "data-act": "revoke" }),
  );
}

/** @param {Surroundings} around @param {any} one @param {string} name @param {() => void} again */
async function takeBack(around, one, name, again) {
  const key = around.ownKey;
  if (!key) throw new Error("Unlock your key first, under Devices.");
  const gone = await confirmed(`Take it back from ${name}?`, "Sessions that stand on it end within a second.", "Take back", async () => {
    const list = await revocation(key, await around.lastRevocation(), around.now, [await ending(key, one.jti, one.token)]);
    await around.api.call("DELETE", `/grants/${encodeURIComponent(one.jti)}`, { revocation: list });
  });
  if (gone) again();
}
