/**
 * Channels against the vectors: both ends do what the scripts say and must answer the same bytes.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { openChannel, readResumeHeader } from "../../../viewer/avl_viewer/web/crypto/channel.js";
import { SessionKeys } from "../../../viewer/avl_viewer/web/crypto/schedule.js";
import { bytes, codeName, hex, same } from "./notation.js";

/** @typedef {import("../../../viewer/avl_viewer/web/crypto/channel.js").SecureChannel} SecureChannel */

/** @param {any} vectors @returns {Check[]} */
export function channels(vectors) {
  const keys = new SessionKeys(bytes(vectors.master), bytes(vectors.handshake_hash));
  /** @type {Check[]} */
  const checks = vectors.scripts.map((/** @type {any} */ script) => [
    script.about,
    async () => {
      /** @type {Record<string, SecureChannel>} */
      const ends = {};
      for (const side of ["viewer", "host"]) ends[side] = await openChannel(keys, script.channel, side === "viewer", bytes(vectors.session));
      for (const [index, step] of script.steps.entries()) {
        const { out, error, retained } = step;
        same(await answer(ends[step.end], step), error ? { error } : { out }, `step ${index}: ${step.do}`);
        same(ends[step.end].retained, retained, `step ${index}: retained`);
      }
    },
  ]);
  checks.push(["keys have labels", async () => {
    for (const [label, key] of Object.entries(vectors.keys)) same(hex(await keys.label(label)), key, label);
  }]);
  return checks;
}

/** @param {SecureChannel} end @param {any} step */
async function answer(end, step) {
  try {
    const out = await done(end, step);
    return { out: Array.isArray(out) ? out.map(hex) : hex(out) };
  } catch (error) {
    return { error: codeName(error) };
  }
}

/** @param {SecureChannel} end @param {any} step @returns {Promise<Uint8Array | Uint8Array[]>} */
async function done(end, step) {
  switch (step.do) {
    case "send": return end.send(bytes(step.data));
    case "receive": return end.receive(bytes(step.data));
    case "take_output": return end.takeOutput();
    case "finish": return end.finish();
    case "resume_header": return end.resumeHeader(step.epoch, bytes(step.binding));
    case "resume": {
      const found = readResumeHeader(bytes(step.header));
      if (!found) throw new Error("the header is not whole");
      return end.resume(found.header, bytes(step.binding));
    }
    case "suspend":
      end.suspend();
      return new Uint8Array(0);
    default: throw new Error(`unknown step ${step.do}`);
  }
}
