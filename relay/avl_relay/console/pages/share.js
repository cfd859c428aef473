/**
 * Making a share link: one device, for whoever has the link, with a role, an end and how often. Finer terms are made on the
 * account pages.
 */

import { foreign, h } from "../../account/dom.js";
import { makeLink } from "../../account/links.js";
import { qr } from "../../account/qr.js";
import { ROLES } from "../../account/roles.js";
import { termsOf } from "../../account/terms.js";
import { ask } from "../elements/dialog.js";
import { failed, toast } from "../elements/toast.js";
import { form, labelled } from "../forms.js";
import { t } from "../words.js";

/** @typedef {import("../desk.js").Desk} Desk */

/** Seconds for which a link may hold. @type {[string, number][]} */
const SPANS = [["hour", 3600], ["day", 86_400], ["week", 7 * 86_400], ["month", 30 * 86_400]];

/** @param {Desk} desk @param {any} device @returns {Promise<boolean>}  whether a link was made */
export async function shareDialog(desk, device) {
  const name = foreign(device.name, 60);
  const role = h("select", { name: "role" }, ...ROLES.slice(0, 3).map((one) => h("option", { value: one.id }, t(`roles.${one.id}`))));
  const span = h("select", { name: "span" }, ...SPANS.map(([word, seconds]) => h("option", { value: seconds, selected: word === "day" }, t(`shares.spans.${word}`))));
  const uses = h("input", { name: "uses", type: "number", min: 1, max: 1000, step: 1, placeholder: t("shares.anyNumber") });
  const consent = h("select", { name: "consent" }, ...["never", "first", "always"].map((one) => h("option", { value: one }, t(`shares.asks.${one}`))));
  const read = () => termsOf({
    permissions: ROLES.find((one) => one.id === role.value)?.permissions ?? 0,
    seconds: Number(span.value),
    until: NaN,
    times: [],
    zone: "UTC",
    longest: 0,
    uses: uses.validity.badInput ? "?" : uses.value,
    consent: consent.value,
  }, desk.now);
  const link = await ask({
    title: t("shares.makeTitle", { name }),
    body: (close) => [
      h("p", { class: "quiet" }, t("shares.makeText")),
      form(
        { act: async () => close(await makeLink(desk, device, read(), { page: new URL("../", location.href), name: t(`roles.${role.value}`) })), submit: t("shares.make"), more: [h("button", { type: "button", onclick: () => close() }, t("dialog.cancel"))] },
        labelled(t("shares.role"), role),
        labelled(t("shares.span"), span),
        labelled(t("shares.uses"), uses),
        labelled(t("shares.consent"), consent),
      ),
    ],
  });
  if (!link) return false;
  const picture = await qr(link, t("shares.picture"));
  await ask({
    title: t("shares.madeTitle", { name }),
    body: (close) => [h("p", {}, t("shares.once")), h("code", { class: "code-block", id: "share-link" }, link), picture, h("div", { class: "row end" }, copying(link), h("button", { type: "button", class: "primary", onclick: () => close() }, t("dialog.done")))],
  });
  return true;
}

/** A button that puts a text on the clipboard. @param {string} text */
export function copying(text) {
  return h("button", { type: "button", onclick: () => void navigator.clipboard.writeText(text).then(() => toast(t("toast.copied")), failed) }, t("dialog.copy"));
}
