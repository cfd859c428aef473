/**
 * Opening: what opens a desktop in place of a code: the statements of an account, or those of a share link.
 *
 * Chains are kept in this browser, so that a session begins while the relay's accounts are down. Otherwise they are
 * asked for each time: what was permitted may have been taken back, or be more now.
 */

import { verifyChain } from "../rights/chain.js";
import { enrolled } from "../rights/enrolled.js";
import { decode, encode } from "../rights/jws.js";
import { Share } from "../rights/sharelink.js";
import { concat } from "../wire/bytes.js";
import { GrantRefused } from "../wire/errors.js";
import { toText } from "../wire/device_id.js";
import { GRANT_REFUSAL, MAX } from "../wire/registry.js";
import { Api, Problem } from "./api.js";
import { inStore } from "./keptstore.js";
import { keyLink, KEY_LINK_SECONDS } from "./statements.js";
import { Surroundings } from "./surroundings.js";

/**
 * @typedef {object} Key  What opens a desktop.
 * @property {string[]} chain  statements for the host
 * @property {Uint8Array} accessPass  what a relay that asks for accounts is shown, a pass and of which visit; empty:
 * nothing
 * @property {CryptoKeyPair | null} pair  the viewer's identity, where it is not this browser's own
 *
 * @typedef {{ chain: string[], expires: number }} Kept
 */

const NO_PASS = new Uint8Array(0);
/** Bytes that the sessions of one visit show behind the pass: one that takes a lost one's place is let in by it (spec
 * 12.4). */
const VISIT_BYTES = 16;

/** What a visit is known by, as text. */
export function newVisit() {
  return encode(crypto.getRandomValues(new Uint8Array(VISIT_BYTES)));
}

/** What the account of this browser opens a device with. Rejects with Error where nothing does.
 * @param {bigint} device @param {Uint8Array} viewer  public key of this browser's identity @param {string} name  how
 * this browser is called @returns {Promise<Key>} */
export async function byAccount(device, viewer, name) {
  const number = plain(device);
  const now = Math.floor(Date.now() / 1000);
  /** @type {Kept | undefined} */
  let kept = await inStore("chains", "readonly", (store) => store.get(number)).catch(() => undefined);
  /** @type {Uint8Array} */
  let accessPass = NO_PASS;
  try {
    const around = new Surroundings();
    await around.api.call("GET", "/session");
    await around.meet();
    const found = await sought(around, device, viewer, name, now);
    await inStore("chains", "readwrite", (store) => store.put(found, number)).catch(() => undefined);
    kept = found;
    await around.freshen();
    accessPass = concat(decode((await around.api.call("POST", `/devices/${number}/pass`, {})).pass), decode(newVisit()));
  } catch (error) {
    if (!kept || kept.expires <= now || error instanceof NotPermitted) throw told(error);
  }
  return { chain: kept.chain, accessPass, pair: null };
}

/** What a share link opens its device with. @param {string} secret  the `s` of the fragment @param {string} visit  the
 * tab's, so that one that is reloaded is no other @returns {Promise<Key>} */
export async function byShare(secret, visit) {
  const share = shareOf(secret);
  const { chain } = await new Api().call("GET", `/shares/${await share.id()}`);
  return { chain, accessPass: concat(await share.accessPass(), decode(visit)), pair: (await share.identity()).pair };
}

/** @param {string} secret @returns {Share} */
function shareOf(secret) {
  try {
    return Share.of(secret);
  } catch {
    throw new Error("This share link is not whole: copy all of it.");
  }
}

/** What opens a device, with the relay's accounts; of what the relay says nothing counts that the device's owner has not
 * signed (spec 11.6).
 * @param {Pick<Surroundings, "ownKey"> & { api: Pick<Api, "call" | "all"> }} around @param {bigint} device @param
 * {Uint8Array} viewer @param {string} name @param {number} now @returns {Promise<Kept>} */
export async function sought(around, device, viewer, name, now) {
  const key = around.ownKey;
  const about = await around.api.call("GET", `/devices/${plain(device)}`);
  const mine = key && about.owner_thumbprint === key.thumbprint;
  // The relay's word for whose it is, and for the groups it is in, would lead people to a host of the relay's.
  const place = await enrolled(about.signed ?? [], device, about.owner_thumbprint);
  if (!place) {
    const whose = mine ? "yours, but your key" : "somebody's whose key";
    throw new NotPermitted(`The relay says that this desktop is ${whose} has not enrolled it: nothing was sent there. Its owner enrols the host again.`);
  }
  if (key && mine) {
    return { chain: [await keyLink(key, viewer, now, name, true)], expires: now + KEY_LINK_SECONDS };
  }
  if (!key) throw new Error("This browser does not have your key: unlock it on the account's page.");
  const held = await around.api.all("/grants/mine");
  const stand = await Promise.all(held.map(({ chain }) => stands(chain, place, key.identity.public, now)));
  const fits = held.filter(({ grant }, at) => stand[at] && grant.expires > now);
  const best = fits.sort((one, other) => bits(other.grant.permissions) - bits(one.grant.permissions) || other.grant.expires - one.grant.expires)[0];
  if (!best) throw new NotPermitted("Nobody has permitted you this desktop, or the time of it is over. Ask its owner.");
  const link = await keyLink(key, viewer, now, name, true);
  return { chain: [...best.chain, link], expires: Math.min(best.grant.expires, now + KEY_LINK_SECONDS) };
}

/** A device's number as the API writes it. @param {bigint} device */
const plain = (device) => toText(device).replaceAll("-", "");

/** Why a host refuses a chain for now that it may take at another time. @type {number[]} */
const LATER = [GRANT_REFUSAL.NOT_YET, GRANT_REFUSAL.OUTSIDE_HOURS];

/** Whether a chain that ends at this key comes from the device's owner, and is for the device. What was taken back its
 * host knows. @param {string[]} chain @param {import("../rights/enrolled.js").Enrolled} place @param {Uint8Array} holder
 * @param {number} now */
async function stands(chain, place, holder, now) {
  const revocation = { jti: [], keys: [], gep: {}, iat: now };
  const trust = { owner: place.key, audiences: place.audiences, revocation, staleness: MAX.STALENESS };
  return verifyChain(chain, trust, holder, now).then(
    () => true,
    (error) => {
      if (!(error instanceof GrantRefused)) throw error;
      return LATER.includes(error.why);
    },
  );
}

/** @param {number} permissions */
const bits = (permissions) => permissions.toString(2).replaceAll("0", "").length;

/** The account has nothing that opens this desktop. */
class NotPermitted extends Error {}

/** @param {unknown} error */
function told(error) {
  if (error instanceof Problem && error.kind === "not-signed-in") return new Error("Sign in first, on the account's page.");
  return error instanceof Error ? error : new Error(String(error));
}
