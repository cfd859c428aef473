/** Noise XX, both roles: against the public vector where it lies beside the repository, and against tampering. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { HandshakeState } from "../../viewer/avl_viewer/web/crypto/noise.js";
import { utf8 } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { CLOSE } from "../../viewer/avl_viewer/web/wire/registry.js";
import { bytes, hex } from "./vectors/notation.js";

const PUBLIC = new URL("../../../shared/vectors/noise_xx.json", import.meta.url);
const NOTHING = new Uint8Array(0);

/** @param {number} first */
const filled = (first) => new Uint8Array(32).fill(first);

/** @returns {Promise<[HandshakeState, HandshakeState]>} */
async function pair() {
  return [
    await HandshakeState.create(true, utf8("p"), filled(1), () => filled(2), "XX"),
    await HandshakeState.create(false, utf8("p"), filled(3), () => filled(4), "XX"),
  ];
}

test("the public vector of XX holds", { skip: existsSync(PUBLIC) ? false : "the public Noise vectors are not at ../shared/vectors" }, async () => {
  const { vectors } = JSON.parse(readFileSync(PUBLIC, "utf8"));
  const vector = vectors.find((/** @type {any} */ one) => one.protocol_name === "Noise_XX_25519_AESGCM_SHA256");
  const ends = await Promise.all(["init", "resp"].map((side) =>
    HandshakeState.create(side === "init", bytes(vector[`${side}_prologue`]), bytes(vector[`${side}_static`]), () => bytes(vector[`${side}_ephemeral`]), "XX"),
  ));
  for (const [index, { payload, ciphertext }] of vector.messages.slice(0, 3).entries()) {
    assert.equal(hex(await ends[index % 2].write(bytes(payload))), ciphertext);
    assert.equal(hex(await ends[1 - (index % 2)].read(bytes(ciphertext))), payload);
  }
  assert.equal(hex(ends[0].handshakeHash), vector.handshake_hash);
  const ciphers = await Promise.all(ends.map((end) => end.split()));
  for (const [index, { payload, ciphertext }] of vector.messages.slice(3).entries()) {
    const direction = 1 - (index % 2);
    assert.equal(hex(await ciphers[index % 2][direction].encrypt(NOTHING, bytes(payload))), ciphertext);
    assert.equal(hex(await ciphers[1 - (index % 2)][direction].decrypt(NOTHING, bytes(ciphertext))), payload);
  }
});

test("both ends agree, and know each other's static key", async () => {
  const [initiator, responder] = await pair();
  await responder.read(await initiator.write(utf8("one")));
  await initiator.read(await responder.write(utf8("two")));
  assert.deepEqual(await responder.read(await initiator.write(utf8("three"))), utf8("three"));
  assert.deepEqual(initiator.handshakeHash, responder.handshakeHash);
  assert.deepEqual(initiator.remoteStatic, responder.staticPublic);
  await assert.rejects(initiator.write(NOTHING), { name: "LocalProtocolError" });
});

test("flipped bits of message 2 are noticed", async () => {
  for (let bit = 0; bit < 96 * 8; bit += 37) {
    const [initiator, responder] = await pair();
    await responder.read(await initiator.write(NOTHING));
    const second = await responder.write(NOTHING);
    second[bit >> 3] ^= 1 << (bit & 7);
    await assert.rejects(initiator.read(second), { name: "RemoteProtocolError", code: CLOSE.TAMPERED });
  }
});

test("turns are kept, short messages and low-order keys refused", async () => {
  const [initiator, responder] = await pair();
  await assert.rejects(responder.write(NOTHING), { name: "LocalProtocolError" });
  await assert.rejects(initiator.split(), { name: "LocalProtocolError" });
  await assert.rejects(responder.read(new Uint8Array(31)), { name: "RemoteProtocolError", code: CLOSE.SESSION_PROTOCOL });
  const [, again] = await pair();
  await again.read(new Uint8Array(32));
  await assert.rejects(again.write(NOTHING), { name: "RemoteProtocolError", code: CLOSE.SESSION_PROTOCOL });
});
