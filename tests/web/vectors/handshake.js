/**
 * Whole handshakes against the vectors: told the same, the viewer answers the same and stops at the same place.
 *
 * They need ML-KEM-768, which browsers have and Node 20 has not: there the vectors' own key pair stands for it.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { ViewerHandshake, supported } from "../../../viewer/avl_viewer/web/crypto/handshake.js";
import { Identity } from "../../../viewer/avl_viewer/web/crypto/identity.js";
import { kemDecapsulate, kemEncapsulate, kemPair } from "../../../viewer/avl_viewer/web/crypto/webcrypto.js";
import { GrantRefused, Refused } from "../../../viewer/avl_viewer/web/wire/errors.js";
import { fromBigEndian } from "../../../viewer/avl_viewer/web/wire/bytes.js";
import { bytes, codeName, hex, holds, same } from "./notation.js";

/** Every handshake's story. @param {any} vectors @returns {Check[]} */
export function stories(vectors) {
  return vectors.stories.map((/** @type {any} */ story) => [story.about, () => live(vectors, story)]);
}

/** @param {any} vectors @param {any} kem @returns {Check[]} */
export function handshakes(vectors, kem) {
  const checks = stories(vectors);
  checks.push(
    ["ML-KEM-768", async () => {
      const { key, public: encapsulation } = await kemPair(bytes(kem.seed));
      same(hex(encapsulation), kem.public);
      same(hex(await kemDecapsulate(key, bytes(kem.ciphertext))), kem.secret);
      const made = await kemEncapsulate(encapsulation);
      same(await kemDecapsulate(key, /** @type {any} */ (made).ciphertext), made?.secret);
      same(await kemEncapsulate(new Uint8Array(1184).fill(255)), null);
    }],
    ["this browser is supported", async () => same(await supported(), { ok: true, sentence: "" })],
  );
  return checks;
}

/** @param {any} vectors @param {any} story */
async function live(vectors, story) {
  const draws = story.entropy.map(bytes);
  const { code, name, permissions, versions, wall, ticket, chain } = story.viewer;
  const viewer = new ViewerHandshake(
    await Identity.fromSeed(bytes(vectors.viewer_seed)),
    fromBigEndian(bytes(vectors.device)),
    bytes(vectors.session),
    code, name, permissions, versions, wall,
    (size) => {
      const drawn = draws.shift();
      same(drawn.length, size, "entropy");
      return drawn;
    },
    bytes(ticket),
    chain,
  );
  for (const { do: act, body, waiting, admitted, ...expected } of story.steps) {
    same(await answer(() => (act === "start" ? viewer.start().then((first) => [first]) : viewer.receive(bytes(body)))), expected, story.about);
    if (waiting !== undefined) same([viewer.waiting, viewer.admitted], [waiting, admitted]);
  }
  same(viewer.done, Boolean(story.keys));
  if (!story.keys) return;
  const { which, resumed, version, host_identity: host, handshake_hash: hash, master, ...labels } = story.keys;
  same([viewer.which, viewer.resumed, viewer.version, hex(viewer.hostIdentity)], [which, resumed, version, host]);
  same([hex(viewer.keys.handshakeHash), hex(viewer.keys.master)], [hash, master]);
  for (const [label, key] of Object.entries(labels)) same(hex(await viewer.keys.label(label)), key, label);
  holds(draws.length === 0, "all entropy was drawn");
}

/** @param {() => Promise<Uint8Array[]>} call */
async function answer(call) {
  try {
    return { send: (await call()).map(hex) };
  } catch (error) {
    if (error instanceof GrantRefused) return { refused: codeName(error), why: error.why };
    return error instanceof Refused ? { refused: codeName(error) } : { error: codeName(error) };
  }
}
