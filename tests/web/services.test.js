/** Services: which one a message goes to, and what all of them are told of sessions. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DevicesService } from "../../viewer/avl_viewer/web/services/devices.js";
import { InputService } from "../../viewer/avl_viewer/web/services/input.js";
import { Services } from "../../viewer/avl_viewer/web/session/services.js";
import { CHANNEL, INPUT, INPUT_DEVICE } from "../../viewer/avl_viewer/web/wire/registry.js";

const SESSION = /** @type {any} */ ({});

test("a message goes to its service, and what no service receives is ignored", () => {
  const services = new Services();
  /** @type {any[]} */
  const seen = [];
  services.register({}, CHANNEL.CONTROL, { CURSOR: (message, session, now) => seen.push([message, session, now]) });
  services.register({}, CHANNEL.BULK, { CLIPBOARD: () => seen.push("clipboard") });
  const shape = { kind: "CURSOR", serial: 1 };
  for (const message of [shape, { kind: "TICKET" }, { kind: "CLIPBOARD" }]) services.receive(SESSION, message, 5);
  assert.deepEqual(seen, [[shape, SESSION, 5], "clipboard"]);
});

test("a message has one service and one channel", () => {
  const services = new Services();
  services.register({}, CHANNEL.CONTROL, { CURSOR() {} });
  assert.throws(() => services.register({}, CHANNEL.CONTROL, { CURSOR() {} }), /CURSOR has two services/);
  assert.throws(() => services.register({}, CHANNEL.CONTROL, { CLIPBOARD() {} }), /CLIPBOARD does not travel on channel 0/);
});

test("all are told of sessions in order, and the earliest timer counts", () => {
  const services = new Services();
  /** @type {string[]} */
  const seen = [];
  const recorder = (/** @type {string} */ name, /** @type {number | null} */ at) => ({
    admitted: () => seen.push(`${name} admitted`),
    moved: () => seen.push(`${name} moved`),
    ended: () => seen.push(`${name} ended`),
    nextTimeout: () => at,
    handleTimer: (/** @type {number} */ now) => seen.push(`${name} at ${now}`),
  });
  for (const service of [recorder("one", 7), {}, recorder("two", 5)]) services.register(service, CHANNEL.CONTROL);
  assert.equal(services.nextTimeout(), 5);
  services.admitted(SESSION, 1);
  services.moved(SESSION, 2);
  services.handleTimer(6);
  services.ended(SESSION, 7);
  assert.deepEqual(seen, ["one admitted", "two admitted", "one moved", "two moved", "one at 6", "two at 6", "one ended", "two ended"]);
  assert.equal(new Services().nextTimeout(), null);
});

test("what the host's system does not take is not sent, and told", () => {
  /** @type {any[]} */
  const sent = [];
  /** @type {any[]} */
  const told = [];
  const tell = (/** @type {any} */ message) => void told.push(message);
  const devices = new DevicesService(tell);
  const input = new InputService({
    tell, devices: () => devices.devices, sent() {}, statistics: () => /** @type {any} */ ({ inputSent() {} }),
  });
  input.admitted(/** @type {any} */ ({ sendInput: (/** @type {any} */ events) => sent.push(events) }));
  devices.admitted();
  const [by, touch, pen] = [[INPUT.MOVE_BY, 1, 2], [INPUT.TOUCH, 1, 0, 5, 5], [INPUT.PEN, 1, 1, 1, 0, 0, 3]];
  input.send([by, [INPUT.MOVE, 3, 4]], 0);
  input.send([pen], 0);
  devices.told({ devices: INPUT_DEVICE.RELATIVE | INPUT_DEVICE.TOUCH });
  input.send([by, touch], 0);
  assert.deepEqual(sent, [[[INPUT.MOVE, 3, 4]], [by, touch]]);
  assert.deepEqual(told.map(({ say, devices: bits, dropped }) => [say, bits ?? dropped[0].events]), [
    ["devices", 0], ["dropped", [by]], ["dropped", [pen]], ["devices", 3],
  ]);
});
