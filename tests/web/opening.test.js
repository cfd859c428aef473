/**
 * What opens a desktop in place of a code: a reload of the tab is the same visit to a relay that asks for passes.
 */

import assert from "node:assert/strict";
import test from "node:test";

import { byShare, newVisit, sought } from "../../viewer/avl_viewer/web/account/opening.js";
import { PersonKey } from "../../viewer/avl_viewer/web/account/personkey.js";
import { forget, remember, remembered } from "../../viewer/avl_viewer/web/account/remembered.js";
import { decode, encode } from "../../viewer/avl_viewer/web/rights/jws.js";
import { Share } from "../../viewer/avl_viewer/web/rights/sharelink.js";
import { deviceAudience, ENROLMENT, GRANT, KEY_LINK, POLICY, read, sign } from "../../viewer/avl_viewer/web/rights/statements.js";
import { PERMISSION } from "../../viewer/avl_viewer/web/wire/registry.js";

const SECRET = encode(new Uint8Array(16).fill(7));

/** A tab's storage. @returns {any} */
function storage() {
  const kept = new Map();
  return {
    getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => kept.set(name, value),
    removeItem: (/** @type {string} */ name) => kept.delete(name),
  };
}

test("a tab that is reloaded shows its share link's pass with the visit it had", async (t) => {
  const share = Share.of(SECRET);
  const id = await share.id();
  /** @type {string[]} */
  const asked = [];
  t.mock.method(globalThis, "fetch", async (/** @type {string} */ url) => {
    asked.push(url);
    return new Response(JSON.stringify({ id, chain: ["token"] }), { headers: { "content-type": "application/json" } });
  });
  const tab = storage();
  remember(tab, { device: "D", share: SECRET, account: false, visit: newVisit() });
  const shown = [];
  for (let loads = 0; loads < 2; loads++) {
    const opened = remembered(tab);
    assert.ok(opened?.visit);
    shown.push((await byShare(opened.share, opened.visit)).accessPass);
  }
  assert.ok(asked.every((url) => url.endsWith(`/shares/${id}`)));
  assert.deepEqual(shown[0], shown[1]);
  assert.deepEqual(shown[0].slice(0, 32), await share.accessPass());
  assert.equal(shown[0].length, 48);
  forget(tab);
  assert.equal(remembered(tab), null);
  assert.notEqual(newVisit(), newVisit());
  assert.equal(decode(newVisit()).length, 16);
});

const NOW = 1_800_000_000;
const DEVICE = 5n;
const HERE = new Uint8Array(32).fill(9);

/** Somebody's key. @param {number} seed */
const key = (seed) => PersonKey.fromSeed(new Uint8Array(32).fill(seed));

/** What a page comes to at a relay that says this. @param {PersonKey} person @param {any} about @param {string[][]}
 * [chains] */
function opens(person, about, chains = []) {
  const items = chains.map((chain) => ({ chain, grant: { permissions: 1, expires: NOW + 3600, aud: "", holder: person.thumbprint } }));
  const api = { call: async () => about, all: async () => items };
  return sought({ ownKey: person, api }, DEVICE, HERE, "here", NOW);
}

/** A grant for a group or a device. @param {PersonKey} by @param {PersonKey} to @param {string} aud */
const granted = (by, to, aud) =>
  sign(by.identity, GRANT, { aud, p: PERMISSION.VIEW, nbf: NOW - 60, exp: NOW + 3600, jti: encode(new Uint8Array(16)), cnf: to.identity.public });

test("an owner's page is led to no host that their key has not enrolled", async () => {
  const [ada, ben] = [await key(1), await key(2)];
  const aud = deviceAudience(DEVICE);
  const own = await sign(ada.identity, ENROLMENT, { aud, iat: NOW });
  const elsewhere = await sign(ada.identity, ENROLMENT, { aud: deviceAudience(6n), iat: NOW });
  const others = await sign(ben.identity, ENROLMENT, { aud, iat: NOW });
  for (const signed of [undefined, [], [elsewhere], [others], ["a.b.c"]]) {
    const asked = opens(ada, { owner_thumbprint: ada.thumbprint, groups: [], signed });
    await assert.rejects(asked, /is yours, but your key has not enrolled it: nothing was sent there/);
  }
  const { chain } = await opens(ada, { owner_thumbprint: ada.thumbprint, groups: [], signed: [others, own] });
  assert.deepEqual((await read(KEY_LINK, chain[0], ada.identity.public)).cnf, HERE);
});

test("who holds a group's grant is led to no host that its owner has not put there", async () => {
  const [ada, ben, eve] = [await key(1), await key(2), await key(3)];
  const aud = deviceAudience(DEVICE);
  const about = { owner_thumbprint: ada.thumbprint, groups: ["garden"] };
  const own = await sign(ada.identity, ENROLMENT, { aud, iat: NOW });
  const put = (/** @type {PersonKey} */ by) => sign(by.identity, POLICY, { aud, seq: 2, p: 0, groups: ["garden"] });
  const grant = await granted(ada, eve, "group:garden");
  await assert.rejects(opens(eve, { ...about, signed: [] }, [[grant]]), /somebody's whose key has not enrolled it/);
  for (const signed of [[own], [own, await put(ben)]]) {
    await assert.rejects(opens(eve, { ...about, signed }, [[grant]]), /Nobody has permitted you this desktop/);
  }
  const signed = [own, await put(ada)];
  const { chain } = await opens(eve, { ...about, groups: [], signed }, [[grant]]);
  assert.equal(chain[0], grant);
  const forged = [await granted(ben, eve, "group:garden")];
  await assert.rejects(opens(eve, { ...about, signed }, [forged, [await granted(ada, ben, aud)]]), /Nobody has permitted you/);
});
