/** What a page says of the datagrams that reach it: when, how much, how often, and to whom it does not pass them on. */

import assert from "node:assert/strict";
import test from "node:test";
import { Collector, ENOUGH, GATHER, INTERVAL, LONGEST_INTERVAL, SLOW_INTERVAL, WAITING } from "../../viewer/avl_viewer/web/rate/collector.js";
import { HopRate } from "../../viewer/avl_viewer/web/rate/hop.js";
import { WebTransportCarrier } from "../../viewer/avl_viewer/web/transport.js";
import { encode } from "../../viewer/avl_viewer/web/wire/datagram.js";
import { MOST_NAMED, UNITS, decode } from "../../viewer/avl_viewer/web/wire/feedback.js";
import { CLOSE, DATAGRAM, MAX } from "../../viewer/avl_viewer/web/wire/registry.js";

/** @param {number} fragment @param {number} object @param {number} type @param {number} handle */
function fragmentOf(fragment, object = 1, type = DATAGRAM.MEDIA, handle = 7) {
  const length = (fragment + 1) * MAX.FRAGMENT_PAYLOAD;
  return encode({ handle, type, track: 1, object, flags: 0, fragment, length }, new Uint8Array(MAX.FRAGMENT_PAYLOAD));
}

/** A header alone, with a handle and a fragment of eight bytes each: as long as a name can be. @param {number} number
 * */
function wordy(number) {
  const out = new Uint8Array(40);
  out.fill(0xc0, 1, 2);
  out[8] = number;
  out.set([0xc0, 1, 2, 3, 4, 5, 6, 2 * number], 16);
  return out;
}

/** [type, object, fragment, when] of all that a datagram's newest report names. @param {Uint8Array | null} feedback */
function told(feedback) {
  const [{ base, runs }] = decode(/** @type {Uint8Array} */ (feedback));
  let at = base;
  return runs.flatMap(({ name, fragment, times }) => times.map((time, place) => [name[0], name.at(-1), fragment + place, (at += time) / UNITS]));
}

test("datagrams are named with their type and the moment they were read", () => {
  const collector = new Collector();
  assert.equal(collector.due(), null);
  assert.equal(collector.take(5), null);
  collector.arrived(fragmentOf(0), 10);
  collector.arrived(fragmentOf(1), 10.3);
  collector.arrived(fragmentOf(3, 1, DATAGRAM.REPAIR), 11);
  collector.arrived(fragmentOf(3, 1, DATAGRAM.REPAIR), 10.9);
  assert.equal(collector.due(), SLOW_INTERVAL);
  const feedback = collector.take(35);
  assert.deepEqual(told(feedback), [[0, 1, 0, 10], [0, 1, 1, 10.3], [2, 1, 3, 11], [2, 1, 3, 11]]);
  assert.equal(collector.due(), null);
});

test("reports are 25 ms apart while little arrives, wait 12 ms while much does, and not at all once 24 datagrams wait", () => {
  const collector = new Collector();
  let now = 100;
  for (let round = 0; round < 60; round++, now += 20) {
    for (let fragment = 0; fragment < 4; fragment++) collector.arrived(fragmentOf(fragment, round), now);
    if (round < 10) assert.equal(collector.due(), round ? now - 5 + SLOW_INTERVAL : now + GATHER);
    if (round > 50) assert.equal(collector.due(), now + INTERVAL);
    assert.equal(told(collector.take(now + 15)).length, 4);
  }
  for (let fragment = 0; fragment < ENOUGH; fragment++) {
    assert.ok(fragment === 0 || /** @type {number} */ (collector.due()) > now + 1);
    collector.arrived(fragmentOf(fragment), now + fragment / 100);
  }
  assert.ok(/** @type {number} */ (collector.due()) <= now);
});

test("one lost feedback datagram loses nothing", () => {
  const collector = new Collector();
  const taken = [0, 1, 2, 3].map((round) => {
    collector.arrived(fragmentOf(round), 30 * round);
    return decode(/** @type {Uint8Array} */ (collector.take(30 * round + 25)));
  });
  assert.deepEqual(taken.map((reports) => reports.map(({ sequence }) => sequence)), [[0], [1, 0], [2, 1], [3, 2]]);
  for (let lost = 0; lost < 3; lost++) assert.deepEqual(taken[lost + 1][1], taken[lost][0]);
});

test("whatever arrives at once is told in as many datagrams as it takes, and each can be read", () => {
  for (const make of [fragmentOf, wordy, (/** @type {number} */ number) => fragmentOf(200 - 2 * number)]) {
    const collector = new Collector();
    let count = 0;
    for (let number = 0; number < 100; number++) collector.arrived(make(number), 10 + number / 10);
    assert.ok(/** @type {number} */ (collector.due()) <= 30);
    for (let feedback = collector.take(40); feedback; feedback = collector.take(40)) {
      assert.ok(feedback.length <= MAX.DATAGRAM_PAYLOAD);
      const [{ runs }] = decode(feedback);
      const named = runs.reduce((sum, { times }) => sum + times.length, 0);
      assert.ok(named <= MOST_NAMED);
      count += named;
    }
    assert.equal(count, 100);
  }
});

test("a flood that nobody asks about is forgotten from its beginning", () => {
  const collector = new Collector();
  for (let number = 0; number < 100_000; number++) collector.arrived(fragmentOf(number % 800, number >> 10), number / 1000);
  const taken = [];
  for (let feedback = collector.take(200); feedback; feedback = collector.take(200)) taken.push(told(feedback));
  assert.equal(taken.length, WAITING + 1);
  assert.deepEqual(taken.at(-1)?.at(-1)?.slice(2), [99_999 % 800, 99.9]);
});

test("probes and feedback end here, the types below them are passed on, and all that was sent to be answered is reported", () => {
  const hop = new HopRate();
  assert.equal(hop.wakesAt(), null);
  const passed = [];
  for (const type of [0, 1, 2, 3, 4, 5, 0x80]) {
    const data = encode({ handle: 7, type, track: 1, object: 1, flags: 0, fragment: 0, length: 9 }, new Uint8Array(9));
    if (!hop.datagramReceived(data, 1)) passed.push(type);
  }
  assert.deepEqual(passed, [0, 1, 2, 5, 0x80]);
  assert.equal(hop.takeFeedback(1), null);
  assert.deepEqual(told(hop.takeFeedback(26)).map(([type]) => type), [0, 1, 2, 3]);
});

test("what is cut short or means nothing is passed on, and reported by nobody", () => {
  const hop = new HopRate();
  const whole = fragmentOf(100);
  const cut = Array.from({ length: 12 }, (_, size) => whole.subarray(0, size));
  const wide = Uint8Array.of(0, 1, 0, 1, 0, 0, 0, 1, 0, 0xff, 255, 255, 255, 255, 255, 255, 255, 1, 1);
  const beyond = Uint8Array.of(0, 1, 0, 1, 0, 0, 0, 1, 0, 0xc0, 1, 1, 1, 1, 1);
  const elsewhere = Uint8Array.of(1, ...whole.subarray(1));
  for (const data of [...cut, wide, beyond, elsewhere]) assert.equal(hop.datagramReceived(data, 1), false);
  assert.equal(hop.wakesAt(), null);
});

/** A WebTransport session of memory, since Node.js has none: what is put into `incoming` arrives, what is written is in
 * `written`. */
class MemoryTransport {
  /** @type {MemoryTransport} */
  static newest;

  constructor() {
    MemoryTransport.newest = this;
    /** @type {[number, Uint8Array][]} */
    this.written = [];
    this.ready = Promise.resolve();
    this.closed = new Promise(() => undefined);
    const readable = new ReadableStream({ start: (controller) => void (this.incoming = controller) });
    const sink = () => new WritableStream({ write: (data) => void this.written.push([performance.now(), data]) });
    this.datagrams = MemoryTransport.modern ? { readable, createWritable: sink } : { readable, writable: sink() };
  }

  static modern = true;
  close() {}
}

/** @param {boolean} modern */
async function carrier(modern = true) {
  MemoryTransport.modern = modern;
  /** @type {any} */ (globalThis).WebTransport = MemoryTransport;
  /** @type {number[]} */
  const passed = [];
  const receiver = { carrierReady: () => undefined, datagramReceived: (/** @type {Uint8Array} */ data) => void passed.push(data[2]) };
  const one = new WebTransportCarrier("https://relay.invalid/", [], /** @type {any} */ (receiver), () => performance.now());
  await pause(1);
  return { one, transport: MemoryTransport.newest, passed };
}

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

test("a connection answers what arrives, without the zero that the browser adds itself, and rests when nothing does", async () => {
  for (const modern of [true, false]) {
    const { one, transport, passed } = await carrier(modern);
    const timeouts = counted();
    const began = performance.now();
    for (const type of [DATAGRAM.MEDIA, DATAGRAM.PROBE, DATAGRAM.PARITY]) transport.incoming?.enqueue(fragmentOf(0, 1, type).subarray(1));
    await pause(60);
    assert.deepEqual(passed, [DATAGRAM.MEDIA, DATAGRAM.PARITY]);
    assert.equal(transport.written.length, 1);
    const [at, data] = transport.written[0];
    const reported = told(Uint8Array.of(0, ...data));
    assert.deepEqual(reported.map(([type]) => type), [DATAGRAM.MEDIA, DATAGRAM.PROBE, DATAGRAM.PARITY]);
    for (const entry of reported) assert.ok(entry[3] >= began - 0.2 && entry[3] <= at, `${entry[3]} from ${began} to ${at}`);
    assert.ok(at - began > GATHER - 1);
    assert.ok(timeouts.stop() <= 3, "one alarm, once more where it rings too early, and the pause of this test");
    one.close(CLOSE.NO_ERROR, "");
  }
});

test("twenty-four datagrams are answered without waiting, and a closed connection answers nothing", async () => {
  const { one, transport } = await carrier();
  for (let fragment = 0; fragment < ENOUGH; fragment++) transport.incoming?.enqueue(fragmentOf(fragment).subarray(1));
  await pause(5);
  assert.equal(transport.written.length, 1);
  transport.incoming?.enqueue(fragmentOf(30).subarray(1));
  await pause(1);
  one.close(CLOSE.NO_ERROR, "");
  await pause(40);
  assert.equal(transport.written.length, 1);
});

/** How often `setTimeout` was called until `stop`. */
function counted() {
  const real = globalThis.setTimeout;
  let calls = 0;
  /** @type {any} */ (globalThis).setTimeout = (/** @type {any[]} */ ...of) => (calls++, /** @type {any} */ (real)(...of));
  return { stop: () => ((globalThis.setTimeout = real), calls) };
}

test("on a long way a report waits for a tenth of the round trip, and not for ever", () => {
  const collector = new Collector();
  collector.arrived(fragmentOf(0), 1000);
  for (const [roundTrip, wait] of [[0, GATHER], [250, GATHER], [600, 60], [1000, LONGEST_INTERVAL], [9000, LONGEST_INTERVAL]]) {
    collector.roundTrip = roundTrip;
    assert.equal(collector.due(), 1000 + wait);
  }
  for (let number = 1; number < ENOUGH; number++) collector.arrived(fragmentOf(number), 1000);
  assert.equal(collector.due(), 1000 + LONGEST_INTERVAL);
  collector.roundTrip = 20;
  assert.equal(collector.due(), 1000);
});
