/**
 * Share links, made and taken back with the person's key: what the account pages and the console do alike. The secret of a
 * link stands in its fragment, which no server sees.
 */

import { randomBytes, sha256 } from "../crypto/webcrypto.js";
import { encode } from "../rights/jws.js";
import { Share, SECRET_BYTES } from "../rights/sharelink.js";
import { deviceAudience } from "../rights/statements.js";
import { fromText, toText } from "../wire/device_id.js";
import { ending, grant, revocation } from "./statements.js";
import { checkLength } from "./terms.js";

/** @typedef {import("./surroundings.js").Surroundings} Surroundings */

/** A link to a device, for whoever has it; it is known to nobody but who made it. @param {Surroundings} around @param
 * {any} device  as the API has it @param {import("./terms.js").Terms} terms @param {{ page: URL, name: string }} how  the
 * desktop's page, and what the link is called in the list of them @returns {Promise<string>} */
export async function makeLink(around, device, terms, { page, name }) {
  const key = around.ownKey;
  if (!key) throw new Error("Unlock your key first.");
  const share = new Share(randomBytes(SECRET_BYTES));
  const number = fromText(device.number);
  const { token } = await grant(key, {
    ...terms,
    audience: deviceAudience(number),
    holder: (await share.identity()).public,
    now: around.now,
    name: "Share link",
    share: true,
  });
  checkLength([token]);
  const pass_hash = encode(await sha256(await share.accessPass()));
  await around.api.make("/shares", { id: await share.id(), device: device.number, name, chain: [token], pass_hash, uses: terms.uses });
  await around.freshen();
  return share.link(page.href.split("#")[0], toText(number));
}

/** Whoever is in by a link is sent away, and it opens nothing more. @param {Surroundings} around @param {any} share  as the
 * API has it */
export async function takeLinkBack(around, share) {
  const key = around.ownKey;
  if (!key) throw new Error("Unlock your key first.");
  const { chain } = await around.api.call("GET", `/shares/${encodeURIComponent(share.id)}`).catch(() => ({ chain: [""] }));
  const list = await revocation(key, await around.lastRevocation(), around.now, [await ending(key, share.jti, chain.at(-1))]);
  await around.api.call("DELETE", `/shares/${encodeURIComponent(share.id)}`, { revocation: list });
}
