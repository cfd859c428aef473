/**
 * The page of browsers.py: one viewer, with the client's own connection, hop and reassembler, that neither opens nor
 * decodes what comes. It posts when each object was whole, in milliseconds since 1970.
 */

import { Reassembler } from "../../../viewer/avl_viewer/web/media/reassembler.js";
import { HopClient } from "../../../viewer/avl_viewer/web/session/hop/client.js";
import { WebTransportCarrier } from "../../../viewer/avl_viewer/web/transport.js";
import { decode } from "../../../viewer/avl_viewer/web/wire/datagram.js";
import { DATAGRAM } from "../../../viewer/avl_viewer/web/wire/registry.js";
import { bytes } from "../../../tests/web/vectors/notation.js";

/** Milliseconds between two posts, two reports to the host, and two looks for objects that were given up. */
const POST = 250;
const REPORT = 250;
const LOOK = 300;
const clock = () => performance.now();

const { place, url, hash, pin, device, report } = await (await fetch("/where", { method: "POST", body: "?" })).json();
const objects = new Reassembler();
/** @type {[number, number][]} */
let whole = [];
let datagrams = 0;

const hop = new HopClient(
  { software: "bench", pin: bytes(pin), hashes: [bytes(hash)] },
  {
    hopUp: () => hop.send("ATTACH", { device: bytes(device), session: crypto.getRandomValues(new Uint8Array(16)), moves: 0 }),
    hopMessage: (/** @type {any} */ message) => message.kind === "ATTACHED" && attached(message.handle),
    hopAnswered: () => undefined,
    channelReceived: async () => undefined,
    channelReset: () => undefined,
    channelWritable: () => undefined,
    mediaReceived: (/** @type {Uint8Array} */ data, /** @type {number} */ now) => {
      datagrams++;
      const header = decode(data);
      if (header.type > DATAGRAM.REPAIR) return;
      if (objects.add(header, header.payload, now)) whole.push([header.object, performance.timeOrigin + now]);
    },
    hopLost: (/** @type {Error} */ reason) => void fetch("/lost", { method: "POST", body: `${place}: ${reason.message}` }),
  },
);
hop.attachCarrier(new WebTransportCarrier(url, [bytes(hash)], hop, clock), clock());

/** Watch. @param {number} handle */
function attached(handle) {
  const stream = hop.openChannel(handle, 0);
  setInterval(() => hop.carrier.sendStream(stream, new Uint8Array(report)), REPORT);
  setInterval(() => {
    const [late] = objects.incomplete(clock());
    if (late !== undefined) hop.send("RECOVER", { handle, track: 1, object: late });
  }, LOOK);
  setInterval(() => {
    void fetch("/came", { method: "POST", body: JSON.stringify({ place, datagrams, whole }) });
    whole = [];
  }, POST);
}
