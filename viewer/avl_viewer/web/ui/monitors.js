/**
 * Monitors: the host's monitors in the toolbar's menu, to see one by itself.
 */

import { forDialog } from "../wire/foreign.js";
import { element } from "./elements.js";

/** @typedef {import("../services/layout.js").Monitor} Monitor */

const NOWHERE = Object.freeze({ x: 0, y: 0 });

/** Lists them where there are several. `choose(name)`: see this one; an empty name is the whole desktop. */
export class Monitors {
  /** @param {(name: string) => void} choose */
  constructor(choose) {
    this._choose = choose;
    this._list = element("monitor-list", HTMLElement);
    /** @type {Monitor[]} */
    this._all = [];
    this._chosen = this._seen = 0;
  }

  /** Where in the desktop what is seen begins. @returns {{ x: number, y: number }} */
  get origin() {
    return this._all.find(({ number }) => this._seen && number === this._seen) ?? NOWHERE;
  }

  /** The desktop has these. @param {Monitor[]} monitors */
  list(monitors) {
    this._all = monitors;
    this._fill();
  }

  /** The one of this number was chosen; 0: the whole desktop. @param {number} number */
  mark(number) {
    this._chosen = number;
    this._fill();
  }

  /** And is on the screen. @param {number} number */
  see(number) {
    this._seen = number;
  }

  _fill() {
    const rows = this._all.length < 2 ? [] : [{ text: "The whole desktop", name: "", number: 0 }, ...this._all.map(({ name, number }) => ({ text: forDialog(name, 40), name, number }))];
    this._list.replaceChildren(...rows.map(({ text, name, number }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.setAttribute("aria-pressed", String(number === this._chosen));
      button.addEventListener("click", () => this._choose(name));
      return button;
    }));
  }
}
