/**
 * What the account pages give and limit: read of a form, told in words as the commands tell it (words.json), signed, and
 * taken by a host.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { PersonKey } from "../../viewer/avl_viewer/web/account/personkey.js";
import { ROLES } from "../../viewer/avl_viewer/web/account/roles.js";
import { grant, keyLink, policy, UNDECIDED } from "../../viewer/avl_viewer/web/account/statements.js";
import { Surroundings } from "../../viewer/avl_viewer/web/account/surroundings.js";
import { checkGroup, checkLength, handedOn, termsOf } from "../../viewer/avl_viewer/web/account/terms.js";
import { decided, limits, permitted } from "../../viewer/avl_viewer/web/account/words.js";
import { verifyChain } from "../../viewer/avl_viewer/web/rights/chain.js";
import { OWNER } from "../../viewer/avl_viewer/web/rights/effective.js";
import { POLICY, read, sign } from "../../viewer/avl_viewer/web/rights/statements.js";
import { PERMISSION, PRESETS } from "../../viewer/avl_viewer/web/wire/registry.js";

const words = JSON.parse(readFileSync(new URL("words.json", import.meta.url), "utf8"));
const NOW = 1_800_000_000;
const AUDIENCE = "group:lab";
const key = (/** @type {number} */ first) => PersonKey.fromSeed(new Uint8Array(32).fill(first));
const [owner, eve, ben, viewer] = await Promise.all([1, 2, 3, 4].map(key));
const said = { permissions: PRESETS.OPERATOR, seconds: 3600, until: Number.NaN, times: [], zone: "UTC", longest: 0, uses: "", consent: "never" };
const trust = { owner: owner.identity.public, audiences: [AUDIENCE], revocation: { seq: 1, iat: NOW, jti: [], keys: [], gep: {} }, staleness: 86_400 };

for (const [at, told] of words.grants.entries()) {
  test(`a grant is told as the commands tell it (${at})`, () => {
    assert.equal(permitted(told.p), told.permitted);
    assert.deepEqual(limits(told), told.limits);
  });
}

for (const [at, told] of words.policies.entries()) {
  test(`a policy is told as the commands tell it (${at})`, () => assert.deepEqual(decided(told), told.decided));
}

test("a form becomes terms", () => {
  const terms = termsOf({ ...said, longest: 900, uses: " 3 ", consent: "first" }, NOW);
  assert.deepEqual(terms, { permissions: PRESETS.OPERATOR, expires: NOW + 3600, role: "Operator", hours: null, longest: 900, uses: 3, consent: "first" });
  assert.equal(termsOf({ ...said, seconds: 0, until: NOW + 5 }, NOW).expires, NOW + 5);
  assert.equal(termsOf({ ...said, permissions: 3 }, NOW).role, "");
});

test("hours go over midnight, and are written once", () => {
  const times = [{ days: [6, 0], from: "22:00", to: "02:30" }, { days: [0], from: "22:00", to: "02:30" }, { days: [3], from: "00:00", to: "00:00" }];
  const { hours } = termsOf({ ...said, times, zone: " Europe/Berlin " }, NOW);
  assert.deepEqual(hours, { zone: "Europe/Berlin", rows: [[0, 0, 150], [0, 1320, 1440], [1, 0, 150], [3, 0, 1440], [6, 1320, 1440]] });
});

for (const [wrong, text] of /** @type {[object, RegExp][]} */ ([
  [{ permissions: PERMISSION.POINTER }, /seeing the screen/],
  [{ seconds: 0 }, /until when/],
  [{ seconds: 0, until: NOW }, /over already/],
  [{ uses: "0" }, /whole one/],
  [{ uses: "1.5" }, /whole one/],
  [{ uses: "?" }, /whole one/],
  [{ times: [{ days: [], from: "09:00", to: "10:00" }] }, /days of the week/],
  [{ times: [{ days: [1], from: "", to: "10:00" }] }, /begin and end/],
  [{ times: [{ days: [1], from: "09:00", to: "09:00" }] }, /begin when they end/],
  [{ times: [{ days: [1], from: "09:00", to: "10:00" }], zone: "Mars/Base" }, /Mars\/Base/],
  [{ times: [{ days: [1], from: "09:00", to: "10:00" }], zone: "" }, /time zone/],
])) {
  test(`what can't be read is refused: ${text}`, () => assert.throws(() => termsOf({ ...said, ...wrong }, NOW), text));
}

test("no role may be handed on unless that is said", () => {
  for (const role of ROLES) assert.equal(role.permissions & PERMISSION.DELEGATE, 0);
});

test("a grant with all its limits is taken by a host, and part of it is handed on", async () => {
  const week = [0, 1, 2, 3, 4, 5, 6].map((day) => [day, 0, 1440]);
  const times = [{ days: [0, 1, 2, 3, 4, 5, 6], from: "00:00", to: "00:00" }];
  const terms = termsOf({ ...said, permissions: PRESETS.ASSISTANT | PERMISSION.DELEGATE, times, longest: 600, uses: "5", consent: "first" }, NOW);
  const first = await grant(owner, { ...terms, audience: AUDIENCE, holder: eve.identity.public, now: NOW });
  const less = termsOf({ ...said, permissions: PRESETS.VIEWER, seconds: 10 ** 6, uses: "9" }, NOW);
  const given = handedOn(less, first.token, 1);
  assert.deepEqual(given, { permissions: PRESETS.VIEWER, expires: NOW + 3600, role: "Viewer", hours: { zone: "UTC", rows: week }, longest: 600, uses: 5, consent: "first" });
  const second = await grant(eve, { ...given, audience: AUDIENCE, holder: ben.identity.public, now: NOW, parent: first.token });
  const link = await keyLink(ben, viewer.identity.public, NOW, "here", true);
  const rights = await verifyChain([first.token, second.token, link], trust, viewer.identity.public, NOW);
  assert.equal(rights.permissions, PRESETS.VIEWER);
  assert.throws(() => handedOn({ ...less, permissions: PRESETS.OPERATOR }, first.token, 1), /you may not hand that on: clipboard-out/i);
  assert.throws(() => handedOn({ ...less, hours: { zone: "Europe/Berlin", rows: [[0, 0, 60]] } }, first.token, 1), /for these hours only: daily all day/);
  assert.throws(() => handedOn(less, first.token, 3), /ask its owner/);
});

test("a chain that no handshake carries is not signed away", () => {
  checkLength(["x".repeat(2000)]);
  assert.throws(() => checkLength(["x".repeat(2000), "x".repeat(101)]), /fewer hours/);
  for (const name of ["", "a\nb", "x".repeat(65)]) assert.throws(() => checkGroup(name), /group's name/);
});

test("a policy keeps what is not changed", async () => {
  const first = await read(POLICY, await policy(owner, AUDIENCE, null, { groups: ["lab"], browser: false }), owner.identity.public);
  assert.deepEqual(first, { aud: AUDIENCE, seq: 1, ...UNDECIDED, groups: ["lab"], browser: false });
  const second = await read(POLICY, await policy(owner, AUDIENCE, /** @type {any} */ (first), { p: PRESETS.VIEWER, max_stale: 60 }), owner.identity.public);
  assert.deepEqual(second, { ...first, seq: 2, p: PRESETS.VIEWER, max_stale: 60 });
  assert.equal(second.p & OWNER, PRESETS.VIEWER);
});

test("the last policy is one's own, whatever the relay brings", async () => {
  const forged = await sign(eve.identity, POLICY, { aud: AUDIENCE, seq: 99, p: OWNER });
  const own = await sign(owner.identity, POLICY, { aud: AUDIENCE, seq: 2, p: 1 });
  const around = new Surroundings();
  around.key = owner;
  around.known = owner.thumbprint;
  around.api.all = async () => [{ token: forged }, { token: own }, { token: "rubbish" }];
  assert.equal((await around.lastPolicy(AUDIENCE)).seq, 2);
  assert.equal(await around.lastRevocation(), null);
});
