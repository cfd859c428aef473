/**
 * The page of test_feedback.py: the client's own connection to an endpoint, until that closes it; then what was passed
 * on is reported.
 */

import { WebTransportCarrier } from "../../viewer/avl_viewer/web/transport.js";
import { bytes } from "../web/vectors/notation.js";

const { url, hash } = await (await fetch("/where", { method: "POST", body: "?" })).json();
/** @type {Record<number, number>} */
const passed = {};
const over = new Promise((done) => {
  const receiver = {
    carrierReady: () => undefined,
    datagramReceived: (/** @type {Uint8Array} */ data) => void (passed[data[2]] = (passed[data[2]] ?? 0) + 1),
    carrierLost: (/** @type {number} */ code) => done(code),
  };
  new WebTransportCarrier(url, [bytes(hash)], /** @type {any} */ (receiver), () => performance.now());
});
await fetch("/report", { method: "POST", body: JSON.stringify({ code: await over, passed }) });
