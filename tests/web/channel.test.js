/** Channels: whatever the stream does, every byte arrives once and in order. The vectors hold the bytes; here are the
 * rules. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SecureChannel, openChannel, readResumeHeader } from "../../viewer/avl_viewer/web/crypto/channel.js";
import { SessionKeys } from "../../viewer/avl_viewer/web/crypto/schedule.js";
import { concat, utf8 } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { CLOSE, MAX } from "../../viewer/avl_viewer/web/wire/registry.js";

const KEYS = new SessionKeys(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
const SESSION = new Uint8Array(16).fill(3);
const EMPTY = new Uint8Array(0);

/** @param {number} channel @returns {Promise<[SecureChannel, SecureChannel]>} */
async function pair(channel) {
  return [await openChannel(KEYS, channel, true, SESSION), await openChannel(KEYS, channel, false, SESSION)];
}

/** @param {number} limit @returns {Promise<[SecureChannel, SecureChannel]>} */
async function limited(limit) {
  const [up, down, move] = await Promise.all([KEYS.channelKey(2, true), KEYS.channelKey(2, false), KEYS.moveKey()]);
  return [new SecureChannel(up, down, 2, true, move, SESSION, limit), new SecureChannel(down, up, 2, false, move, SESSION, limit)];
}

/** @param {SecureChannel} viewer @param {SecureChannel} host @param {number} epoch */
async function move(viewer, host, epoch) {
  const asked = readResumeHeader(await viewer.resumeHeader(epoch));
  assert.ok(asked);
  const fromHost = await host.resume(asked.header);
  const answered = readResumeHeader(await host.resumeHeader(asked.header.epoch));
  assert.ok(answered);
  return { fromViewer: await viewer.resume(answered.header), fromHost };
}

test("data sent without waiting keeps its order", async () => {
  const [viewer, host] = await pair(0);
  const sent = await Promise.all([1, 2, 3, 4].map((number) => viewer.send(utf8(`${number}`))));
  assert.deepEqual(concat(...(await host.receive(concat(...sent)))), utf8("1234"));
});

test("more than may be unacknowledged waits for room", async () => {
  const [viewer, host] = await pair(0);
  const data = Uint8Array.from({ length: 500_000 }, (_, index) => index % 251);
  let out = await viewer.send(data);
  assert.ok(viewer.retained <= MAX.RETAINED_CONTROL && !viewer.writable && viewer.backlog > 0);
  /** @type {Uint8Array[]} */
  const got = [];
  while (out.length) {
    got.push(...(await host.receive(out)));
    await viewer.receive(await host.takeOutput());
    out = await viewer.takeOutput();
  }
  assert.deepEqual(concat(...got), data);
  assert.ok(viewer.writable);
});

test("a peer that never acknowledges can not make us hold everything", async () => {
  const [viewer] = await pair(0);
  await viewer.send(new Uint8Array(100_000));
  await assert.rejects(viewer.send(new Uint8Array(MAX.CHANNEL_MESSAGE)), { name: "LocalProtocolError" });
});

test("acknowledgements alone are not kept for ever", async () => {
  const [viewer, host] = await pair(2);
  for (let round = 0; round < 300; round++) {
    await host.receive(await viewer.send(new Uint8Array(16_384)));
    await viewer.receive(await host.takeOutput());
    await host.receive(await viewer.takeOutput());
  }
  assert.ok(host.retained < 256 * 32 && viewer.retained < 1000);
});

test("FIN is an end, and nothing may follow it", async () => {
  const [viewer, host] = await pair(1);
  const out = concat(await viewer.send(utf8("x")), await viewer.finish());
  assert.ok(host.truncated());
  await host.receive(out);
  assert.ok(host.finished && !host.truncated() && !viewer.writable);
  await assert.rejects(viewer.send(utf8("more")), { name: "LocalProtocolError" });
});

test("an acknowledgement of what was never sent is refused", async () => {
  const [viewer, host] = await pair(0);
  for (let number = 0; number < 32; number++) await host.receive(await viewer.send(utf8("x")));
  const ack = await host.takeOutput();
  const [other] = await pair(0);
  await assert.rejects(other.receive(ack), { name: "RemoteProtocolError", code: CLOSE.SESSION_PROTOCOL });
});

test("every byte arrives once whenever streams are lost", async () => {
  let seed = 7;
  const random = (/** @type {number} */ below) => (seed = (seed * 48_271) % 0x7fff_ffff) % below;
  for (let run = 0; run < 12; run++) {
    const ends = await limited(100_000);
    const wire = [EMPTY, EMPTY];
    /** @type {[number[], number[]]} */
    const sent = [[], []];
    /** @type {[number[], number[]]} */
    const got = [[], []];
    let epoch = 0;
    const carry = async (/** @type {number} */ side, /** @type {number} */ size) => {
      const data = wire[side].slice(0, size);
      wire[side] = wire[side].slice(size);
      for (const chunk of await ends[1 - side].receive(data)) got[side].push(chunk.length, chunk[0]);
      wire[1 - side] = concat(wire[1 - side], await ends[1 - side].takeOutput());
    };
    const steps = Array.from({ length: 30 }, () => random(5));
    for (const step of [...steps, 4]) {
      const side = random(2);
      if (step < 2 && ends[side].writable) {
        const data = new Uint8Array(1 + random(16_000)).fill(random(251));
        sent[side].push(data.length, data[0]);
        wire[side] = concat(wire[side], await ends[side].send(data));
      } else if (step < 4) {
        await carry(side, 1 + random(40_000));
      } else if (step === 4) {
        epoch += 1 + random(3);
        if (random(2)) ends[0].suspend();
        const { fromViewer, fromHost } = await move(ends[0], ends[1], epoch);
        [wire[0], wire[1]] = [fromViewer, fromHost].map((data) => data.slice());
      }
    }
    while (wire[0].length || wire[1].length) for (const side of [0, 1]) await carry(side, 1 << 20);
    assert.deepEqual(got, sent);
  }
});
