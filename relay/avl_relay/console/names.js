/**
 * Names: what people and devices are called, asked for by id when they are shown, each once.
 */

import { foreign, h } from "../account/dom.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** The names of one page. */
export class Names {
  /** @param {Desk} desk */
  constructor(desk) {
    this._desk = desk;
    /** @type {Map<string, Promise<string>>} */
    this._known = new Map();
  }

  /** A place that says what somebody is called, once that is known; their id until then. @param {string} id */
  person(id) {
    return this._place(`/people/${encodeURIComponent(id)}`, id);
  }

  /** The same of a device. @param {string} number */
  device(number) {
    return this._place(`/devices/${encodeURIComponent(number)}`, number);
  }

  /** @param {string} path @param {string} id */
  _place(path, id) {
    const made = h("span", { title: id }, `${id.slice(0, 8)}…`);
    let asked = this._known.get(path);
    if (!asked) {
      asked = this._desk.api.call("GET", path).then((told) => foreign(told.name, 60), () => "");
      this._known.set(path, asked);
    }
    void asked.then((name) => name && (made.textContent = name));
    return made;
  }
}
