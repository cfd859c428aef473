/**
 * Approving: a host or a program shows a code, and a person says here that it is theirs. For a host that is signed with
 * the person's key, which the host pins.
 */

import { action, foreign, form, h, labelled, put } from "../dom.js";
import { enrolment } from "../statements.js";
import { tell } from "../surroundings.js";
import { dashed } from "./devices.js";
import { keyCard } from "./keycard.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** @param {Surroundings} around @param {HTMLElement} into @param {string} code */
export async function approveView(around, into, code) {
  const path = `/device-authorizations/${encodeURIComponent(code)}`;
  const asked = await around.api.call("GET", path);
  const host = asked.kind === "host";
  const wantsKey = host ? keyCard(around, () => approveView(around, into, code)) : null;
  const name = h("input", { name: "name", maxlength: 64, value: foreign(asked.name, 64) });
  const done = (/** @type {string} */ text) => {
    tell(text);
    around.go("#devices");
  };
  const deny = action("It is not mine", async () => {
    await around.api.call("POST", `${path}/deny`, {});
    done("It was turned away.");
  }, tell, { class: "danger", id: "deny" });
  const card = h(
    "section",
    { class: "card", id: "approve" },
    h("h2", {}, host ? "Is this your machine?" : "Is this your program?"),
    h("p", {}, host ? "Compare with what the machine shows. If all of it is the same, it becomes yours, and believes your key from then on." : "It will see your devices and act for you at this relay until you sign it out."),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, "Code"), h("dd", {}, foreign(code, 16)),
      h("dt", {}, "Calls itself"), h("dd", {}, foreign(asked.name) || "nothing"),
      h("dt", {}, "System"), h("dd", {}, foreign(asked.system) || "not told"),
      h("dt", {}, "Software"), h("dd", {}, foreign(asked.software) || "not told"),
      host && h("dt", {}, "Device ID"), host && h("dd", {}, h("span", { class: "fingerprint", id: "host-fingerprint" }, dashed(asked.device))),
      host && around.ownKey && h("dt", {}, "Your key"), host && around.ownKey && h("dd", {}, h("span", { class: "fingerprint", id: "owner-fingerprint" }, fingerprint(around.ownKey.thumbprint))),
    ),
    form(
      {
        act: async () => {
          if (host) await around.api.call("POST", `${path}/approve`, { enrolment: await signed(around, asked, name.value.trim()) });
          else await around.api.call("POST", `${path}/approve`, {});
          if (host) await around.freshen();
          done(host ? "The machine is yours." : "The program is signed in.");
        },
        submit: host ? "It is mine" : "Let it in",
        more: [deny],
      },
      host && labelled("Name", name, "How you want to call it."),
    ),
  );
  if (wantsKey) for (const button of card.querySelectorAll("button.primary")) /** @type {HTMLButtonElement} */ (button).disabled = true;
  put(into, wantsKey, card);
}

/** @param {Surroundings} around @param {any} asked @param {string} name */
async function signed(around, asked, name) {
  if (!around.ownKey) throw new Error("Make or unlock your key first.");
  return enrolment(around.ownKey, asked.device, around.now, name, []);
}

/** A thumbprint as two people compare it. @param {string} thumbprint */
export function fingerprint(thumbprint) {
  return thumbprint.match(/.{1,6}/g)?.join(" ") ?? "";
}
