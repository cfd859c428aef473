/**
 * The account pages' keys and statements: the same as the programs make of the same secrets (account.json).
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { newSeed, PersonKey } from "../../viewer/avl_viewer/web/account/personkey.js";
import { claimsOf, enrolment, grant, keyLink, revocation } from "../../viewer/avl_viewer/web/account/statements.js";
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
  assert.equal(await revocation(owner, before, told.now, [told.jti]), told.revocation);
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
