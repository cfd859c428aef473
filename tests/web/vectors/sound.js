/**
 * Sound against the vectors: what objects say, which are dropped, and stories of the jitter buffer.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { JitterBuffer } from "../../../viewer/avl_viewer/web/media/jitter.js";
import { decode } from "../../../viewer/avl_viewer/web/media/sound.js";
import { RemoteProtocolError } from "../../../viewer/avl_viewer/web/wire/errors.js";
import { bytes, hex, same } from "./notation.js";
import { replayed } from "./trace.js";

/** @param {any} cases @returns {Check[]} */
export function sounds({ valid, invalid }) {
  return [
    ...valid.map((/** @type {any} */ { why, plaintext, ...told }) => [
      why,
      () => {
        const { capturedUs, position, packets, silence } = decode(bytes(plaintext));
        same({ captured_us: capturedUs, position, packets: packets.map(hex), silence }, told);
      },
    ]),
    ...invalid.map((/** @type {any} */ { why, plaintext }) => [
      why,
      () => {
        let dropped = false;
        try {
          decode(bytes(plaintext));
        } catch (error) {
          dropped = error instanceof RemoteProtocolError;
        }
        same(dropped, true);
      },
    ]),
  ];
}

/** @param {any} traces @returns {Check[]} */
export function jitters(traces) {
  return replayed(traces, () => {
    const buffer = new JitterBuffer();
    return (at, name, { position, packets, silence, captured, delay, heard_at: heardAt }) => {
      if (name === "film") buffer.film(delay, at);
      if (name === "put") {
        const each = Array.from({ length: packets }, (_, n) => Uint8Array.of(position - packets + 1 + n));
        buffer.put({ position, packets: each, silence }, captured, at);
      }
      if (name !== "step") return { out: null };
      const step = buffer.step(heardAt, at);
      const { received, played, concealed, late } = buffer.heard;
      return {
        out: {
          play: step.play,
          packet: hex(step.packet),
          after: hex(step.after),
          speed: Math.round(step.speed * 1e7) / 1e7,
          target: Math.round(buffer.target(at) * 1000) / 1000,
          heard: [received, played, concealed, late],
        },
      };
    };
  });
}
