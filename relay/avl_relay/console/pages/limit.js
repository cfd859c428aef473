/**
 * Limiting: what sessions at a group's devices may at most, whatever was permitted; a policy that the owner signs, which
 * holds for running sessions at once. Single permissions are chosen on the account pages.
 */

import { OWNER } from "../../rights/effective.js";
import { h } from "../../account/dom.js";
import { ROLES } from "../../account/roles.js";
import { policy, UNDECIDED } from "../../account/statements.js";
import { permitted, span } from "../../account/words.js";
import { ask } from "../elements/dialog.js";
import { toast } from "../elements/toast.js";
import { form, labelled } from "../forms.js";
import { t } from "../words.js";

/** @typedef {import("../desk.js").Desk} Desk */

/** How long a session may last, in seconds; 0: no limit. @type {[string, number][]} */
const LONGEST = [["none", 0], ["quarter", 900], ["hour", 3600], ["shift", 4 * 3600], ["day", 12 * 3600]];

/** @param {Desk} desk @param {{ audience: string, name: string }} place */
export async function limitDialog(desk, { audience, name }) {
  const key = desk.ownKey;
  if (!key) throw new Error(t("key.short"));
  const last = await desk.lastPolicy(audience);
  const now = { ...UNDECIDED, ...(last ?? {}) };
  /** @type {[number, string][]} */
  const roles = [[OWNER, t("limit.everything")], ...ROLES.map((one) => /** @type {[number, string]} */ ([one.permissions, t(`roles.${one.id}`)]))];
  const held = now.p & OWNER;
  if (!roles.some(([bits]) => bits === held)) roles.push([held, permitted(held)]);
  const spans = LONGEST.map(([word, seconds]) => /** @type {[number, string]} */ ([seconds, t(`limit.spans.${word}`)]));
  if (!spans.some(([seconds]) => seconds === (now.max_s ?? 0))) spans.push([now.max_s ?? 0, span(now.max_s ?? 0)]);
  const most = h("select", { name: "most" }, ...roles.map(([bits, text]) => h("option", { value: bits, selected: bits === held }, text)));
  const longest = h("select", { name: "longest" }, ...spans.map(([seconds, text]) => h("option", { value: seconds, selected: seconds === (now.max_s ?? 0) }, text)));
  const consent = h("select", { name: "consent" }, ...["never", "first", "always"].map((one) => h("option", { value: one, selected: one === now.consent }, t(`limit.asks.${one}`))));
  const browser = h("input", { type: "checkbox", name: "browser", checked: now.browser !== false });
  const said = (/** @type {any} */ decided) => ({ p: decided.p, max_s: decided.max_s, consent: decided.consent, browser: decided.browser });
  const sign = async (/** @type {any} */ changed) => {
    await desk.api.call("POST", "/statements", { token: await policy(key, audience, await desk.lastPolicy(audience), changed) });
    await desk.freshen();
  };
  const set = await ask({
    title: t("limit.title", { name }),
    body: (close) => [
      h("p", { class: "quiet" }, t("limit.text")),
      form(
        {
          act: async () => {
            await sign({ p: Number(most.value), max_s: Number(longest.value) || null, consent: consent.value, browser: browser.checked });
            close(true);
          },
          submit: t("limit.submit"),
          more: [h("button", { type: "button", onclick: () => close() }, t("dialog.cancel"))],
        },
        labelled(t("limit.most"), most),
        labelled(t("limit.longest"), longest),
        labelled(t("limit.consent"), consent),
        h("label", { class: "check" }, browser, h("span", {}, t("limit.browser"))),
      ),
    ],
  });
  if (set) toast(t("limit.set"), { undo: () => sign({ ...said(now), p: held }) });
}
