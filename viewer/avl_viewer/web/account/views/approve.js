/**
 * Approving: a host or a program shows a code, and a person says here that it is theirs. For a host that is signed with
 * the person's key, which the host pins.
 */

import { publicOf, thumbprint } from "../../rights/jws.js";
import { deviceAudience } from "../../rights/statements.js";
import { fromText } from "../../wire/device_id.js";
import { action, foreign, form, h, labelled, put } from "../dom.js";
import { enrolment, keyLink } from "../statements.js";
import { tell } from "../surroundings.js";
import { dashed } from "./devices.js";
import { keyCard } from "./keycard.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** @param {Surroundings} around @param {HTMLElement} into @param {string} code @param {string} key  the program's, as
 * its own address told it, "" for none */
export async function approveView(around, into, code, key) {
  const path = `/device-authorizations/${encodeURIComponent(code)}`;
  const asked = await around.api.call("GET", path);
  const host = asked.kind === "host";
  const wantsKey = host ? keyCard(around, () => approveView(around, into, code, key)) : null;
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
          const statement = await signed(around, asked, name.value.trim(), key);
          await around.api.call("POST", `${path}/approve`, statement ? { statement } : {});
          if (host) await around.freshen();
          done(host ? "Approved. Now confirm your key at the machine: then it stands in this list." : "The program is signed in.");
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

/** What our key says of what asks: that a host is ours, which it needs, or a program, where it has told us its key; ""
 * where there is nothing to say. @param {Surroundings} around @param {any} asked @param {string} name @param {string}
 * key */
async function signed(around, asked, name, key) {
  if (asked.kind === "host") {
    if (!around.ownKey) throw new Error("Make or unlock your key first.");
    return enrolment(around.ownKey, deviceAudience(fromText(asked.device)), around.now, name, []);
  }
  if (!around.ownKey || !key) return "";
  const raw = publicOf({ kty: "OKP", crv: "Ed25519", x: key });
  if ((await thumbprint(raw)) !== asked.jkt) throw new Error("The program's key is another one here than at the relay: do not let it in.");
  return keyLink(around.ownKey, raw, around.now, foreign(asked.name, 64), false);
}

/** A thumbprint as two people compare it. @param {string} thumbprint */
export function fingerprint(thumbprint) {
  return thumbprint.match(/.{1,6}/g)?.join(" ") ?? "";
}
