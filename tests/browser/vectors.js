/**
 * The page of test_vectors.py: every vector in this browser, then live handshakes with the Python host behind the
 * server.
 */

import { openChannel } from "../../viewer/avl_viewer/web/crypto/channel.js";
import { ViewerHandshake } from "../../viewer/avl_viewer/web/crypto/handshake.js";
import { Identity } from "../../viewer/avl_viewer/web/crypto/identity.js";
import { ObjectOpener } from "../../viewer/avl_viewer/web/crypto/sframe.js";
import { Refused } from "../../viewer/avl_viewer/web/wire/errors.js";
import { SESSION_VERSIONS } from "../../viewer/avl_viewer/web/wire/registry.js";
import { concat, fromBigEndian, utf8 } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { browsersOnly, everywhere } from "../web/vectors/all.js";
import { bytes, codeName } from "../web/vectors/notation.js";

/** @param {string} name */
const read = async (name) => (await fetch(`/spec/vectors/${name}.json`)).json();

/** @param {string} path @param {Uint8Array} body @returns {Promise<Uint8Array>} */
async function ask(path, body) {
  const answer = await fetch(path, { method: "POST", body: /** @type {BufferSource} */ (body) });
  return new Uint8Array(await answer.arrayBuffer());
}

/** @returns {Promise<Record<string, string>>} */
async function vectors() {
  /** @type {Record<string, string>} */
  const results = {};
  for (const [subject, checks] of Object.entries({ ...(await everywhere(read)), ...(await browsersOnly(read)) })) {
    for (const [name, check] of checks) {
      try {
        await check();
        results[`${subject}: ${name}`] = "ok";
      } catch (error) {
        results[`${subject}: ${name}`] = String(error);
      }
    }
  }
  return results;
}

/** One handshake with real randomness on both sides; the host answers each body with one. @param {string} code */
async function live(code) {
  const greeting = JSON.parse(new TextDecoder().decode(await ask("/live/new", new Uint8Array(0))));
  const session = bytes(greeting.session);
  const wall = Math.floor(Date.now() / 1000);
  const viewer = new ViewerHandshake(await Identity.generate(), fromBigEndian(bytes(greeting.device)), session, code, "Chromium", 31, SESSION_VERSIONS, wall);
  try {
    let outgoing = [await viewer.start()];
    while (!viewer.admitted) outgoing = await viewer.receive(await ask("/live/body", outgoing[0] ?? new Uint8Array(0)));
  } catch (error) {
    return error instanceof Refused ? codeName(error) : String(error);
  }
  const channel = await openChannel(viewer.keys, 0, true, session);
  const parts = await channel.receive(await ask("/live/records", await channel.send(utf8("from the browser"))));
  return new TextDecoder().decode(concat(...parts));
}

/** Microseconds that opening one object of 20 kB takes, many in a row. */
async function objectCost() {
  const { media, signer, base, sealed } = JSON.parse(new TextDecoder().decode(await ask("/objects", new Uint8Array(0))));
  const opener = new ObjectOpener(bytes(media), bytes(signer));
  opener.addKey(1, 0, bytes(base));
  const objects = sealed.map(bytes);
  await opener.open(1, 0, 0, objects[0]);
  const start = performance.now();
  for (let number = 1; number < objects.length; number++) await opener.open(1, number, 0, objects[number]);
  return ((performance.now() - start) * 1000) / (objects.length - 1);
}

/** @param {() => Promise<any>} part */
const safely = (part) => part().catch((/** @type {unknown} */ error) => String(error));

const report = {
  vectors: await safely(vectors),
  right: await safely(() => live("7k3p 9qx2")),
  view: await safely(() => live("VIEW-CODE")),
  wrong: await safely(() => live("WRONG-CODE")),
  objectCost: await safely(objectCost),
};
await fetch("/report", { method: "POST", body: JSON.stringify(report) });
