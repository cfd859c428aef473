/**
 * The page: introduces the worker, the hands and the panels to one another.
 *
 * `document.documentElement.dataset` tells how things stand: `state` is connecting, waiting, running, stale, lost,
 * ended or refused (absent before anything was tried), and `exact` is there while every pixel of the desktop equals the
 * host's and is on the screen.
 */

import { forget, remember, remembered } from "./account/remembered.js";
import { supported } from "./crypto/handshake.js";
import { fetchDirections, readDevice } from "./directions.js";
import { readFragment } from "./fragment.js";
import { loadIdentity } from "./identity_store.js";
import { Pen } from "./input/pen.js";
import { Pointer } from "./input/pointer.js";
import { Typing } from "./input/typing.js";
import { ALONE, sentenceOf } from "./present/company.js";
import { missing } from "./requirements.js";
import { acts } from "./session/input/ledger.js";
import { may } from "./session/viewing.js";
import { TicketStore } from "./tickets.js";
import { Canvases } from "./ui/canvases.js";
import { ClipboardBridge } from "./ui/clipboard.js";
import { Cursor } from "./ui/cursor.js";
import { element } from "./ui/elements.js";
import { HostHop } from "./ui/entrance.js";
import { Figures } from "./ui/figures.js";
import { FilesBridge } from "./ui/files.js";
import { toggleFullScreen } from "./ui/fullscreen.js";
import { Monitors } from "./ui/monitors.js";
import { Notice } from "./ui/notice.js";
import { Overlay } from "./ui/overlay.js";
import { People } from "./ui/people.js";
import { Popouts } from "./ui/popouts.js";
import { SoundPanel } from "./ui/sound.js";
import { Tally } from "./ui/tally.js";
import { Toast } from "./ui/toast.js";
import { Warning } from "./ui/warning.js";
import { Toolbar } from "./ui/toolbar.js";
import { View } from "./ui/view.js";
import { forDialog } from "./wire/foreign.js";
import { lacking } from "./wire/errors.js";
import { CLOSE, CONTROL_ACT, CONTROL_MODE, INPUT, INPUT_DEVICE, PERMISSION } from "./wire/registry.js";
import { Caught } from "./ui/caught.js";
import { typedLines, untypable, untypableSentence } from "./wire/typable.js";

/** @typedef {import("./session/input/outbox.js").InputEvent} InputEvent @typedef {import("./session/client.js").State}
 * State */

const root = document.documentElement;
/** Milliseconds that the page has had its size before the host hears of it. */
const FITTING = 100;
const HANDS = PERMISSION.POINTER | PERMISSION.KEYBOARD;
/** CSS pixels of the shorter side of a phone's page, at most. */
const SMALL = 600;
/** Letters of Ctrl+Alt+Shift+... @type {Record<string, import("./ui/toolbar.js").Action>} */
const OWN_KEYS = { c: "control", d: "draw", e: "remote", f: "fullscreen", l: "lock", 1: "exact", s: "statistics", q: "leave" };

const link = readFragment(location.hash);
if (location.hash) history.replaceState(null, "", location.pathname + location.search);
/** What opens a desktop in place of a code. @type {import("./account/remembered.js").Opened | null} */
let opened = link.share || link.account ? link : link.device ? null : remembered(sessionStorage);

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module", name: "avl" });
const tickets = new TicketStore(sessionStorage, () => Math.floor(Date.now() / 1000));
let permissions = 0;
/** The desktop's name, and who else is there. */
let desktopName = "";
let company = ALONE;
/** Whether others' pointers are shown, and ours is told. */
let pointing = true;

/** @param {InputEvent[]} events @param {number} at */
const send = (events, at) => {
  let allowed = permissions & HANDS ? events.filter((event) => may(permissions, event)) : [];
  if (!company.mine) allowed = withheld(allowed);
  if (allowed.length) worker.postMessage({ do: "input", events: allowed, at });
};
/** What mouse and fingers do: they act on the desktop, or draw over its picture. @param {InputEvent[]} events @param
 * {number} at */
const sendPointer = (events, at) => {
  if (pen.drawing) {
    pen.take(events);
    return;
  }
  send(events, at);
  const moved = pointing && company.viewers > 1 && permissions & (PERMISSION.POINTER | PERMISSION.ANNOTATE) && events.findLast(([kind]) => kind === INPUT.MOVE);
  if (moved) worker.postMessage({ do: "point", x: moved[1], y: moved[2], laser: false });
};
const now = () => performance.timeOrigin + performance.now();

const view = new View(element("desktop", HTMLElement), element("picture", HTMLCanvasElement));
const overlay = new Overlay(element("overlay", HTMLCanvasElement), view.geometry, () => performance.now());
view.placed = () => {
  overlay.refresh();
  fitSoon();
};
view.halved = (/** @type {number} */ times) => worker.postMessage({ do: "halve", name: "", times });
/** Whether the desktop is to have the page's size, and what the host was told of that last. */
let fitting = false;
let fitted = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let fits;

/** The page may have another size: say so once it has kept it for a moment. */
function fitSoon() {
  if (!fitting) return;
  clearTimeout(fits);
  fits = setTimeout(() => {
    const { width, height } = view.room;
    const scale = Math.round(100 * window.devicePixelRatio);
    if (!fitting || root.dataset.state !== "running" || fitted === `${width} ${height} ${scale}`) return;
    fitted = `${width} ${height} ${scale}`;
    worker.postMessage({ do: "fit", width, height, scale });
  }, FITTING);
}

/** Let the desktop have the page's size, or its own again. */
function toggleFit() {
  if (!fitting && !(permissions & PERMISSION.MONITORS)) {
    toast.show(lacking(PERMISSION.MONITORS));
    return;
  }
  fitting = !fitting;
  fitted = "";
  toolbar.mark("fit", fitting);
  if (fitting) fitSoon();
  else worker.postMessage({ do: "fit", width: 0, height: 0, scale: 100 });
}
const monitors = new Monitors(
  (name) => void (popouts.raise(name) || worker.postMessage({ do: "monitor", name })),
  (monitor) => {
    if (monitor.number === monitors.seen) worker.postMessage({ do: "monitor", name: "" });
    popouts.open(monitor);
  },
);
/** What is done in the window of a monitor. @type {Record<string, (message: any) => void>} */
const DONE_BESIDE = {
  input: ({ events, at }) => send(events, at),
  pointer: ({ events, at }) => sendPointer(events, at),
  pasted: ({ copy, events, at }) => paste(copy, events, at),
  own: ({ key }) => void (OWN_KEYS[key] && act(OWN_KEYS[key])),
};
/** Monitors whose windows somebody sees. @type {string[]} */
let beside = [];
const popouts = new Popouts({
  canvas: (name, canvas) => worker.postMessage({ do: "window", name, canvas }, canvas ? [canvas] : []),
  halve: (name, times) => worker.postMessage({ do: "halve", name, times }),
  seen: (names) => {
    beside = names;
    tellVisible();
  },
  did: (message) => DONE_BESIDE[message.do]?.(message),
  tell: (text) => toast.show(text),
});
const people = new People((act, to) => worker.postMessage({ do: "control", act, to }));
const pen = new Pen({
  point: (x, y) => worker.postMessage({ do: "point", x, y, laser: true }),
  draw: (x, y, begins) => worker.postMessage({ do: "draw", x, y, begins }),
  wipe: () => worker.postMessage({ do: "wipe", everybody: false }),
});
const canvases = new Canvases(element("picture", HTMLCanvasElement), (canvas) => worker.postMessage({ do: "canvas", canvas }, [canvas]));
const notice = new Notice();
const toast = new Toast();
const warning = new Warning();
const tally = new Tally();
const sound = new SoundPanel({
  post: (message, transfer = []) => worker.postMessage(message, transfer),
  tell: (text) => toast.show(text),
  speaking: () => entitle(),
});
const cursor = new Cursor(element("desktop", HTMLElement), element("floating", HTMLImageElement));
const figures = new Figures((wanted) => worker.postMessage({ do: "measure", wanted }));
const entrance = new HostHop(connect);
const toolbar = new Toolbar({ act, press: (usages) => typing.press(usages), dismissed: () => typing.focus() });
/** What is fetched of the desktop's clipboard -> who waits for it. @type {Map<number, (result: import("./session/fetching.js").Fetched) =>
 * void>} */
const fetching = new Map();
let fetches = 0;
const clipboard = new ClipboardBridge({
  send: (copy) => offer(copy, [], now()),
  fetch: (stamp, format, most) =>
    new Promise((resolve) => {
      fetching.set(++fetches, resolve);
      worker.postMessage({ do: "fetch", id: fetches, stamp, format, most });
    }),
  type: (text) => {
    const lines = typedLines(text);
    const found = untypable(lines);
    if (found) toast.show(untypableSentence(found));
    else send([[INPUT.TEXT, lines]], now());
  },
  download: (paths) => files.fetch(paths),
  tell: (text, action) => toast.show(text, action),
  closed: () => typing.focus(),
});
const files = new FilesBridge({
  connect: (port) => worker.postMessage({ do: "files", port }, [port]),
  tell: (text) => toast.show(text),
  device: () => entrance.remembered[0],
  closed: () => typing.focus(),
});
const typing = new Typing(element("typing", HTMLTextAreaElement), {
  send,
  paste,
  files: (data) => files.paste(data),
  mayPaste: () => Boolean(permissions & PERMISSION.CLIPBOARD_IN),
  own: (key) => {
    if (key === "t") toolbar.summon(true);
    else if (OWN_KEYS[key]) act(OWN_KEYS[key]);
    else return false;
    return true;
  },
});
const pointer = new Pointer(element("desktop", HTMLElement), view.geometry, {
  send: (events, at) => {
    sendPointer(events, at);
    if (!pen.drawing) caught.follow(events);
  },
  seen: (event) => typing.evidence(event),
  pressed: () => {
    if (toolbar.shown) toolbar.dismiss();
    typing.focus();
    if (cursor.hidden && !pen.drawing) caught.offer();
  },
  hovered: (x, y) => {
    view.hovered(x, y);
    toolbar.hovered(x, y);
  },
  moved: () => view.place(),
  caught: (now) => caught.changed(now),
  movedBy: (dx, dy) => caught.by(dx, dy),
});
/** A page that a hand covers half of zooms itself; in a larger one a pinch is meant for the program. */
pointer.touch.zoomsView = Math.min(window.innerWidth, window.innerHeight) < SMALL;
toolbar.mark("pinch", pointer.touch.zoomsView);
const caught = new Caught({
  catch: () => pointer.catch(),
  free: () => pointer.free(),
  tell: (text, action) => toast.show(text, action),
  show: (place) => cursor.float(place && view.geometry.fromDesktop(...place)),
  mark: (now) => toolbar.mark("lock", now),
  desktop: () => view.geometry.seen,
});

/** @param {import("./input/pasted.js").Copy} copy @param {InputEvent[]} events @param {number} at */
function paste(copy, events, at) {
  clipboard.pasted(copy);
  offer(copy, events, at);
}

/** Say something here and in the windows of monitors. @param {string} text */
function sayEverywhere(text) {
  toast.show(text);
  popouts.pass({ say: "toast", text });
}

/** Whether the page and its windows are seen: what nobody sees is not sent. */
function tellVisible() {
  worker.postMessage({ do: "beside", names: beside, page: !document.hidden });
  worker.postMessage({ do: "visible", visible: !document.hidden || beside.length > 0 });
}

/** What hands may do in windows of monitors. */
function tellHands() {
  const acts = Boolean(permissions & HANDS);
  popouts.tell({
    say: "hands", name: desktopName, acts, pastes: Boolean(permissions & PERMISSION.CLIPBOARD_IN), relative: caught.able, pens: pointer.pens,
    direct: pointer.touch.direct, zooms: pointer.touch.zoomsView,
  });
}

/** Set the desktop's clipboard, then send input. @param {import("./input/pasted.js").Copy} copy @param {InputEvent[]} events
 * @param {number} at */
function offer(copy, events, at) {
  if (Object.keys(copy.formats).length) worker.postMessage({ do: "offer", copy, events, at });
  else worker.postMessage({ do: "paste", text: copy.text, events, at });
}

/** @param {import("./ui/toolbar.js").Action} action */
function act(action) {
  if (action === "fullscreen") void toggleFullScreen((text) => toast.show(text));
  else if (action === "exact") toolbar.mark("exact", view.toggleExact());
  else if (action === "fit") toggleFit();
  else if (action === "statistics") toolbar.mark("statistics", figures.toggle());
  else if (action === "places") toolbar.mark("places", typing.togglePlaces());
  else if (action === "send" || action === "type") void clipboard.use(action);
  else if (action === "box") clipboard.open();
  else if (action === "control") askForControl();
  else if (action === "draw") drawOrAct();
  else if (action === "lock") lock();
  else if (action === "pinch") {
    pointer.touch.zoomsView = !pointer.touch.zoomsView;
    toolbar.mark("pinch", pointer.touch.zoomsView);
    tellHands();
  } else if (action === "direct") {
    pointer.releaseAll();
    pointer.touch.direct = !pointer.touch.direct;
    toolbar.mark("direct", pointer.touch.direct);
    tellHands();
  }
  else if (action === "wipe" || action === "wipe-all") worker.postMessage({ do: "wipe", everybody: action === "wipe-all" });
  else if (action === "pointers") {
    overlay.pointers = pointing = !pointing;
    popouts.tell({ say: "pointers", pointers: pointing });
    toolbar.mark("pointers", pointing);
    overlay.refresh();
  } else if (action === "send-files" || action === "send-folder") files.choose(action === "send-folder");
  else if (action === "remote") files.browse();
  else if (action === "transfers") files.panel.toggle();
  else if (action === "leave") void leave();
  else if (action === "keyboard") {
    const raised = element("typing", HTMLTextAreaElement).inputMode === "none";
    typing.raise(raised);
    toolbar.mark("keyboard", raised);
    toolbar.dismiss();
    return;
  }
  if (["fullscreen", "exact", "fit", "statistics", "places", "lock"].includes(action)) typing.focus();
}

/** Catch the mouse in the desktop, or let it go. */
function lock() {
  if (!(permissions & PERMISSION.POINTER)) toast.show("You can only look at this desktop's pointer.");
  else if (!company.mine) toast.show(sentenceOf(company));
  else if (pen.drawing) toast.show("You draw now. Ctrl+Alt+Shift+D ends drawing.");
  else void caught.toggle();
}

/** What is sent while somebody else has control; a person who tries to act is told who has it. @param {InputEvent[]}
 * events */
function withheld(events) {
  if (events.some(acts)) sayEverywhere(`${sentenceOf(company)} ${company.asking ? "You are asking for it." : "Ctrl+Alt+Shift+C asks for it."}`);
  return events.filter(([kind]) => kind === INPUT.RELEASE_ALL);
}

/** Ask for control, or let go of it or of asking. */
function askForControl() {
  if (company.mode === CONTROL_MODE.SHARED) toast.show("Everybody who may act does: there is nothing to ask for.");
  else if (!(permissions & HANDS)) toast.show("You can only look at this desktop.");
  else worker.postMessage({ do: "control", act: company.mine || company.asking ? CONTROL_ACT.RELEASE : CONTROL_ACT.REQUEST, to: 0 });
}

/** Take the pen up, or put it down. */
function drawOrAct() {
  if (!pen.drawing && !(permissions & PERMISSION.ANNOTATE)) {
    toast.show(lacking(PERMISSION.ANNOTATE));
    return;
  }
  pointer.releaseAll();
  pointer.free();
  const drawing = pen.toggle();
  root.toggleAttribute("data-drawing", drawing);
  popouts.tell({ say: "drawing", drawing });
  toolbar.mark("draw", drawing);
  toolbar.dismiss();
  if (drawing) toast.show("You draw with the left button; the right one wipes it away. Ctrl+Alt+Shift+D ends drawing.");
}

/** Who is here, or who has control, has changed. @param {import("./present/company.js").Company} told */
function meet(told) {
  const before = sentenceOf(company);
  overlay.company = company = told;
  const sentence = sentenceOf(company);
  if (before !== sentence) {
    if (!company.mine) {
      pointer.releaseAll();
      pointer.free();
    }
    sayEverywhere(sentence || "Everybody has control.");
  }
  popouts.tell({ say: "company", company });
  people.show(company, Boolean(permissions & HANDS));
  entitle();
  overlay.refresh();
}

/** What the session may of sound. */
function permitSound() {
  sound.permit(Boolean(permissions & PERMISSION.AUDIO_OUT), Boolean(permissions & PERMISSION.AUDIO_IN));
}

/** Who has control is always to be seen in the title, and that the host hears us. */
function entitle() {
  document.title = [desktopName, sentenceOf(company).replace(/\.$/, ""), sound.speaking ? "your microphone is on" : "", "avl"].filter(Boolean).join(" - ");
}

/** Say how much of what was done came to nothing since it was last said; while the session is lost, once more when it
 * goes on. */
function tellDropped() {
  const sentence = tally.sentence();
  if (!sentence) return;
  toast.show(sentence, undefined, () => {
    if (root.dataset.state === "running") tally.clear();
  });
}

async function leave() {
  tickets.forget();
  forget(sessionStorage);
  opened = null;
  worker.postMessage({ do: "leave" });
  shut("ended", "");
}

/** @param {string} device @param {string} code @param {Uint8Array} [ticket]  of a session that this tab had before */
async function connect(device, code, ticket) {
  entrance.busy(true);
  entrance.error("");
  try {
    const directions = await fetchDirections();
    entrance.offer(directions.accounts);
    const number = readDevice(device, directions);
    const key = code ? null : await keyTo(device, number);
    entrance.remember(device, code);
    worker.postMessage({ do: "connect", want: { directions, device: number, code, name: agent(), ticket, ...key } });
    state("connecting", "");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    refuse(error.message);
  } finally {
    entrance.busy(false);
  }
}

/** What opens a device in place of a code, where this page's address said that there is something. @param {string} device
 * as written @param {bigint} number @returns {Promise<import("./account/opening.js").Key | null>} */
async function keyTo(device, number) {
  if (opened?.device !== device) return null;
  const { byAccount, byShare, newVisit } = await import("./account/opening.js");
  const visit = opened.visit || newVisit();
  opened = { ...opened, visit };
  remember(sessionStorage, opened);
  return opened.share ? byShare(opened.share, visit) : byAccount(number, (await loadIdentity()).public, agent());
}

/** What the host's person reads when asked who wants in. */
function agent() {
  const brands = /** @type {any} */ (navigator).userAgentData?.brands?.map((/** @type {any} */ brand) => brand.brand) ?? [];
  const browser = brands.find((/** @type {string} */ brand) => !/not|chromium/i.test(brand)) ?? "Browser";
  return `${browser} on ${/** @type {any} */ (navigator).userAgentData?.platform || navigator.platform || "an unknown system"}`;
}

/** @param {string} sentence */
function refuse(sentence) {
  shut("refused", sentence);
}

/** Back to the entrance. @param {State} to @param {string} sentence */
function shut(to, sentence) {
  root.dataset.state = to;
  delete root.dataset.exact;
  permissions = 0;
  files.permit(0);
  files.panel.toggle(false);
  permitSound();
  pointer.releaseAll();
  pointer.free();
  notice.hide();
  toolbar.dismiss();
  view.hide();
  cursor.reset();
  element("handle", HTMLElement).hidden = true;
  if (!element("figures", HTMLElement).hidden) toolbar.mark("statistics", figures.toggle());
  if (pen.drawing) drawOrAct();
  overlay.clear();
  company = ALONE;
  desktopName = "";
  entitle();
  popouts.close();
  const [device, code] = entrance.remembered;
  entrance.show(sentence, Boolean(device) && !code && opened?.device === device);
}

/** @param {State} to @param {string} reason @param {number} waited  milliseconds that it has been so */
function state(to, reason, waited = 0) {
  if (to === "refused" || to === "ended") tickets.forget();
  if (to === "refused") {
    refuse(reason);
    return;
  }
  root.dataset.state = to;
  popouts.tell({ say: "state", state: to });
  entrance.hide();
  view.show();
  element("notice-again", HTMLElement).hidden = to !== "ended";
  if (to === "running") {
    notice.hide();
    element("handle", HTMLElement).hidden = false;
    typing.focus();
    tellDropped();
    fitSoon();
  } else {
    notice.show(to, to === "lost" || to === "ended" ? reason : "", waited);
  }
  if (to !== "running") {
    pointer.releaseAll();
    pointer.free();
  }
  if (to === "ended") permissions = 0;
}

/** Whether what ended a session of somebody who is signed in is that its permission was taken back: it goes on by what
 * is permitted now, or that says why it does not. @param {number | undefined} code */
function mayGoOn(code) {
  const taken = code === CLOSE.REVOKED || code === CLOSE.GRANT_REFUSED;
  const ran = ["running", "stale", "lost"].includes(root.dataset.state ?? "");
  if (!taken || !ran || !opened || opened.share) return false;
  tickets.forget();
  return true;
}

/** What the worker says -> what the page does. @type {Record<string, (message: any) => void>} */
const HEARD = {
  state: (message) => {
    if (mayGoOn(message.code)) void connect(...entrance.remembered);
    else state(message.state, message.text, message.waited);
  },
  exact: (message) => {
    if (message.exact) root.dataset.exact = "true";
    else delete root.dataset.exact;
  },
  cursor: (message) => {
    popouts.tell(message);
    void cursor.show(message, window.devicePixelRatio);
  },
  layout: (message) => {
    view.announce(message.width, message.height);
    monitors.list(message.monitors);
    popouts.list(message.monitors);
    view.begin(monitors.origin);
  },
  watched: (message) => monitors.mark(message.monitor),
  shown: ({ width, height, monitor, first }) => {
    if (!popouts.shown(monitor, width, height)) {
      monitors.see(monitor);
      view.begin(monitors.origin);
      view.resize(width, height);
    }
    if (first) worker.postMessage({ do: "aim", width, height, monitor, at: now() });
  },
  remark: (message) => toast.show(message.text),
  devices: ({ devices }) => {
    caught.able = Boolean(devices & INPUT_DEVICE.RELATIVE);
    pointer.pens = Boolean(devices & INPUT_DEVICE.PEN);
    if (!(devices & INPUT_DEVICE.TOUCH)) pointer.touch.direct = false;
    if (!caught.able) pointer.free();
    toolbar.offer("lock", caught.able);
    toolbar.offer("direct", Boolean(devices & INPUT_DEVICE.TOUCH));
    toolbar.mark("direct", pointer.touch.direct);
    tellHands();
  },
  clipboard: (message) => void clipboard.received(message),
  copied: (message) => void clipboard.copied(message),
  fetched: (message) => {
    fetching.get(message.id)?.(message);
    fetching.delete(message.id);
  },
  "clipboard-refused": (message) => clipboard.refused(message.state),
  ticket: (message) => tickets.save(entrance.remembered[0], message.ticket, message.seconds),
  dropped: (message) => {
    tally.add(message.dropped);
    tellDropped();
  },
  statistics: (message) => figures.show(message.figures),
  failed: (message) => refuse(message.text),
  alarm: (message) => warning.show(message.text),
  operator: (message) => toast.show(message.text),
  granted: (message) => {
    permissions = message.permissions;
    files.permit(permissions);
    canvases.of(message.tracks);
    view.forget();
    monitors.mark(0);
    monitors.see(0);
    desktopName = forDialog(message.name, 64);
    permitSound();
    toolbar.name(desktopName, !(permissions & HANDS));
    overlay.clear();
    popouts.pass({ say: "clear" });
    company = ALONE;
    entitle();
    tellHands();
  },
  rights: (message) => {
    permissions = message.permissions;
    files.permit(permissions);
    permitSound();
    toolbar.name(desktopName, !(permissions & HANDS));
    tellHands();
    if (message.text) toast.show(message.text);
  },
  company: (message) => meet(message.company),
  mark: (message) => {
    popouts.pass(message);
    overlay.take(message.mark);
  },
  sound: (message) => sound.hear(message),
  voice: (message) => sound.spoken(message.on),
};

worker.addEventListener("message", ({ data: message }) => HEARD[message.say](message));
worker.addEventListener("error", (event) => refuse(`The viewer could not start: ${event.message || "its files are incomplete"}. Reload the page.`));

element("notice-back", HTMLButtonElement).addEventListener("click", () => void leave());
element("notice-again", HTMLButtonElement).addEventListener("click", () => void connect(...entrance.remembered));
document.addEventListener("visibilitychange", () => {
  tellVisible();
  tickets.keep();
});
document.addEventListener("fullscreenchange", () => toolbar.mark("fullscreen", Boolean(document.fullscreenElement)));
window.addEventListener("focus", () => {
  if (permissions & PERMISSION.CLIPBOARD_IN) void clipboard.refresh();
});
// A page that is reloaded goes on with its session, so that one that goes away ends none: the host keeps it for a
// while.
window.addEventListener("pagehide", () => tickets.keep());
window.addEventListener("online", () => worker.postMessage({ do: "network" }));
followConnection(() => worker.postMessage({ do: "network" }));

/** Tell when the machine goes online by something else; estimates of speed, which change all the time, are none of our
 * business.
 * @param {() => void} changed */
function followConnection(changed) {
  const connection = /** @type {any} */ (navigator).connection;
  let { type } = connection ?? {};
  connection?.addEventListener("change", () => {
    if (connection.type === type) return;
    type = connection.type;
    changed();
  });
}

async function start() {
  const lacking = await missing(window, supported);
  entrance.fill(link.device, link.code);
  if (lacking) {
    refuse(lacking);
    entrance.close();
    return;
  }
  canvases.give();
  const kept = link.code ? null : tickets.find();
  if (link.device && link.code) await connect(link.device, link.code);
  else if (opened) await connect(opened.device, "", kept?.device === opened.device ? kept.ticket : undefined);
  else if (kept && (!link.device || link.device === kept.device)) await connect(kept.device, "", kept.ticket);
  else {
    entrance.show("");
    entrance.offer(await fetchDirections().then((told) => told.accounts, () => false));
  }
}

void start();
