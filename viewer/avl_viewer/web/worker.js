/**
 * The worker: everything between the network and the canvas, away from the page's own work.
 *
 * From the page: canvas (the first, then one for each further desktop), connect, input, paste, offer, fetch, point, draw, wipe,
 * control, visible, aim, fit, monitor, window (the canvas of a monitor's own), halve, beside, measure, network, leave, files
 * (a port to the worker that has them), speaker, listen, voice (`do`). To the page: state, granted, ticket, layout, watched,
 * shown, cursor, clipboard, copied, fetched, clipboard-refused, exact, statistics, dropped, company, mark, rights, remark,
 * sound, voice, alarm, failed (`say`).
 */

import { Witness } from "./audit/witness.js";
import { Identity } from "./crypto/identity.js";
import { fetchDirections } from "./directions.js";
import { loadIdentity } from "./identity_store.js";
import { decodable } from "./decode/support.js";
import { Decompressor } from "./decode/zstd.js";
import { Screens } from "./present/screens.js";
import { BrowserShelf } from "./heads_store.js";
import { Race } from "./paths/race.js";
import { Client } from "./session/client.js";
import { WebTransportCarrier } from "./transport.js";
import { WebSocketCarrier, socketUrl } from "./websocket.js";
import { PATH } from "./wire/registry.js";

/** @typedef {import("./carrier/carrier.js").CarrierReceiver} CarrierReceiver */

/** The part of a worker's scope that is used here: type definitions have either the page's or the worker's.
 * @typedef {object} Scope
 * @property {(message: Record<string, any>) => void} postMessage
 * @property {((event: MessageEvent) => void) | null} onmessage
 * @property {(kind: "unhandledrejection", listener: (event: PromiseRejectionEvent) => void) => void} addEventListener
 */
const page = /** @type {Scope} */ (/** @type {unknown} */ (self));
const clock = () => performance.now();

/** @type {Promise<Client> | undefined} */
let starting;
/** @type {Client | null} */
let client = null;
const screens = new Screens((objects, at) => {
  client?.presented(objects, at);
  arm();
}, clock, undefined, (desktop) => client?.features.monitors.nameOf(desktop) ?? "");
/** @type {ReturnType<typeof setTimeout> | undefined} */
let alarm;
let alarmAt = Infinity;
let arming = false;

/** Have the client's timers handled when they are due; called after everything that may have changed them. */
function arm() {
  if (arming) return;
  arming = true;
  queueMicrotask(() => {
    arming = false;
    const next = client?.nextTimeout() ?? Infinity;
    if (next === alarmAt) return;
    clearTimeout(alarm);
    alarmAt = next;
    if (next !== Infinity) alarm = setTimeout(ring, Math.max(0, next - clock()));
  });
}

function ring() {
  alarmAt = Infinity;
  client?.handleTimer(clock());
  arm();
}

/** The same receiver, with the timers seen to afterwards. @param {CarrierReceiver} receiver @returns {CarrierReceiver}
 * */
function watched(receiver) {
  return {
    carrierReady: (now) => (receiver.carrierReady(now), arm()),
    streamReceived: (stream, data, end, now) => receiver.streamReceived(stream, data, end, now).finally(arm),
    streamReset: (stream, code, now) => (receiver.streamReset(stream, code, now), arm()),
    streamWritable: (stream, now) => (receiver.streamWritable(stream, now), arm()),
    datagramReceived: (data, now) => (receiver.datagramReceived(data, now), arm()),
    carrierLost: (code, text, now) => (receiver.carrierLost(code, text, now), arm()),
  };
}

/** WebTransport where there is UDP, else, if that will do, a WebSocket to where the page came from.
 * @param {string} url @param {Uint8Array[]} hashes @param {CarrierReceiver} receiver @param {boolean} tcp */
function dial(url, hashes, receiver, tcp) {
  /** @type {import("./paths/race.js").Attempt[]} */
  const paths = [];
  if ("WebTransport" in self) paths.push((told) => new WebTransportCarrier(url, hashes, told, clock));
  if (tcp) paths.push((told) => new WebSocketCarrier(socketUrl(self.location, PATH), told, clock));
  return new Race(paths, watched(receiver));
}

/** @returns {Promise<Client>} */
async function begin() {
  const [identity, decodes, decompressor] = await Promise.all([loadIdentity(), decodable(), Decompressor.load()]);
  const world = {
    dial,
    directions: fetchDirections,
    clock,
    after: arm,
    wall: () => Math.floor(Date.now() / 1000),
    entropy: (/** @type {number} */ size) => crypto.getRandomValues(new Uint8Array(size)),
    identity,
    decodes,
    decompressor,
    heads: new Witness(new BrowserShelf(), (text) => page.postMessage({ say: "alarm", text })),
  };
  client = new Client(world, screens, (message) => (page.postMessage(message), arm()));
  if (!decodes.chroma.length) page.postMessage({ say: "failed", text: "This browser can't decode H.264 video. Use Chrome, Edge or Safari, or the native viewer." });
  return client;
}

/** A person's time, told in the page's clock, in ours. @param {number} at  milliseconds since 1970, with fractions */
function ours(at) {
  return at - performance.timeOrigin;
}

/** The loudspeaker's worklet, and milliseconds from there to the ear. @type {MessagePort | null} */
let speaker = null;
let latency = 0;

/** The loudspeaker is there: it says how much it holds. @param {Client} to @param {MessagePort} port */
function connectSpeaker(to, port) {
  speaker = port;
  port.onmessage = ({ data }) => to.soundLevel(data, latency);
}

/** Play, or not. @param {Client} to @param {{ wanted: boolean, latency: number }} message */
function listen(to, message) {
  latency = message.latency;
  const port = speaker;
  if (message.wanted === listening || !port) return;
  listening = message.wanted;
  to.listen(listening ? { write: (samples) => port.postMessage(samples, samples.map(({ buffer }) => buffer)) } : null);
}
let listening = false;

/** What the page asks for -> what the client does. @type {Record<string, (client: Client, message: any) => unknown>} */
const DONE = {
  input: (to, message) => to.input(message.events, ours(message.at)),
  paste: (to, message) => to.paste(message.text, message.events, ours(message.at)),
  offer: (to, message) => to.features.clipboard.offer(message.copy, message.events, ours(message.at), clock()),
  fetch: (to, message) => to.features.clipboard.fetch(message, clock()),
  connect: async (to, { want }) => to.connect(want.pair ? { ...want, identity: await Identity.fromPair(want.pair) } : want),
  visible: (to, message) => to.setVisible(message.visible),
  point: (to, message) => to.point(message.x, message.y, message.laser),
  draw: (to, message) => to.draw([message.x, message.y], message.begins),
  wipe: (to, message) => to.features.annotations.clear(message.everybody),
  control: (to, message) => to.features.control.say(message.act, message.to),
  aim: (to, message) => to.features.layout.aim(message.width, message.height, ours(message.at), message.monitor),
  monitor: (to, message) => to.features.monitors.choose(message.name),
  window: (_to, message) => screens.put(message.name, message.canvas),
  halve: (_to, message) => screens.halve(message.name, message.times),
  beside: (to, message) => to.features.monitors.beside(message.names, message.page),
  fit: (to, message) => to.features.fit.want(message.width, message.height, message.scale),
  measure: (to, message) => to.setMeasuring(message.wanted),
  network: (to) => to.networkChanged(),
  leave: (to) => to.leave(),
  files: (to, message) => to.features.files.attach(message.port),
  speaker: (to, message) => connectSpeaker(to, message.port),
  listen: (to, message) => listen(to, message),
  voice: (to, message) => to.speak(message.on ? message.port : null),
};

page.onmessage = async (/** @type {MessageEvent} */ event) => {
  const message = event.data;
  if (message.do === "canvas") {
    screens.add(message.canvas);
    starting ??= begin();
    await starting;
    return;
  }
  const ready = client ?? (await starting);
  if (ready) await DONE[message.do](ready, message);
  arm();
};

page.addEventListener("unhandledrejection", (event) => {
  page.postMessage({ say: "failed", text: `The viewer failed: ${event.reason?.message ?? event.reason}. Reload the page.` });
});
