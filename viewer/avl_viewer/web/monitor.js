/**
 * The window of one monitor: a canvas that the page paints, and hands of its own. It knows no session: what is done here is
 * told to the page that opened it (ui/popouts.js), and shown is what that page tells.
 *
 * `document.documentElement.dataset.state` tells how things stand, as at the page.
 */

import { Pointer } from "./input/pointer.js";
import { Typing } from "./input/typing.js";
import { Caught } from "./ui/caught.js";
import { Cursor } from "./ui/cursor.js";
import { element } from "./ui/elements.js";
import { toggleFullScreen } from "./ui/fullscreen.js";
import { Overlay } from "./ui/overlay.js";
import { Toast } from "./ui/toast.js";
import { Toolbar } from "./ui/toolbar.js";
import { View } from "./ui/view.js";

/** @typedef {import("./session/input/outbox.js").InputEvent} InputEvent */

const root = document.documentElement;
/** Letters of Ctrl+Alt+Shift+... that mean this window; all others are the page's. @type {Record<string,
 * import("./ui/toolbar.js").Action>} */
const OWN_KEYS = { f: "fullscreen", l: "lock", 1: "exact", q: "leave" };

/** To the page. @type {MessagePort | null} */
let port = null;
/** What the page lets us do. */
let hands = { name: "", acts: false, pastes: false, relative: false, pens: false, direct: false, zooms: false };

const view = new View(element("desktop", HTMLElement), element("picture", HTMLCanvasElement));
const overlay = new Overlay(element("overlay", HTMLCanvasElement), view.geometry, () => performance.now());
const toast = new Toast();
const cursor = new Cursor(element("desktop", HTMLElement), element("floating", HTMLImageElement));
const say = (/** @type {any} */ message, /** @type {Transferable[]} */ transfer = []) => port?.postMessage(message, transfer);
const tell = (/** @type {string} */ text) => toast.show(text);

view.placed = () => overlay.refresh();
view.halved = (/** @type {number} */ times) => say({ do: "halve", times });
const toolbar = new Toolbar({ act, press: (usages) => typing.press(usages), dismissed: () => typing.focus() });
const typing = new Typing(element("typing", HTMLTextAreaElement), {
  send: (events, at) => say({ do: "input", events, at }),
  paste: (copy, events, at) => say({ do: "pasted", copy, events, at }),
  mayPaste: () => hands.pastes,
  own: (key) => {
    if (key === "t") toolbar.summon(true);
    else if (OWN_KEYS[key]) act(OWN_KEYS[key]);
    else say({ do: "own", key });
    return true;
  },
});
const pointer = new Pointer(element("desktop", HTMLElement), view.geometry, {
  send: (events, at) => {
    say({ do: "pointer", events, at });
    caught.follow(events);
  },
  seen: (event) => typing.evidence(event),
  pressed: () => {
    if (toolbar.shown) toolbar.dismiss();
    typing.focus();
    if (cursor.hidden && !("drawing" in root.dataset)) caught.offer();
  },
  hovered: (x, y) => {
    view.hovered(x, y);
    toolbar.hovered(x, y);
  },
  moved: () => view.place(),
  caught: (now) => caught.changed(now),
  movedBy: (dx, dy) => caught.by(dx, dy),
});
const caught = new Caught({
  catch: () => pointer.catch(),
  free: () => pointer.free(),
  tell: (text, action) => toast.show(text, action),
  show: (place) => cursor.float(place && view.geometry.fromDesktop(...place)),
  mark: (now) => toolbar.mark("lock", now),
  desktop: () => view.geometry.seen,
});

/** @param {import("./ui/toolbar.js").Action} action */
function act(action) {
  if (action === "fullscreen") void toggleFullScreen(tell);
  else if (action === "exact") toolbar.mark("exact", view.toggleExact());
  else if (action === "lock") void caught.toggle();
  else if (action === "leave") window.close();
  typing.focus();
}

/** Let go of everything. */
function release() {
  pointer.releaseAll();
  pointer.free();
  typing.releaseAll();
}

/** What to say in the middle; nothing where the title is empty. @param {string} title @param {string} [text] */
function notice(title, text = "") {
  element("notice", HTMLElement).hidden = !title;
  element("notice-title", HTMLElement).textContent = title;
  element("notice-text", HTMLElement).textContent = text;
}

/** Whether the desktop has the monitor, and how its session is. */
let there = false;
let state = "connecting";
let named = "";

/** Show how things stand. */
function stand() {
  root.dataset.state = state === "running" && !there ? "lost" : state;
  if (state !== "running") notice("The picture is not live", "The page that opened this window says why.");
  else if (!there) notice(`The monitor ${named} is gone`, "It is shown here again when it is back.");
  else notice("");
  if (root.dataset.state !== "running") release();
}

/** What the page says -> what is done. @type {Record<string, (message: any) => void>} */
const HEARD = {
  monitor: ({ name, monitor, size }) => {
    named = name;
    there = Boolean(monitor);
    document.title = [name, hands.name, "avl"].filter(Boolean).join(" - ");
    if (monitor) {
      const { width, height } = size ?? monitor;
      view.begin(monitor);
      view.resize(width, height);
    }
    stand();
  },
  state: (message) => {
    state = message.state;
    stand();
  },
  hands: (message) => {
    hands = message;
    caught.able = hands.relative;
    pointer.pens = hands.pens;
    pointer.touch.direct = hands.direct;
    pointer.touch.zoomsView = hands.zooms;
    toolbar.offer("lock", hands.relative);
    toolbar.name(hands.name, !hands.acts);
    document.title = [named, hands.name, "avl"].filter(Boolean).join(" - ");
    if (!hands.relative) pointer.free();
  },
  cursor: (message) => void cursor.show(message, window.devicePixelRatio),
  company: (message) => {
    overlay.company = message.company;
    overlay.refresh();
  },
  drawing: (message) => {
    release();
    root.toggleAttribute("data-drawing", message.drawing);
  },
  pointers: (message) => {
    overlay.pointers = message.pointers;
    overlay.refresh();
  },
  mark: (message) => overlay.take(message.mark),
  clear: () => overlay.clear(),
  toast: (message) => tell(message.text),
};

function start() {
  if (!window.opener) {
    notice("This window has no desktop", "Open it from a desktop's page: Screen, and the sign beside a monitor's name.");
    return;
  }
  window.addEventListener("message", ({ source, origin, data, ports }) => {
    if (source !== window.opener || origin !== location.origin || data?.say !== "welcome") return;
    port = ports[0];
    port.onmessage = ({ data: message }) => HEARD[message.say](message);
    const canvas = element("picture", HTMLCanvasElement).transferControlToOffscreen();
    say({ do: "canvas", canvas }, [canvas]);
    say({ do: "visible", visible: !document.hidden });
    typing.focus();
  }, { once: true });
  window.opener.postMessage({ say: "here" }, location.origin);
}

document.addEventListener("visibilitychange", () => say({ do: "visible", visible: !document.hidden }));
document.addEventListener("fullscreenchange", () => toolbar.mark("fullscreen", Boolean(document.fullscreenElement)));
window.addEventListener("pagehide", () => {
  release();
  say({ do: "closed" });
});

stand();
start();
