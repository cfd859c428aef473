/** How a person comes in: the link's fragment, the relay's directions, the device meant, and what a browser may lack.
 * */

import assert from "node:assert/strict";
import test from "node:test";
import { readDevice, readDirections } from "../../viewer/avl_viewer/web/directions.js";
import { readFragment } from "../../viewer/avl_viewer/web/fragment.js";
import { missing } from "../../viewer/avl_viewer/web/requirements.js";
import { toText } from "../../viewer/avl_viewer/web/wire/device_id.js";
import { showPin } from "../../viewer/avl_viewer/web/wire/target.js";

const PIN = showPin(new Uint8Array(32).fill(7));
const HASH = showPin(new Uint8Array(32).fill(9));
const TOLD = { quic: "localhost:4433", pin: PIN, hashes: [HASH], public: false };
const DEVICE = toText(123_456_789n);

test("a link names device and code in its fragment", () => {
  assert.deepEqual(readFragment("#d=ABCD-EFGH&c=AB12-CD34"), { device: "ABCD-EFGH", code: "AB12-CD34", share: "", account: false });
  assert.deepEqual(readFragment("#d=ABCD-EFGH"), { device: "ABCD-EFGH", code: "", share: "", account: false });
  assert.deepEqual(readFragment(""), { device: "", code: "", share: "", account: false });
});

test("directions limit the connection to the certificates named, unless they are public", () => {
  const directions = readDirections(TOLD);
  assert.equal(directions.url, "https://localhost:4433/avl/1");
  assert.deepEqual(directions.hashes, [new Uint8Array(32).fill(9)]);
  assert.deepEqual(readDirections({ ...TOLD, public: true }).hashes, []);
});

test("a page leads to accounts where the relay says that it has some, and only there", () => {
  for (const accounts of [undefined, false, "true", 1]) assert.equal(readDirections({ ...TOLD, accounts }).accounts, false);
  assert.equal(readDirections({ ...TOLD, accounts: true }).accounts, true);
});

test("directions that can't be read are said to be so, never guessed", () => {
  for (const wrong of [{}, { ...TOLD, quic: "nowhere" }, { ...TOLD, pin: "x" }, { ...TOLD, hashes: [] }, { ...TOLD, hashes: ["x"] }, { ...TOLD, hashes: 5 }]) {
    assert.throws(() => readDirections(wrong), /directions can't be read/);
  }
});

test("a device is meant by its ID in any spelling or by a target on this relay", () => {
  const directions = readDirections(TOLD);
  assert.equal(readDevice(`  ${DEVICE.toLowerCase().replaceAll("-", " ")} `, directions), 123_456_789n);
  assert.equal(readDevice(`avl://localhost:4433/${DEVICE}`, directions), 123_456_789n);
  assert.equal(readDevice(`avl://127.0.0.1:4433/${DEVICE}?pin=${PIN}`, directions), 123_456_789n);
});

test("a wrong device gets a sentence that says what to do", () => {
  const directions = readDirections(TOLD);
  assert.throws(() => readDevice(" ", directions), /Enter the device ID/);
  assert.throws(() => readDevice("ABCD", directions), /^Error: A device ID has 28 characters, this has 4\.$/);
  assert.throws(() => readDevice(`avl://elsewhere:1/${DEVICE}`, directions), /belongs to the relay localhost:4433, the target to elsewhere:1/);
});

const WHOLE = {
  isSecureContext: true, location: { hostname: "desk" }, VideoDecoder: 1, OffscreenCanvas: 1, DecompressionStream: 1,
  crypto: { subtle: {} },
};
const fine = async () => ({ ok: true, sentence: "" });

test("a browser that has everything lacks nothing", async () => {
  assert.equal(await missing(WHOLE, fine), "");
});

test("what a browser lacks is named", async () => {
  const { OffscreenCanvas: _one, VideoDecoder: _other, ...older } = WHOLE;
  assert.match(await missing(older, fine), /lacks WebCodecs.*; and OffscreenCanvas/);
  assert.match(await missing({ ...WHOLE, isSecureContext: false }, fine), /plain HTTP from desk.*--tls-cert/);
  assert.equal(await missing(WHOLE, async () => ({ ok: false, sentence: "no ML-KEM" })), "no ML-KEM");
});
