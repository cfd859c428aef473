/**
 * The account pages' keys and statements: the same as the programs make of the same secrets (account.json).
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { decoded, encoded } from "../../viewer/avl_viewer/web/account/base64url.js";
import { newSeed, PersonKey, unwrap, wrap } from "../../viewer/avl_viewer/web/account/personkey.js";
import { LENGTH, newRecoveryKey, recoverySecret } from "../../viewer/avl_viewer/web/account/recoverykey.js";
import { newShare, shareOf } from "../../viewer/avl_viewer/web/account/share.js";
import { audienceOf, claimsOf, enrolment, grant, jwkOf, keyLink, publicOf, revocation } from "../../viewer/avl_viewer/web/account/statements.js";
import { PRESETS } from "../../viewer/avl_viewer/web/wire/registry.js";

const told = JSON.parse(readFileSync(new URL("account.json", import.meta.url), "utf8"));
const owner = await PersonKey.fromSeed(decoded(told.seed));
const holder = decoded(told.holder);
const audience = audienceOf(BigInt(told.device));

test("a key has the same name everywhere", () => {
  assert.equal(owner.thumbprint, told.thumbprint);
});

test("statements are the programs', byte for byte", async () => {
  assert.equal(await keyLink(owner, holder, told.now, "Chrome", true), told.link);
  assert.equal(await enrolment(owner, audience.slice("device:".length), told.now, "Lab", ["lab"]), told.enrolment);
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
  assert.deepEqual(await unwrap(told.copy, recoverySecret(told.recovery.toLowerCase())), decoded(told.seed));
  assert.equal(await unwrap(told.copy, recoverySecret(newRecoveryKey())), null);
  assert.equal(await unwrap({ ...told.copy, thumbprint: "x".repeat(43) }, recoverySecret(told.recovery)), null);
  assert.equal(await unwrap({}, recoverySecret(told.recovery)), null);
});

test("a new key is wrapped and unwrapped", async () => {
  const seed = newSeed();
  const secret = recoverySecret(newRecoveryKey());
  assert.deepEqual(await unwrap(await wrap(seed, secret), secret), seed);
});

test("a recovery key has its length, and what is none is refused", () => {
  assert.equal(newRecoveryKey().replaceAll("-", "").length, LENGTH);
  assert.throws(() => recoverySecret("ABCDE"), /26 letters and digits; this has 5/);
});

test("a share link's secret makes the same identity, pass and name", async () => {
  const share = await shareOf(told.share.secret);
  assert.equal(share.id, told.share.id);
  assert.equal(encoded(share.accessPass), told.share.pass);
  assert.equal(encoded((await PersonKey.fromSeed(share.seed)).raw), told.share.public);
  assert.equal((await newShare()).secret.length, told.share.secret.length);
  await assert.rejects(shareOf("abc"), /not whole/);
});

test("only keys of people are taken for one", () => {
  assert.deepEqual(publicOf(jwkOf(holder)), holder);
  for (const jwk of [null, {}, { kty: "OKP", crv: "X25519", x: encoded(holder) }, { kty: "OKP", crv: "Ed25519", x: "AAAA" }]) assert.throws(() => publicOf(jwk), /no key/);
});
