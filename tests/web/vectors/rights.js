/**
 * Checks of rights.json (spec 11): statements, chains, share links and wrapped keys.
 */

import { Identity } from "../../../viewer/avl_viewer/web/crypto/identity.js";
import { verifyChain } from "../../../viewer/avl_viewer/web/rights/chain.js";
import { effective } from "../../../viewer/avl_viewer/web/rights/effective.js";
import { enrolled } from "../../../viewer/avl_viewer/web/rights/enrolled.js";
import { x25519Pair } from "../../../viewer/avl_viewer/web/crypto/webcrypto.js";
import * as jws from "../../../viewer/avl_viewer/web/rights/jws.js";
import { openPicture } from "../../../viewer/avl_viewer/web/rights/lastpicture.js";
import * as personkey from "../../../viewer/avl_viewer/web/rights/personkey.js";
import { Share } from "../../../viewer/avl_viewer/web/rights/sharelink.js";
import { ENROLMENT, enrolmentOf, GRANT, PICTURE_KEY, read, REVOCATION } from "../../../viewer/avl_viewer/web/rights/statements.js";
import * as deviceId from "../../../viewer/avl_viewer/web/wire/device_id.js";
import { GrantRefused } from "../../../viewer/avl_viewer/web/wire/errors.js";
import { GRANT_REFUSAL, MAX } from "../../../viewer/avl_viewer/web/wire/registry.js";
import { bytes, hex, holds, same } from "./notation.js";

/** @param {any} vectors @returns {import("./notation.js").Check[]} */
export function rights(vectors) {
  const owner = () => Identity.fromSeed(bytes(vectors.people[0].seed));
  const ownerKey = bytes(vectors.people[0].public);
  return [
    ["keys have the names of RFC 7638", async () => {
      for (const { seed, public: raw, thumbprint } of vectors.people) {
        same(hex((await Identity.fromSeed(bytes(seed))).public), raw);
        same(await jws.thumbprint(bytes(raw)), thumbprint);
      }
    }],
    ["statements are the same bytes in both languages", async () => {
      for (const { type, claims, with_key: withKey, token } of vectors.statements) {
        same(await jws.sign(await owner(), type, claims, withKey), token);
        const found = await read(type, token, ownerKey);
        for (const name of Object.keys(claims)) holds(name in found, name);
        if (type === ENROLMENT) same(hex((await enrolmentOf(token)).key), hex(ownerKey));
      }
    }],
    ["what is no statement is refused", async () => {
      for (const { why, token } of vectors.invalid) same(await fails(() => read(GRANT, token, ownerKey)), "NotSigned", why);
      for (const { why, token } of vectors.invalid_lists) same(await fails(() => read(REVOCATION, token, ownerKey)), "NotSigned", why);
      for (const { why, token } of vectors.invalid_picture_keys) same(await fails(() => read(PICTURE_KEY, token, ownerKey)), "NotSigned", why);
    }],
    ...vectors.chains.map((/** @type {any} */ chain) => /** @type {import("./notation.js").Check} */ ([`chain: ${chain.about}`, async () => {
      const revocation = await read(REVOCATION, chain.revocation, ownerKey);
      /** @type {Record<string, any>} */
      const delegates = {};
      for (const token of chain.delegates) {
        const { kid, key } = jws.header(token);
        delegates[kid] = await read(REVOCATION, token, key ?? new Uint8Array(32));
      }
      const trust = { delegates, owner: ownerKey, audiences: vectors.audiences, revocation, staleness: MAX.STALENESS };
      const verdict = verifyChain(chain.tokens, trust, bytes(chain.holder), chain.wall, (grant) => chain.used[grant] ?? 0);
      if (chain.refused) {
        const why = /** @type {Record<string, number>} */ (GRANT_REFUSAL)[chain.refused];
        const error = await verdict.then(() => null, (/** @type {any} */ failed) => failed);
        holds(error instanceof GrantRefused && error.why === why, String(error));
        return;
      }
      const found = await verdict;
      for (const name of ["permissions", "expires", "longest", "consent", "owner", "person"]) {
        same(/** @type {Record<string, any>} */ (found)[name], chain[name], name);
      }
    }])),
    ["what an owner has signed of a device is told from what a relay says", async () => {
      const host = await Identity.fromSeed(bytes(vectors.people.at(-1).seed));
      for (const { about, tokens, groups } of vectors.enrolled) {
        const found = await enrolled(tokens, await host.number(), vectors.people[0].thumbprint);
        same(found?.groups ?? null, groups, about);
        holds(!found || (found.audiences[0] === vectors.audiences[0] && hex(found.key) === hex(ownerKey)), about);
      }
    }],
    ["every layer takes away", () => {
      for (const { left, ...layers } of vectors.effective) same(effective(layers), left);
    }],
    ["a share link holds an identity", async () => {
      const { secret, link } = vectors.share;
      const share = new Share(bytes(secret));
      same(hex((await share.identity()).public), vectors.share.public);
      same(hex(await share.accessPass()), vectors.share.pass);
      same(await share.id(), vectors.share.id);
      same(share.link("https://relay.example/", "6GE6-SXC1-KJRD-5AB4-A4CR-FK7Y-ZEXH"), link);
      same(await Share.of(link.split("&s=")[1]).id(), vectors.share.id);
      same(await fails(async () => Share.of("AAAA")), "NotSigned");
    }],
    ["a copy of a key opens by its secret alone", async () => {
      for (const { secret, nonce, seed, copy } of vectors.copies) {
        same(await personkey.wrap(bytes(seed), bytes(secret), () => bytes(nonce)), copy);
        same(hex(await personkey.unwrap(copy, bytes(secret))), seed);
        same(await fails(() => personkey.unwrap(copy, bytes(seed))), "NotSigned");
        const renamed = { ...copy, thumbprint: vectors.people[1].thumbprint };
        same(await fails(() => personkey.unwrap(renamed, bytes(secret))), "NotSigned");
      }
      const { drawn, printed } = vectors.recovery;
      same(personkey.newRecoveryKey(() => bytes(drawn)), printed);
      same(hex(personkey.recoverySecret(printed.toLowerCase())), vectors.copies[1].secret);
      same(await fails(async () => personkey.recoverySecret("no")), "NotSigned");
    }],
  ];
}

/** Checks of lastpicture.json. @param {any} vectors @returns {import("./notation.js").Check[]} */
export function lastPictures({ private: own, public: raw, device, taken, valid, invalid }) {
  const pair = () => x25519Pair(bytes(own));
  const opened = async (/** @type {string} */ sealed) => openPicture(await pair(), deviceId.fromText(device), taken, bytes(sealed));
  return [
    ["a last picture opens for who it is sealed to", async () => {
      same(hex((await pair()).public), raw);
      for (const { image, sealed } of valid) same(hex((await opened(sealed)) ?? bytes("00")), image);
    }],
    ["what the host has not left for this key is no last picture", async () => {
      for (const { why, sealed } of invalid) same(await opened(sealed), null, why);
    }],
  ];
}

/** The class of the error that a call fails with. @param {() => Promise<unknown>} call @returns {Promise<string>} */
function fails(call) {
  return call().then(() => "nothing", (error) => (error instanceof jws.NotSigned ? "NotSigned" : String(error)));
}
