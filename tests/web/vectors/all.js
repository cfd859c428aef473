/**
 * Every check of every vector file, by subject.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { audits } from "./audit.js";
import { bounds } from "./bounds.js";
import { channels } from "./channel.js";
import { agreements, identities, objects, records } from "./crypto.js";
import { exacts } from "./exact.js";
import { jitters, sounds } from "./sound.js";
import { files } from "./files.js";
import { feedbacks } from "./feedback.js";
import { handshakes } from "./handshake.js";
import { gestures, ledgers, outboxes, senders } from "./input.js";
import { parities } from "./parity.js";
import { lastPictures, rights } from "./rights.js";
import { plans, selectors, silences } from "./selector.js";
import { tracks } from "./track.js";
import { allMessages, carriers, clipformatsOf, cliptexts, datagrams, deviceIds, packings, targets, typables, varints } from "./wire.js";

/** Subjects that need nothing but what Node has. @param {(name: string) => Promise<any>} read @returns
 * {Promise<Record<string, Check[]>>} */
export async function everywhere(read) {
  return {
    audit: audits(await read("audit")),
    varint: varints(await read("varint")),
    packing: packings(await read("packing")),
    messages: allMessages(await read("messages")),
    datagram: datagrams(await read("datagram")),
    carrier: carriers(await read("carrier")),
    parity: parities(await read("parity")),
    bounds: bounds(await read("bounds")),
    track: tracks(await read("track")),
    exact: exacts(await read("exact")),
    sound: sounds(await read("sound")),
    jitter: jitters(await read("jitter")),
    feedback: feedbacks(await read("feedback")),
    device_id: deviceIds(await read("device_id")),
    target: targets(await read("target")),
    clipformats: clipformatsOf(await read("clipformats")),
    cliptext: cliptexts(await read("cliptext")),
    typable: typables(await read("typable")),
    identity: identities(await read("identity"), await read("device_id")),
    cpace: agreements(await read("cpace")),
    record: records(await read("record")),
    sframe: objects(await read("sframe")),
    channel: channels(await read("channel")),
    selector: selectors(await read("selector")),
    silence: silences(await read("silence")),
    plan: plans(await read("plan")),
    gestures: gestures(await read("gestures")),
    outbox: outboxes(await read("outbox")),
    inputledger: ledgers(await read("inputledger")),
    inputsender: senders(await read("inputsender")),
    rights: rights(await read("rights")),
    lastpicture: lastPictures(await read("lastpicture")),
    files: files(await read("files")),
  };
}

/** Subjects that need ML-KEM as well. @param {(name: string) => Promise<any>} read @returns {Promise<Record<string,
 * Check[]>>} */
export async function browsersOnly(read) {
  return { handshake: handshakes(await read("handshake"), await read("kem")) };
}
