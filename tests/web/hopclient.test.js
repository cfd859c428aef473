/** The hop to the relay: what is said first, what is refused, and how it ends. */

import assert from "node:assert/strict";
import test from "node:test";
import { Identity, pin } from "../../viewer/avl_viewer/web/crypto/identity.js";
import { CONTROL_HEADER, HopStream, hopBytes } from "../../viewer/avl_viewer/web/session/hop/stream.js";
import { HopClientState, HopClient } from "../../viewer/avl_viewer/web/session/hop/client.js";
import { concat, utf8 } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { CLOSE, ROLE, TIMER } from "../../viewer/avl_viewer/web/wire/registry.js";

const HASHES = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

/** A carrier of memory, and a link on it. @param
 * {Partial<import("../../viewer/avl_viewer/web/session/hop/client.js").HopClientSettings>} settings */
function hop(settings = {}) {
  /** @type {Map<number, Uint8Array>} */
  const sent = new Map();
  /** @type {any[]} */
  const told = [];
  let streams = 0;
  const carrier = /** @type {any} */ ({
    openStream: () => streams++,
    sendStream: (/** @type {number} */ stream, /** @type {Uint8Array} */ data) => sent.set(stream, concat(sent.get(stream) ?? new Uint8Array(0), data)),
    close: (/** @type {number} */ code) => told.push(["closed", code]),
  });
  const owner = /** @type {any} */ ({
    hopUp: () => told.push(["up"]),
    hopMessage: (/** @type {any} */ message) => told.push([message.kind]),
    hopAnswered: () => told.push(["answered"]),
    hopLost: (/** @type {any} */ reason) => told.push(["lost", reason.code]),
    channelReceived: async (/** @type {number} */ handle, /** @type {number} */ channel) => void told.push(["channel", handle, channel]),
    channelReset: (/** @type {number} */ _handle, /** @type {number} */ channel, /** @type {number} */ _stream, /** @type {number} */ code) =>
      told.push(["reset", channel, code]),
    mediaReceived: () => told.push(["media"]),
  });
  const client = new HopClient({ software: "test", pin: null, hashes: HASHES, ...settings }, owner);
  client.attachCarrier(carrier, 0);
  const said = () => {
    const bytes = sent.get(0) ?? new Uint8Array(0);
    assert.deepEqual(bytes.slice(0, CONTROL_HEADER.length), CONTROL_HEADER);
    return new HopStream().receive(bytes.slice(CONTROL_HEADER.length));
  };
  return { client, told, said };
}

/** @param {Identity} identity @param {Uint8Array} hash */
async function welcome(identity, hash) {
  const endorsement = await identity.sign(concat(utf8("avl/1 relay certificate\0"), hash));
  return hopBytes("WELCOME", { version: 1, nonce: new Uint8Array(16), observed: "", identity: identity.public, endorsement });
}

test("HELLO comes first, and a relay that vouches for an allowed certificate is the right one", async () => {
  const relay = await Identity.fromSeed(new Uint8Array(32).fill(5));
  const { client, told, said } = hop({ pin: await pin(relay.public) });
  client.carrierReady(0);
  assert.deepEqual(said().map(({ kind, role }) => [kind, role]), [["HELLO", ROLE.VIEWER]]);
  await client.streamReceived(0, await welcome(relay, HASHES[1]), false, 0);
  assert.equal(client.state, HopClientState.UP);
  assert.equal(client.nextTimeout(), null);
  await client.streamReceived(0, hopBytes("PING", { token: 9 }), false, 0);
  assert.deepEqual(said().at(-1), { kind: "PONG", token: 9 });
  assert.deepEqual(told, [["up"]]);
});

test("another relay, or one with another certificate, hears nothing but HELLO", async () => {
  const relay = await Identity.fromSeed(new Uint8Array(32).fill(5));
  const other = await Identity.fromSeed(new Uint8Array(32).fill(6));
  for (const answer of [await welcome(other, HASHES[0]), await welcome(relay, new Uint8Array(32).fill(3))]) {
    const { client, told, said } = hop({ pin: await pin(relay.public) });
    client.carrierReady(0);
    await client.streamReceived(0, answer, false, 0);
    assert.deepEqual(told, [["closed", CLOSE.WRONG_RELAY], ["lost", CLOSE.WRONG_RELAY]]);
    client.send("PING", { token: 1 });
    assert.equal(said().length, 1);
  }
});

test("what comes before WELCOME, malformed or on streams of the relay's own ends the hop", async () => {
  for (const [stream, bytes] of /** @type {[number, Uint8Array][]} */ ([
    [0, hopBytes("PONG", { token: 1 })],
    [0, Uint8Array.of(3, 2, 0xc0, 0xc0)],
    [0, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
    [7, Uint8Array.of(1)],
  ])) {
    const { client, told } = hop();
    client.carrierReady(0);
    await client.streamReceived(stream, bytes, false, 0);
    assert.deepEqual(told, [["closed", CLOSE.PROTOCOL_ERROR], ["lost", CLOSE.PROTOCOL_ERROR]]);
  }
});

test("the relay's reason for closing is kept, known or not", async () => {
  for (const [code, kept] of [[CLOSE.UNAVAILABLE, CLOSE.UNAVAILABLE], [9999, CLOSE.SESSION_LOST]]) {
    const { client, told } = hop();
    client.carrierReady(0);
    await client.streamReceived(0, hopBytes("CLOSE", { code, text: "" }), false, 0);
    assert.deepEqual(told.at(-1), ["lost", kept]);
  }
  for (const [code, kept] of [[CLOSE.LIMIT, CLOSE.LIMIT], [0, CLOSE.GOING_AWAY], [4711, CLOSE.SESSION_LOST]]) {
    const { client, told } = hop();
    client.carrierReady(0);
    client.carrierLost(code, "", 0);
    client.carrierLost(code, "", 0);
    assert.deepEqual(told, [["lost", kept]]);
  }
});

test("a relay that does not answer HELLO in time is given up", () => {
  const { client, told } = hop();
  client.carrierReady(0);
  client.handleTimer(TIMER.HELLO - 1);
  assert.deepEqual(told, []);
  client.handleTimer(TIMER.HELLO);
  assert.deepEqual(told.at(-1), ["lost", CLOSE.TIMEOUT]);
});

test("channels are sorted by session, and their resets told", async () => {
  const { client, told } = hop();
  client.carrierReady(0);
  const stream = client.openChannel(70, 1);
  await client.streamReceived(stream, Uint8Array.of(1), false, 0);
  client.streamReset(stream, CLOSE.FORBIDDEN, 0);
  client.streamReset(stream, CLOSE.FORBIDDEN, 0);
  assert.deepEqual(told, [["channel", 70, 1], ["reset", 1, CLOSE.FORBIDDEN]]);
  client.datagramReceived(new Uint8Array(3), 0);
  assert.equal(told.length, 2);
});
