/**
 * The account pages' keys and statements: the same as the programs make of the same secrets (account.json).
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { newSeed, PersonKey } from "../../viewer/avl_viewer/web/account/personkey.js";
import { claimsOf, ending, enrolment, grant, keyLink, revocation } from "../../viewer/avl_viewer/web/account/statements.js";
import { decode, encode } from "../../viewer/avl_viewer/web/rights/jws.js";
import { newRecoveryKey, recoverySecret, unwrap, wrap } from "../../viewer/avl_viewer/web/rights/personkey.js";
import { Share } from "../../viewer/avl_viewer/web/rights/sharelink.js";
import { deviceAudience } from "../../viewer/avl_viewer/web/rights/statements.js";
import { PRESETS } from "../../viewer/avl_viewer/web/wire/registry.js";

const told = JSON.parse(readFileSync(new URL("account.json", import.meta.url), "utf8"));
const owner = await PersonKey.fromSeed(decode(told.seed));
const holder = decode(told.holder);
const audience = deviceAudience(BigInt(told.device));

test("a key has the same name everywhere", () => {
  assert.equal(owner.thumbprint, told.thumbprint);
});

test("statements are the programs', byte for byte", async () => {
  assert.equal(await keyLink(owner, holder, told.now, "Chrome", true), told.link);
  assert.equal(await enrolment(owner, audience, told.now, "Lab", ["lab"]), told.enrolment);
  const before = { seq: 7, jti: [told.jti], gep: {} };
  assert.equal(await revocation(owner, before, told.now, [{ id: told.jti, end: 0 }]), told.revocation);
});

test("a list of revocations leaves out what has ended beyond doubt", async () => {
  const { ends, names } = told.ending;
  const first = await revocation(owner, null, told.now, names.map((/** @type {string} */ id, /** @type {number} */ at) => ({ id, end: ends[at] })));
  assert.equal(first, told.ending.first);
  assert.equal(await revocation(owner, claimsOf(first), ends[0], []), told.ending.second);
  assert.deepEqual(await ending(owner, told.jti, told.grant), { id: told.jti, end: claimsOf(told.grant).exp });
  const other = await PersonKey.fromSeed(new Uint8Array(32).fill(1));
  assert.equal((await ending(other, told.jti, told.grant)).end, 0, "signed by somebody else");
  assert.equal((await ending(owner, names[0], told.grant)).end, 0, "another grant's");
  assert.equal((await ending(owner, told.jti, "")).end, 0);
});

test("more than a list can hold is not signed", async () => {
  const many = Array.from({ length: 2000 }, (_, at) => ({ id: encode(new Uint8Array(16).fill(at % 256).fill(at >> 8, 0, 8)), end: told.now + 9 }));
  await assert.rejects(revocation(owner, null, told.now, many), /1999 permissions that have not ended yet were taken back/);
});

test("a grant says what the programs' says, under a name of its own", async () => {
  const given = { audience, permissions: PRESETS.OPERATOR, holder, now: told.now, expires: told.now + 3600, uses: 3, longest: 600, consent: "always", role: "Operator", name: "Bo ✓", share: true };
  const made = await grant(owner, given);
  const said = claimsOf(made.token);
  assert.equal(said.jti, made.id);
  assert.deepEqual({ ...said, jti: told.jti }, claimsOf(told.grant));
  assert.notEqual((await grant(owner, given)).id, made.id);
});

test("what a program has wrapped opens here, and nothing else opens it", async () => {
  assert.deepEqual(await unwrap(told.copy, recoverySecret(told.recovery.toLowerCase())), decode(told.seed));
  await assert.rejects(unwrap(told.copy, recoverySecret(newRecoveryKey())));
  await assert.rejects(unwrap({ ...told.copy, thumbprint: "x".repeat(43) }, recoverySecret(told.recovery)));
  await assert.rejects(unwrap({}, recoverySecret(told.recovery)));
});

test("a new key is wrapped and unwrapped", async () => {
  const seed = newSeed();
  const secret = recoverySecret(newRecoveryKey());
  assert.deepEqual(await unwrap(await wrap(seed, secret), secret), seed);
});

test("a share link's secret makes the same identity, pass and name", async () => {
  const share = Share.of(told.share.secret);
  assert.equal(await share.id(), told.share.id);
  assert.equal(encode(await share.accessPass()), told.share.pass);
  assert.equal(encode((await share.identity()).public), told.share.public);
});
