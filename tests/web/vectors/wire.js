/**
 * The wire's alphabet and messages against the vectors.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import * as datagram from "../../../viewer/avl_viewer/web/wire/datagram.js";
import * as deviceId from "../../../viewer/avl_viewer/web/wire/device_id.js";
import * as clipfiles from "../../../viewer/avl_viewer/web/wire/clipfiles.js";
import * as clipformats from "../../../viewer/avl_viewer/web/wire/clipformats.js";
import * as cliptext from "../../../viewer/avl_viewer/web/wire/cliptext.js";
import { bigEndian, fromBigEndian } from "../../../viewer/avl_viewer/web/wire/bytes.js";
import * as frames from "../../../viewer/avl_viewer/web/wire/frames.js";
import * as messages from "../../../viewer/avl_viewer/web/wire/messages.js";
import * as packing from "../../../viewer/avl_viewer/web/wire/packing.js";
import * as registry from "../../../viewer/avl_viewer/web/wire/registry.js";
import * as target from "../../../viewer/avl_viewer/web/wire/target.js";
import * as typable from "../../../viewer/avl_viewer/web/wire/typable.js";
import * as varint from "../../../viewer/avl_viewer/web/wire/varint.js";
import { bytes, errorOf, hex, holds, same, untagged } from "./notation.js";

/** @param {any} vectors @returns {Check[]} */
export function varints(vectors) {
  return [
    ["integers are written and read", () => {
      for (const { value, encoded } of vectors.valid) {
        same(hex(varint.encode(value)), encoded);
        same(varint.decode(bytes(encoded)), [value, encoded.length / 2]);
        same(varint.size(value), encoded.length / 2);
      }
      for (const { value, encoded } of vectors.longer_than_needed) same(varint.decode(bytes(encoded)), [value, encoded.length / 2]);
    }],
    ["integers that are cut read as nothing yet", () => {
      for (const encoded of vectors.cut) same(varint.decode(bytes(encoded)), null);
    }],
    ["integers beyond 53 bits are refused", async () => {
      for (const { encoded } of vectors.wide) same(await errorOf(() => varint.decode(bytes(encoded))), "PROTOCOL_ERROR", encoded);
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function typables(vectors) {
  return [
    ["what can't be typed is found", () => {
      for (const { points, untypable } of vectors.texts) {
        const found = typable.untypable(String.fromCodePoint(...points));
        same(found, untypable === null ? null : { at: untypable, point: points[untypable] }, points.join());
      }
    }],
    ["and named", () => {
      same(typable.untypableSentence({ at: 2, point: 0x1b }), "Character 3 can't be typed: U+001B. Nothing was typed.");
      same(typable.typedLines("a\r\nb\rc\nd"), "a\nb\nc\nd");
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function packings(vectors) {
  return [
    ["values are packed", () => {
      for (const { value, encoded } of vectors.valid) same(hex(packing.pack(untagged(value))), encoded, encoded);
    }],
    ["values are unpacked", () => {
      for (const { value, encoded } of vectors.valid) same(packing.unpack(bytes(encoded)), untagged(value), encoded);
    }],
    ["whatever is not the one encoding is refused", async () => {
      for (const { why, encoded, error } of vectors.invalid) same(await errorOf(() => packing.unpack(bytes(encoded))), error, why);
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function clipformatsOf(vectors) {
  return [
    ["names of formats are those that travel", () => {
      for (const { name, format, kind } of vectors.names) {
        const found = clipformats.formatOf(name);
        same([found, clipformats.kindOf(found)], [format, kind], name);
      }
    }],
    ["rows that name no format are left out of an offer", () => {
      for (const { rows, offered } of vectors.offers) same(clipformats.offered(rows).map(({ name, size }) => [name, size]), offered);
    }],
    ["lists of files are paths that can be meant", () => {
      for (const { data, listed } of vectors.files) same(clipfiles.listed(bytes(data)), listed);
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function cliptexts(vectors) {
  return [
    ["what a clipboard holds is a text or the reason why not", () => {
      for (const { units, times, state, begins, length } of vectors.contents) {
        const content = cliptext.contentOf(String.fromCharCode(...units).repeat(times));
        same([content.state, content.text.slice(0, begins.length), [...content.text].length], [state, begins, length]);
      }
    }],
    ["a state that is not known is no text", () => {
      for (const { state, text, means } of vectors.told) same(Object.values(cliptext.told(state, text)), means);
    }],
  ];
}

/** @type {Record<string, [messages.Table, number]>} */
const TABLES = {
  HOP: [registry.HOP_MESSAGES, registry.CLOSE.PROTOCOL_ERROR],
  CONTROL: [registry.CONTROL_MESSAGES, registry.CLOSE.SESSION_PROTOCOL],
  INPUT: [registry.INPUT_MESSAGES, registry.CLOSE.SESSION_PROTOCOL],
  BULK: [registry.BULK_MESSAGES, registry.CLOSE.SESSION_PROTOCOL],
  FILE: [registry.FILE_MESSAGES, registry.CLOSE.SESSION_PROTOCOL],
  SOUND: [registry.SOUND_MESSAGES, registry.CLOSE.SESSION_PROTOCOL],
  HANDSHAKE: [registry.HANDSHAKE_MESSAGES, registry.CLOSE.SESSION_PROTOCOL],
};

/** @param {any} vectors @returns {Check[]} */
export function allMessages(vectors) {
  return Object.entries(vectors).map(([name, { valid, read, invalid, unknown }]) => [
    `${name} messages`,
    async () => {
      const [table, code] = TABLES[name];
      for (const { kind, fields, encoded } of [...valid, ...read]) {
        const message = messages.decode(table, bytes(encoded), code);
        same(message.kind, kind);
        for (const [field, value] of Object.entries(fields)) same(message[field], untagged(value), `${kind}.${field}`);
      }
      for (const { kind, fields, encoded } of valid) {
        const plain = Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, untagged(value)]));
        same(hex(messages.encode(table, kind, plain)), encoded, kind);
      }
      for (const { why, encoded, error } of invalid) {
        same(await errorOf(() => messages.decode(table, bytes(encoded), code)), error, why);
      }
      for (const encoded of unknown) same(messages.decode(table, bytes(encoded), code), null);
    },
  ]);
}

/** @param {any} vectors @returns {Check[]} */
export function datagrams(vectors) {
  return [
    ["datagrams are written and read", () => {
      for (const { encoded, payload, ...header } of vectors.valid) {
        const { payload: read, ...fields } = datagram.decode(bytes(encoded));
        same(fields, header);
        same(hex(read), payload);
        same(hex(datagram.encode(header, bytes(payload))), encoded);
      }
    }],
    ["malformed datagrams are refused", async () => {
      for (const { why, encoded, error } of vectors.invalid) same(await errorOf(() => datagram.decode(bytes(encoded))), error, why);
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function carriers(vectors) {
  /** @param {Record<string, any>} fields @param {(value: any) => unknown} read */
  const each = (fields, read) =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, name === "data" || name === "token" ? read(value) : value]));
  return [
    ["frames are written and read", () => {
      for (const { encoded, ...fields } of vectors.valid) {
        same(each(frames.decode(bytes(encoded)), hex), fields, encoded);
        same(hex(frames.encode(/** @type {any} */ (each(fields, bytes)))), encoded);
      }
    }],
    ["messages that are no frames are refused", async () => {
      for (const { why, encoded, error } of vectors.invalid) same(await errorOf(() => frames.decode(bytes(encoded))), error, why);
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function deviceIds(vectors) {
  /** @param {string} text */
  const number = (text) => fromBigEndian(bytes(text));
  return [
    ["device IDs are shown and read", () => {
      for (const one of vectors.valid) {
        same(deviceId.toText(number(one.number)), one.text);
        same(hex(bigEndian(deviceId.fromText(one.text), deviceId.NUMBER_BYTES)), one.number);
      }
      for (const { typed, number: expected } of vectors.typed) same(deviceId.fromText(typed), number(expected), typed);
    }],
    ["mistyped device IDs are refused", () => {
      for (const text of vectors.invalid) holds(throws(() => deviceId.fromText(text)), text);
    }],
    ["codes are compared and shown alike", () => {
      for (const { typed, normalised } of vectors.codes) same(deviceId.normaliseCode(typed), normalised, typed);
      for (const { code, shown } of vectors.shown) same(deviceId.showCode(code), shown);
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function targets(vectors) {
  /** @param {Uint8Array | null} pin */
  const pinHex = (pin) => pin && hex(pin);
  return [
    ["targets are read and shown", () => {
      for (const one of vectors.valid) {
        const { relay, device } = target.parseTarget(one.text);
        same([relay.host, relay.port, pinHex(relay.pin)], [one.host, one.port, one.pin], one.text);
        same(hex(bigEndian(device, 17)), one.device);
        same(target.showTarget({ relay, device }), one.shown);
      }
    }],
    ["what is no target is refused", () => {
      for (const text of vectors.invalid) holds(throws(() => target.parseTarget(text)), text);
    }],
    ["relay addresses are read", () => {
      for (const one of vectors.relays) {
        const relay = target.parseRelay(one.text);
        same([relay.host, relay.port, pinHex(relay.pin)], [one.host, one.port, one.pin], one.text);
      }
    }],
  ];
}

/** @param {() => unknown} call */
function throws(call) {
  try {
    call();
  } catch (error) {
    return error instanceof Error && error.message.length > 10;
  }
  return false;
}
