/**
 * What opens a desktop in place of a code: a reload of the tab is the same visit to a relay that asks for passes.
 */

import assert from "node:assert/strict";
import test from "node:test";

import { byShare, newVisit } from "../../viewer/avl_viewer/web/account/opening.js";
import { forget, remember, remembered } from "../../viewer/avl_viewer/web/account/remembered.js";
import { decode, encode } from "../../viewer/avl_viewer/web/rights/jws.js";
import { Share } from "../../viewer/avl_viewer/web/rights/sharelink.js";

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
