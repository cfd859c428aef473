/**
 * Monitors: the host's monitors in the toolbar's menu, to see one by itself, here or in a window of its own.
 */

import { forDialog } from "../wire/foreign.js";
import { element } from "./elements.js";

/** @typedef {import("../services/layout.js").Monitor} Monitor */

const NOWHERE = Object.freeze({ x: 0, y: 0 });

/** Lists them where there are several. `choose(name)`: see this one; an empty name is the whole desktop. `open(monitor)`: in
 * a window of its own. */
export class Monitors {
  /** @param {(name: string) => void} choose @param {(monitor: Monitor) => void} open */
  constructor(choose, open) {
    this._choose = choose;
    this._open = open;
    this._list = element("monitor-list", HTMLElement);
    /** @type {Monitor[]} */
    this._all = [];
    this._chosen = 0;
    /** The number of the one on the screen; 0: the whole desktop is. */
    this.seen = 0;
  }

  /** Where in the desktop what is seen begins. @returns {{ x: number, y: number }} */
  get origin() {
    return this._all.find(({ number }) => this.seen && number === this.seen) ?? NOWHERE;
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
    this.seen = number;
  }

  _fill() {
    if (this._all.length < 2) {
      this._list.replaceChildren();
      return;
    }
    const rows = [this._row("The whole desktop", 0, "")];
    for (const monitor of this._all) {
      const name = forDialog(monitor.name, 40);
      const own = document.createElement("button");
      own.type = "button";
      own.textContent = "⧉";
      own.title = own.ariaLabel = `${name} in a window of its own`;
      own.addEventListener("click", () => this._open(monitor));
      rows.push(this._row(name, monitor.number, monitor.name, own));
    }
    this._list.replaceChildren(...rows);
  }

  /** @param {string} text @param {number} number @param {string} name @param {HTMLElement[]} more */
  _row(text, number, name, ...more) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-pressed", String(number === this._chosen));
    button.addEventListener("click", () => this._choose(name));
    const row = document.createElement("div");
    row.className = "monitor";
    row.append(button, ...more);
    return row;
  }
}
