/**
 * Sharing: a link that opens one desktop for whoever has it. Its secret stands in the fragment, which no server sees.
 */

import { action, foreign, form, h, when } from "../dom.js";
import { makeLink, takeLinkBack } from "../links.js";
import { qr } from "../qr.js";
import { ROLES, SPANS } from "../roles.js";
import { confirmed, copied, dialog, tell } from "../surroundings.js";
import { permitted } from "../words.js";
import { dashed } from "./devices.js";
import { termsForm } from "./termsform.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** @param {Surroundings} around @param {any} device */
export async function shareDialog(around, device) {
  const terms = termsForm({ roles: ROLES.slice(0, 3), role: "VIEWER", spans: SPANS.slice(0, 3), span: 86_400, delegates: false });
  const link = await dialog((close) => [
    h("h2", {}, `Share ${foreign(device.name)}`),
    h("p", { class: "quiet" }, "Whoever has the link gets in, without an account. You can take it back at any time."),
    form(
      { act: async () => close(await make(around, device, terms.read())), submit: "Make the link", more: [h("button", { type: "button", onclick: () => close() }, "Cancel")] },
      ...terms.fields,
    ),
  ]);
  if (link) await shown(device, link);
}

/** @param {any} device @param {string} link */
async function shown(device, link) {
  const picture = await qr(link, "The share link");
  await dialog((close) => [
    h("h2", {}, `A link to ${foreign(device.name)}`),
    h("p", { class: "fingerprint", id: "share-link" }, link),
    ...(picture ? [picture] : []),
    h("p", { class: "quiet" }, "It is shown only now: what opens it is known to nobody but you."),
    h("div", { class: "row end" }, action("Copy", () => copied(link), tell), h("button", { type: "button", class: "primary", onclick: () => close() }, "Done")),
  ]);
}

/** @param {Surroundings} around @param {any} device @param {import("../terms.js").Terms} terms */
function make(around, device, terms) {
  return makeLink(around, device, terms, { page: new URL("../", location.href), name: `${permitted(terms.permissions)} by link` });
}

/** Links that exist, each to be taken back. @param {Surroundings} around @param {() => void} again */
export async function shareList(around, again) {
  const [shares, devices] = await Promise.all([around.api.all("/shares"), around.api.all("/devices?limit=200")]);
  const places = new Map(devices.map((one) => [one.number, foreign(one.name, 40)]));
  const rows = shares.map((share) =>
    h(
      "li",
      {},
      h("div", { class: "what" }, h("strong", {}, places.get(share.device) ?? dashed(share.device)), h("span", { class: "quiet" }, `${foreign(share.name)} · ends ${when(share.expires)}`)),
      action("Take back", () => takeBack(around, share, again), tell, { class: "danger", "data-act": "unshare" }),
    ));
  return h("section", { class: "card" }, h("h2", {}, "Share links"), h("ul", { class: "list", id: "shares" }, ...(rows.length ? rows : [h("li", { class: "empty" }, "No link is out.")])));
}

/** @param {Surroundings} around @param {any} share @param {() => void} again */
async function takeBack(around, share, again) {
  if (!around.ownKey) throw new Error("Unlock your key first, under Devices.");
  const gone = await confirmed("Take this link back?", "Whoever is in by it is sent away within a second.", "Take back", async () => {
    await takeLinkBack(around, share);
  });
  if (gone) again();
}
