/**
 * Toolbar: hidden until the pointer touches the middle of the top edge, gone when it leaves. Nothing of the desktop is
 * covered unless asked for; a screen that is touched has a small handle instead, because no finger hovers.
 */

import { COMBINATIONS } from "../input/keys.js";
import { element } from "./elements.js";

/** CSS pixels from the top in which the toolbar comes, and the share of the width around the middle. */
const EDGE = 2;
const MIDDLE = 0.4;
/** Milliseconds that it stays when nobody uses it. */
const LINGER = 900;
const LINGER_SUMMONED = 4000;

/**
 * @typedef {"fullscreen" | "exact" | "fit" | "statistics" | "places" | "keyboard" | "send" | "type" | "box" | "leave" | "control" |
 * "draw" | "wipe" | "wipe-all" | "pointers" | "lock" | "pinch" | "direct" | "send-files" | "send-folder" | "remote" |
 * "transfers"} Action
 *
 * @typedef {object} ToolbarOwner
 * @property {(action: Action) => void} act
 * @property {(usages: number[]) => void} press
 * @property {() => void} dismissed  the keyboard belongs to the desktop again
 */

/** The bar and its menus. */
export class Toolbar {
  /** @param {ToolbarOwner} owner */
  constructor(owner) {
    this._owner = owner;
    this._bar = element("toolbar", HTMLElement);
    this._handle = element("handle", HTMLButtonElement);
    /** @type {HTMLDetailsElement[]} */
    this._menus = [...this._bar.querySelectorAll("details")];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._lingering = undefined;
    this._combinations();
    for (const button of this._bar.querySelectorAll("button[data-action]")) {
      button.addEventListener("click", () => {
        this._closeMenus();
        owner.act(/** @type {Action} */ (/** @type {HTMLElement} */ (button).dataset.action));
      });
    }
    for (const menu of this._menus) {
      menu.addEventListener("toggle", () => {
        if (menu.open) for (const other of this._menus) if (other !== menu) other.open = false;
      });
    }
    this._over = false; // `:hover` stays with the last place that was touched
    this._bar.addEventListener("pointerenter", (event) => {
      this._over = event.pointerType === "mouse";
      if (this._over) clearTimeout(this._lingering);
    });
    this._bar.addEventListener("pointerleave", () => {
      this._over = false;
      this._linger(LINGER);
    });
    this._bar.addEventListener("focusin", () => clearTimeout(this._lingering));
    this._bar.addEventListener("focusout", () => this._linger(LINGER));
    this._bar.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      if (this._menus.some((menu) => menu.open)) this._closeMenus();
      else this.dismiss();
    });
    this._handle.addEventListener("click", () => this.summon(false));
  }

  _combinations() {
    const list = element("combinations", HTMLElement);
    for (const [name, usages] of COMBINATIONS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", () => {
        this.dismiss();
        this._owner.press(usages);
      });
      list.append(button);
    }
  }

  /** A mouse is here: come down when it touches the edge. @param {number} x @param {number} y */
  hovered(x, y) {
    if (y <= EDGE && Math.abs(x / window.innerWidth - 0.5) < MIDDLE / 2) this.summon(false);
  }

  /** Come down; take the keyboard if it was called by one. @param {boolean} focus */
  summon(focus) {
    this._bar.dataset.shown = "";
    this._linger(LINGER_SUMMONED);
    if (focus) /** @type {HTMLElement | null} */ (this._bar.querySelector("button:not([hidden]), summary"))?.focus();
  }

  /** Go at once. */
  dismiss() {
    clearTimeout(this._lingering);
    this._closeMenus();
    const shown = "shown" in this._bar.dataset;
    delete this._bar.dataset.shown;
    if (shown) this._owner.dismissed();
  }

  /** Whether it is on the page. */
  get shown() {
    return "shown" in this._bar.dataset;
  }

  /** A button that stays pressed. @param {Action} action @param {boolean} pressed */
  mark(action, pressed) {
    this._bar.querySelector(`[data-action="${action}"]`)?.setAttribute("aria-pressed", String(pressed));
  }

  /** A button that is there where it can do something. @param {Action} action @param {boolean} there */
  offer(action, there) {
    /** @type {HTMLElement | null} */
    const button = this._bar.querySelector(`[data-action="${action}"]`);
    if (button) button.hidden = !there;
  }

  /** The name of the desktop, and whether one may only look. @param {string} name @param {boolean} viewOnly */
  name(name, viewOnly) {
    element("desktop-name", HTMLElement).textContent = name;
    element("view-only", HTMLElement).hidden = !viewOnly;
  }

  _closeMenus() {
    for (const menu of this._menus) menu.open = false;
  }

  /** @param {number} wait */
  _linger(wait) {
    clearTimeout(this._lingering);
    this._lingering = setTimeout(() => {
      const used = this._over || this._bar.contains(document.activeElement) || this._menus.some((menu) => menu.open);
      if (used) this._linger(LINGER);
      else this.dismiss();
    }, wait);
  }
}
