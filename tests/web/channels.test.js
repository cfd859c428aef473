/** Channels: the registry's rows decide which permissions open one, how it travels, and which messages are its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { channelOf, channelsOf, decode, encode, isBulk } from "../../viewer/avl_viewer/web/wire/channels.js";
import { CHANNEL, CLOSE, PERMISSION } from "../../viewer/avl_viewer/web/wire/registry.js";

const { VIEW, POINTER, KEYBOARD, CLIPBOARD_IN, CLIPBOARD_OUT } = PERMISSION;

test("permissions open channels", () => {
  for (const [permissions, channels] of /** @type {[number, number[]][]} */ ([
    [0, [0]], [VIEW, [0]], [POINTER, [0, 1]], [VIEW | KEYBOARD, [0, 1]], [CLIPBOARD_OUT, [0, 2]], [CLIPBOARD_IN, [0, 2]],
    [VIEW | POINTER | CLIPBOARD_IN, [0, 1, 2]],
  ])) {
    assert.deepEqual(channelsOf(permissions), channels);
  }
});

test("a channel nobody knows is bulk", () => {
  assert.deepEqual([0, 1, 2, 3, 77, 78].map(isBulk), [false, false, true, false, true, true]);
});

test("each message has one channel, and is read there alone", () => {
  assert.deepEqual(["CURSOR", "BATCH", "CLIPBOARD"].map(channelOf), [0, 1, 2]);
  assert.throws(() => channelOf("PING"), { name: "LocalProtocolError" });
  const bytes = encode("CLIPBOARD", { serial: 3, text: "text" });
  assert.deepEqual(decode(CHANNEL.BULK, bytes), { kind: "CLIPBOARD", serial: 3, text: "text", state: 0 });
  assert.throws(() => decode(CHANNEL.CONTROL, bytes), { name: "RemoteProtocolError", code: CLOSE.SESSION_PROTOCOL });
});
