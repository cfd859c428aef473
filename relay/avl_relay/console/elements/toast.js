/**
 * `<avl-toasts>`: what was done, said for a moment at the foot of the page, with Undo where it can be undone.
 *
 * `toast("Renamed.", { undo: async () => ... })`. It stays longer while the pointer or the focus is in it; screen readers
 * are told as with role="status", and of errors at once.
 */

import { h } from "../../account/dom.js";
import { explained } from "../problems.js";
import { t } from "../words.js";

/** Milliseconds that a sentence stays, and one that can be undone. */
const STAYS = 6000;
const UNDOABLE = 12_000;

/** The place of all of them: one in a page. */
export class Toasts extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", t("toast.label"));
    this._polite = h("div", { role: "status" });
    this._urgent = h("div", { role: "alert" });
    this.append(this._polite, this._urgent);
  }

  /** @param {string} text @param {{ undo?: () => Promise<unknown>, error?: boolean }} how */
  say(text, { undo, error = false }) {
    const close = () => shown.remove();
    const undoing = undo && h("button", { type: "button", class: "undo", onclick: () => void this._undo(close, undo) }, t("toast.undo"));
    const shown = h("div", { class: error ? "toast error" : "toast" }, h("span", {}, text), undoing, h("button", { type: "button", class: "quietly", "aria-label": t("toast.dismiss"), onclick: close }, "×"));
    (error ? this._urgent : this._polite)?.replaceChildren(shown);
    /** @type {ReturnType<typeof setTimeout>} */
    let ending;
    const wait = () => (clearTimeout(ending), (ending = setTimeout(close, undo ? UNDOABLE : STAYS)));
    for (const kind of ["pointerenter", "focusin"]) shown.addEventListener(kind, () => clearTimeout(ending));
    for (const kind of ["pointerleave", "focusout"]) shown.addEventListener(kind, wait);
    if (!error) wait(); // an error stays until it was read
  }

  /** @param {() => void} close @param {() => Promise<unknown>} undo */
  async _undo(close, undo) {
    close();
    try {
      await undo();
      toast(t("toast.undone"));
    } catch (error) {
      failed(error);
    }
  }
}
customElements.define("avl-toasts", Toasts);

/** Say something for a moment. @param {string} text @param {{ undo?: () => Promise<unknown>, error?: boolean }} [how] */
export function toast(text, how = {}) {
  const place = /** @type {Toasts | null} */ (document.querySelector("avl-toasts"));
  place?.say(text, how);
}

/** Say what went wrong, until it was read. @param {unknown} error  or its sentence */
export function failed(error) {
  toast(typeof error === "string" ? error : explained(error), { error: true });
}
