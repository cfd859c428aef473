/**
 * Popouts: single monitors in windows of their own, beside the page (monitor.html, monitor.js).
 *
 * A window draws nothing itself: it hands its canvas over, and the worker of this page paints there. What hands do there
 * comes back here, where it is decided what may be sent. So there is one session, with one set of rights. It works
 * because both pages are of one origin and have the same opener policy; nothing but a window that was opened here, and that
 * speaks from this origin, is listened to.
 */

import { forDialog } from "../wire/foreign.js";
import { MAX } from "../wire/registry.js";

/**
 * @typedef {import("../services/layout.js").Monitor} Monitor
 *
 * @typedef {object} Popout  A window. `port` null: it has not said yet that it is there.
 * @property {string} name
 * @property {Window} window
 * @property {MessagePort | null} port
 * @property {boolean} visible
 *
 * @typedef {object} PopoutsOwner
 * @property {(name: string, canvas: OffscreenCanvas | null) => void} canvas  where a monitor is painted; null: nowhere
 * @property {(name: string, times: number) => void} halve  a monitor is shown so small that it is to be halved so often
 * @property {(names: string[]) => void} seen  the monitors whose windows somebody sees
 * @property {(message: any) => void} did  what a person did in a window (`do`)
 * @property {(text: string) => void} tell
 */

/** CSS pixels between a window and the edges of the screen. */
const MARGIN = 80;

/** All of them, by the names of their monitors. */
export class Popouts {
  /** @param {PopoutsOwner} owner */
  constructor(owner) {
    this._owner = owner;
    /** @type {Map<string, Popout>} */
    this._all = new Map();
    /** @type {Monitor[]} */
    this._monitors = [];
    /** How large each is on the screen. @type {Map<string, { width: number, height: number }>} */
    this._sizes = new Map();
    /** What all were told last, of each kind. @type {Map<string, any>} */
    this._told = new Map();
    window.addEventListener("message", (event) => this._greet(event));
    window.addEventListener("pagehide", () => this.close());
  }

  /** Bring the window of a monitor to the front; whether it has one. @param {string} name */
  raise(name) {
    const there = this._all.get(name);
    if (!there || there.window.closed) return false;
    there.window.focus();
    return true;
  }

  /** See a monitor in a window of its own; in that which it has. @param {Monitor} monitor */
  open({ name, width, height }) {
    if (this.raise(name)) return;
    if (this._all.size >= MAX.WATCHED) {
      this._owner.tell(`Close another window first: ${MAX.WATCHED} monitors can be seen at a time.`);
      return;
    }
    const part = Math.min(1, (screen.availWidth - MARGIN) / width, (screen.availHeight - MARGIN) / height) || 1;
    const opened = window.open("monitor.html", "", `popup,width=${Math.round(width * part)},height=${Math.round(height * part)}`);
    if (opened) this._all.set(name, { name, window: opened, port: null, visible: false });
    else this._owner.tell("The browser did not open a window. Allow pop-up windows for this page, then try again.");
  }

  /** A window has loaded: it is given a port. @param {MessageEvent} event */
  _greet({ source, origin, data }) {
    const popout = [...this._all.values()].find((one) => one.window === source);
    if (origin !== location.origin || !popout || data?.say !== "here") return;
    const { port1, port2 } = new MessageChannel();
    popout.port = port1;
    popout.visible = true;
    port1.onmessage = ({ data: message }) => this._heard(popout, message);
    popout.window.postMessage({ say: "welcome" }, { targetOrigin: origin, transfer: [port2] });
    for (const message of this._told.values()) port1.postMessage(message);
    this._place(popout);
  }

  /** @param {Popout} popout @param {any} message */
  _heard(popout, message) {
    if (message.do === "canvas") {
      this._owner.canvas(popout.name, message.canvas);
      this._say();
    } else if (message.do === "visible") {
      popout.visible = message.visible;
      this._say();
    } else if (message.do === "closed") {
      this._all.delete(popout.name);
      popout.port?.close();
      this._owner.canvas(popout.name, null);
      this._say();
    } else if (message.do === "halve") {
      this._owner.halve(popout.name, message.times);
    } else {
      this._owner.did(message);
    }
  }

  _say() {
    this._owner.seen([...this._all.values()].flatMap(({ name, port, visible }) => (port && visible ? [name] : [])));
  }

  /** The desktop has these monitors now. @param {Monitor[]} monitors */
  list(monitors) {
    this._monitors = monitors;
    for (const popout of this._all.values()) this._place(popout);
  }

  /** A monitor is on the screen in this size; whether that is a window's. @param {number} number @param {number} width
   * @param {number} height */
  shown(number, width, height) {
    const name = this._monitors.find((one) => one.number === number)?.name ?? "";
    const popout = this._all.get(name);
    if (!name) return false;
    this._sizes.set(name, { width, height });
    if (popout) this._place(popout);
    return Boolean(popout);
  }

  /** @param {Popout} popout */
  _place({ name, port }) {
    const monitor = this._monitors.find((one) => one.name === name);
    port?.postMessage({ say: "monitor", name: forDialog(name, 40), monitor, size: this._sizes.get(name) ?? null });
  }

  /** Tell all windows, and those to come. @param {any} message */
  tell(message) {
    this._told.set(message.say, message);
    this.pass(message);
  }

  /** Tell all windows that are there. @param {any} message */
  pass(message) {
    for (const { port } of this._all.values()) port?.postMessage(message);
  }

  /** Close all. */
  close() {
    for (const { window: one } of this._all.values()) one.close();
  }
}
