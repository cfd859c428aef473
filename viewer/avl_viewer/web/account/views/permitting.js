/**
 * Permitting: what a person with a key of their own may do at a desktop, signed by its owner; and taking it back.
 */

import { publicOf } from "../../rights/jws.js";
import { deviceAudience } from "../../rights/statements.js";
import { fromText } from "../../wire/device_id.js";
import { action, foreign, form, h, labelled, when } from "../dom.js";
import { roleName, ROLES, SPANS } from "../roles.js";
import { grant, revocation } from "../statements.js";
import { confirmed, dialog, tell } from "../surroundings.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** @param {Surroundings} around @param {any} device */
export async function permitDialog(around, device) {
  const people = (await around.api.all("/people")).filter((one) => one.id !== around.me.id);
  const able = people.filter((one) => one.jwk);
  const who = h("select", { name: "person" }, ...able.map((one) => h("option", { value: one.id }, foreign(one.name || one.login))));
  const role = h("select", { name: "role" }, ...ROLES.map((one) => h("option", { value: one.id, selected: one.id === "OPERATOR" }, `${one.name}: ${one.text}`)));
  const span = h("select", { name: "span" }, ...SPANS.map(([name, seconds]) => h("option", { value: seconds, selected: seconds === 30 * 86_400 }, name)));
  const ask = h("input", { type: "checkbox", name: "consent", id: "consent" });
  const cancel = (/** @type {(value?: any) => void} */ close) => h("button", { type: "button", onclick: () => close() }, "Cancel");
  const given = await dialog((close) =>
    able.length
      ? [
          h("h2", {}, `Permit ${foreign(device.name)}`),
          form(
            {
              act: async () => {
                const person = able.find((one) => one.id === who.value);
                await give(around, device, person, { role: role.value, seconds: Number(span.value), ask: ask.checked });
                close(foreign(person.name || person.login));
              },
              submit: "Permit",
              more: [cancel(close)],
            },
            labelled("Who", who),
            labelled("What", role),
            labelled("For", span),
            h("div", { class: "inline" }, ask, h("label", { for: "consent" }, "Somebody at the desktop is asked each time")),
          ),
        ]
      : [
          h("h2", {}, `Permit ${foreign(device.name)}`),
          h("p", {}, people.length ? "Nobody else has made their key yet: they do it when they first sign in." : "Nobody else is at this relay yet. Invite somebody under People."),
          h("div", { class: "row end" }, cancel(close)),
        ]);
  if (given) tell(`${given} may now.`);
}

/** @param {Surroundings} around @param {any} device @param {any} person @param {{ role: string, seconds: number, ask:
 * boolean }} how */
async function give(around, device, person, { role, seconds, ask }) {
  const key = around.ownKey;
  if (!key) throw new Error("Unlock your key first.");
  const chosen = ROLES.find((one) => one.id === role) ?? ROLES[0];
  const { token } = await grant(key, {
    audience: deviceAudience(fromText(device.number)),
    permissions: chosen.permissions,
    holder: publicOf(person.jwk),
    now: around.now,
    expires: around.now + seconds,
    consent: ask ? "always" : "never",
    role: chosen.name,
    name: person.name || person.login,
  });
  await around.api.make("/grants", { chain: [token] });
  await around.freshen();
}

/** Who may what: all grants of ours, each to be taken back. @param {Surroundings} around @param {() => void} again */
export async function grantList(around, again) {
  const [grants, people, devices] = await Promise.all([around.api.all("/grants?revoked=false"), around.api.all("/people"), around.api.all("/devices?limit=200")]);
  const names = new Map(people.map((one) => [one.id, one.name]));
  const places = new Map(devices.map((one) => [`device:${one.number}`, foreign(one.name, 40)]));
  const rows = grants
    .filter((one) => one.owner === around.known && one.person)
    .map((one) => row(around, one, names.get(one.person) ?? one.name, places.get(one.aud) ?? foreign(one.aud.replace(/^group:/, "group "), 40), again));
  return h("section", { class: "card" }, h("h2", {}, "Permissions"), h("ul", { class: "list", id: "grants" }, ...(rows.length ? rows : [h("li", { class: "empty" }, "Nobody else may do anything at your desktops.")])));
}

/** @param {Surroundings} around @param {any} one @param {string} name @param {string} place @param {() => void} again */
function row(around, one, name, place, again) {
  return h(
    "li",
    { "data-grant": one.jti },
    h("div", { class: "what" }, h("strong", {}, foreign(name)), h("span", { class: "quiet" }, `${roleName(one.permissions)} at ${place} · ends ${when(one.expires)}`)),
    action("Take back", () => takeBack(around, one, foreign(name), again), tell, { class: "danger", "data-act": "revoke" }),
  );
}

/** @param {Surroundings} around @param {any} one @param {string} name @param {() => void} again */
async function takeBack(around, one, name, again) {
  const key = around.ownKey;
  if (!key) throw new Error("Unlock your key first, under Devices.");
  const gone = await confirmed(`Take it back from ${name}?`, "Sessions that stand on it end within a second.", "Take back", async () => {
    const list = await revocation(key, await around.lastRevocation(), around.now, [one.jti]);
    await around.api.call("DELETE", `/grants/${encodeURIComponent(one.jti)}`, { revocation: list });
  });
  if (gone) again();
}
