/** The WebSocket carrier of a page: what it writes and is told, credit, rounds of bulk, ends; and the race for a
 * carrier. */

import assert from "node:assert/strict";
import test, { afterEach } from "node:test";
import { PATIENCE, Race } from "../../viewer/avl_viewer/web/paths/race.js";
import { ROUND, WebSocketCarrier, socketUrl } from "../../viewer/avl_viewer/web/websocket.js";
import { decode, encode } from "../../viewer/avl_viewer/web/wire/frames.js";
import { CLOSE, MAX, TIMER } from "../../viewer/avl_viewer/web/wire/registry.js";

/** A WebSocket of memory: what a test gives to `arrive` arrives, what is written is in `frames`. */
class MemorySocket {
  static OPEN = 1;

  /** @param {string} url @param {string} subprotocol */
  constructor(url, subprotocol) {
    this.url = url;
    this.subprotocol = subprotocol;
    this.readyState = 0;
    this.closed = false;
    /** @type {any[]} */
    this.frames = [];
    MemorySocket.last = this;
  }

  /** @param {Uint8Array} message */
  send(message) {
    this.frames.push(decode(message));
  }

  close() {
    this.closed = true;
    this.readyState = 2;
  }

  open() {
    this.readyState = 1;
    /** @type {any} */ (this).onopen();
  }

  /** @param {any} message  a frame, or what is none */
  arrive(message) {
    const data = typeof message === "string" ? message : new Uint8Array(message.kind ? encode(message) : message).buffer;
    /** @type {any} */ (this).onmessage?.({ data });
  }

  /** @param {string} kind */
  of(kind) {
    return this.frames.filter((frame) => frame.kind === kind);
  }
}
/** @type {any} */
MemorySocket.last = null;
/** @type {any} */ (globalThis).WebSocket = MemorySocket;

/** What was begun in a test and still has timers. @type {{ close: (code: number, text: string) => void }[]} */
const begun = [];
afterEach(() => {
  for (const one of begun.splice(0)) one.close(0, "");
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A carrier that is ready, what it told, and its socket. */
function connected() {
  /** @type {any[]} */
  const told = [];
  /** @type {Map<number, () => void>} */
  const reading = new Map();
  let slow = false;
  const receiver = {
    carrierReady: () => told.push(["ready"]),
    streamReceived: async (/** @type {number} */ stream, /** @type {Uint8Array} */ data, /** @type {boolean} */ end) => {
      told.push(["bytes", stream, new TextDecoder().decode(data), end]);
      if (slow) await new Promise((resolve) => reading.set(stream, () => resolve(undefined)));
    },
    streamReset: (/** @type {number} */ stream, /** @type {number} */ code) => told.push(["reset", stream, code]),
    streamWritable: (/** @type {number} */ stream) => told.push(["writable", stream]),
    datagramReceived: (/** @type {Uint8Array} */ data) => told.push(["datagram", [...data]]),
    carrierLost: (/** @type {number} */ code) => told.push(["lost", code]),
  };
  const now = { at: 0 };
  const carrier = new WebSocketCarrier("ws://relay/avl/1", /** @type {any} */ (receiver), () => now.at);
  begun.push(carrier);
  const socket = /** @type {MemorySocket} */ (MemorySocket.last);
  socket.open();
  return { carrier, socket, told, now, reading, slowly: () => (slow = true) };
}

test("streams and datagrams go both ways", async () => {
  const { carrier, socket, told } = connected();
  assert.deepEqual([socket.url, socket.subprotocol], ["ws://relay/avl/1", "avl.1"]);
  const [one, two] = [carrier.openStream(), carrier.openStream()];
  assert.deepEqual([one, two], [0, 2]);
  carrier.sendStream(one, new Uint8Array(MAX.WEBSOCKET_DATA + 5), true);
  assert.deepEqual(socket.frames.map(({ stream, data, end }) => [stream, data.length, end]), [[0, MAX.WEBSOCKET_DATA, false], [0, 5, true]]);
  assert.equal(carrier.streamBacklog(one), 0);
  socket.arrive({ kind: "STREAM", stream: 0, data: new TextEncoder().encode("hello"), end: false });
  socket.arrive({ kind: "STREAM", stream: 0, data: new TextEncoder().encode("there"), end: true });
  socket.arrive({ kind: "DATAGRAM", data: Uint8Array.of(0, 1, 2) });
  await settled();
  assert.deepEqual(told, [["ready"], ["datagram", [0, 1, 2]], ["writable", 0], ["bytes", 0, "hello", false], ["bytes", 0, "there", true]]);
  socket.arrive({ kind: "RESET", stream: 2, code: CLOSE.FORBIDDEN });
  assert.deepEqual(told.at(-1), ["reset", 2, CLOSE.FORBIDDEN]);
  carrier.sendStream(two, Uint8Array.of(1));
  assert.equal(socket.of("STREAM").length, 2);
  carrier.close(CLOSE.ENDED, "enough");
  assert.deepEqual(socket.frames.at(-1), { kind: "CLOSE", code: CLOSE.ENDED, text: "enough" });
  assert.ok(socket.closed);
});

test("the next piece is handed on when the one before was read, and credit follows the reader", async () => {
  const { carrier, socket, told, reading, slowly } = connected();
  carrier.openStream();
  slowly();
  const quarter = new Uint8Array(MAX.WEBSOCKET_DATA);
  for (let sent = 0; sent < MAX.WEBSOCKET_CREDIT; sent += quarter.length) socket.arrive({ kind: "STREAM", stream: 0, data: quarter, end: false });
  await settled();
  assert.equal(told.filter(([what]) => what === "bytes").length, 1);
  assert.deepEqual(socket.of("CREDIT"), []);
  for (let read = 0; read < 4; read++) {
    reading.get(0)?.();
    await settled();
  }
  assert.deepEqual(socket.of("CREDIT").map(({ limit }) => limit), [MAX.WEBSOCKET_CREDIT + 4 * quarter.length]);
  assert.equal(told.filter(([what]) => what === "bytes").length, 5);
});

test("a stream waits for credit, and is writable when it has left", async () => {
  const { carrier, socket, told } = connected();
  const stream = carrier.openStream();
  carrier.sendStream(stream, new Uint8Array(MAX.WEBSOCKET_CREDIT + 10));
  assert.equal(carrier.streamBacklog(stream), 10);
  socket.arrive({ kind: "CREDIT", stream, limit: MAX.WEBSOCKET_CREDIT + 100 });
  assert.equal(carrier.streamBacklog(stream), 0);
  await settled();
  assert.deepEqual(told.at(-1), ["writable", stream]);
});

test("bulk leaves in rounds, and input between them", () => {
  const { carrier, socket } = connected();
  const [bulk, input] = [carrier.openStream(), carrier.openStream()];
  carrier.setStreamBulk(bulk);
  carrier.sendStream(bulk, new Uint8Array(2 * ROUND));
  assert.equal(carrier.streamBacklog(bulk), ROUND);
  carrier.sendStream(input, Uint8Array.of(7));
  assert.equal(socket.frames.at(-1).stream, input);
  const [ping] = socket.of("PING");
  socket.arrive({ kind: "PONG", token: ping.token });
  assert.equal(carrier.streamBacklog(bulk), 0);
  assert.equal(socket.of("PING").length, 2);
});

const VIOLATIONS = {
  "a text message": ["hello"],
  "an unknown kind": [[7]],
  "a stream that was never opened": [{ kind: "STREAM", stream: 4, data: new Uint8Array(1), end: false }],
  "credit for a stream that was never opened": [{ kind: "CREDIT", stream: 4, limit: 1 }],
  "bytes behind an end": [
    { kind: "STREAM", stream: 0, data: new Uint8Array(1), end: true },
    { kind: "STREAM", stream: 0, data: new Uint8Array(1), end: false },
  ],
  "more than the credit": new Array(MAX.WEBSOCKET_CREDIT / MAX.WEBSOCKET_DATA + 1).fill({
    kind: "STREAM", stream: 0, data: new Uint8Array(MAX.WEBSOCKET_DATA), end: false,
  }),
};

test("what breaks the protocol ends the carrier", () => {
  for (const [why, messages] of Object.entries(VIOLATIONS)) {
    const { carrier, socket, told, slowly } = connected();
    carrier.openStream();
    slowly();
    for (const message of messages) socket.arrive(message);
    assert.deepEqual(told.at(-1), ["lost", CLOSE.PROTOCOL_ERROR], why);
    assert.equal(socket.frames.at(-1).code, CLOSE.PROTOCOL_ERROR, why);
    assert.ok(socket.closed, why);
  }
});

test("a PING is answered, and the relay's end is told with its code", () => {
  const { socket, told } = connected();
  const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  socket.arrive({ kind: "PING", token });
  assert.deepEqual(socket.of("PONG"), [{ kind: "PONG", token }]);
  socket.arrive({ kind: "CLOSE", code: CLOSE.GOING_AWAY, text: "maintenance" });
  socket.arrive({ kind: "DATAGRAM", data: Uint8Array.of(0) });
  assert.deepEqual(told, [["ready"], ["lost", CLOSE.GOING_AWAY]]);
});

test("a connection that breaks is lost, and one that never came did not answer", () => {
  const { socket, told } = connected();
  /** @type {any} */ (socket).onclose();
  assert.deepEqual(told.at(-1), ["lost", CLOSE.SESSION_LOST]);
  /** @type {any[]} */
  const lost = [];
  new WebSocketCarrier("ws://relay/", /** @type {any} */ ({ carrierLost: (/** @type {number} */ code, /** @type {string} */ text) => lost.push(code, text) }), () => 0);
  /** @type {any} */ (MemorySocket.last).onclose();
  assert.deepEqual(lost, [CLOSE.TIMEOUT, "The relay did not answer."]);
});

test("a relay that is silent is asked, then given up", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { socket, told, now } = connected();
  for (let passed = 0; passed < TIMER.IDLE; passed += TIMER.KEEPALIVE) {
    now.at += TIMER.KEEPALIVE;
    context.mock.timers.tick(TIMER.KEEPALIVE);
  }
  assert.equal(socket.of("PING").length, TIMER.IDLE / TIMER.KEEPALIVE - 1);
  assert.deepEqual(told.at(-1), ["lost", CLOSE.TIMEOUT]);
});

test("the WebSocket is where the page came from", () => {
  assert.equal(socketUrl({ protocol: "http:", host: "localhost:8080" }, "/avl/1"), "ws://localhost:8080/avl/1");
  assert.equal(socketUrl({ protocol: "https:", host: "desk.test" }, "/avl/1"), "wss://desk.test/avl/1");
});

// -- the race

/** Paths that do nothing by themselves. @param {number} count */
function raced(count = 2) {
  /** @type {any[]} */
  const told = [];
  /** @type {any[]} */
  const begun = [];
  const paths = Array.from({ length: count }, () => (/** @type {any} */ receiver) => {
    const carrier = { receiver, closed: false, close: () => (carrier.closed = true), openStream: () => begun.indexOf(carrier) };
    begun.push(carrier);
    return /** @type {any} */ (carrier);
  });
  const receiver = /** @type {any} */ ({
    carrierReady: () => told.push("ready"),
    datagramReceived: () => told.push("datagram"),
    carrierLost: (/** @type {number} */ code) => told.push(code),
  });
  return { race: new Race(paths, receiver), begun, told };
}

test("the second way is not tried when the first is ready in time", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { race, begun, told } = raced();
  context.mock.timers.tick(PATIENCE - 1);
  begun[0].receiver.carrierReady(0);
  context.mock.timers.tick(PATIENCE);
  begun[0].receiver.datagramReceived(new Uint8Array(1), 0);
  assert.deepEqual([begun.length, told, race.openStream()], [1, ["ready", "datagram"], 0]);
  race.close(0, "");
  assert.ok(begun[0].closed);
});

test("whichever is ready first wins, and the loser is closed and heard no more", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { race, begun, told } = raced();
  context.mock.timers.tick(PATIENCE);
  assert.throws(() => race.openStream());
  begun[1].receiver.carrierReady(0);
  begun[0].receiver.carrierReady(0);
  assert.deepEqual([told, race.openStream(), begun[0].closed, begun[1].closed], [["ready"], 1, true, false]);
  begun[1].receiver.carrierLost(CLOSE.GOING_AWAY, "", 0);
  assert.deepEqual(told, ["ready", CLOSE.GOING_AWAY]);
});

test("a way that fails makes room for the next at once, and the last failure is told", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { begun, told } = raced();
  begun[0].receiver.carrierLost(CLOSE.TIMEOUT, "", 0);
  assert.equal(begun.length, 2);
  assert.deepEqual(told, []);
  begun[1].receiver.carrierLost(CLOSE.SESSION_LOST, "", 0);
  assert.deepEqual(told, [CLOSE.SESSION_LOST]);
});

test("attempts that nobody wants any more are given up", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { race, begun, told } = raced();
  race.close(0, "");
  context.mock.timers.tick(PATIENCE);
  begun[0].receiver.carrierReady(0);
  assert.deepEqual([begun.length, begun[0].closed, told], [1, true, []]);
});
