/**
 * Dialogs: a question over the page. Escape closes them, and so does another page (the browser's Back, say); the focus stays
 * in them meanwhile and returns to where it was.
 *
 * `ask({ title, body: (close) => [...] })` resolves with what `close` was given, undefined where it was given up.
 * `sure({ title, text, yes, act })` asks before something that can't be undone, and runs it.
 */

import { h } from "../../account/dom.js";
import { explained } from "../problems.js";
import { t } from "../words.js";

/** @param {{ title: string, wide?: boolean, body: (close: (value?: any) => void) => (Node | string | null | false | undefined)[] }}
 * asked @returns {Promise<any>} */
export function ask({ title, wide = false, body }) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  return new Promise((resolve) => {
    /** @type {any} */
    let value;
    const heading = h("h2", { id: `dialog-${(ask.asked += 1)}` }, title);
    const away = h("button", { type: "button", class: "quietly", "aria-label": t("dialog.close"), onclick: () => place.close() }, "×");
    const place = h("dialog", { class: wide ? "wide" : "", "aria-labelledby": heading.id });
    const close = (/** @type {any} */ given) => {
      value = given;
      place.close();
    };
    place.append(h("header", {}, heading, away));
    for (const child of body(close)) if (child) place.append(child);
    const leave = () => place.close();
    addEventListener("hashchange", leave);
    place.addEventListener("close", () => {
      removeEventListener("hashchange", leave);
      place.remove();
      const back = before?.isConnected ? before : document.getElementById("view");
      back?.focus();
      resolve(value);
    });
    document.body.append(place);
    place.showModal();
    const first = ["[autofocus]", "form :is(input, select, textarea):not(:disabled)", ".end button:last-child"].map((one) => place.querySelector(one)).find(Boolean);
    /** @type {HTMLElement | undefined | null} */ (first)?.focus();
  });
}
ask.asked = 0;

/** Ask whether something is to be done, and do it. @param {{ title: string, text: string, yes: string, act: () =>
 * Promise<unknown> }} asked @returns {Promise<boolean>}  whether it was done */
export async function sure({ title, text, yes, act }) {
  const done = await ask({
    title,
    body: (close) => {
      const error = h("p", { class: "error", role: "alert", hidden: true });
      const button = h("button", { type: "button", class: "danger primary" }, yes);
      button.addEventListener("click", async () => {
        button.disabled = true;
        try {
          await act();
          close(true);
        } catch (failure) {
          error.textContent = explained(failure);
          error.hidden = false;
          button.disabled = false;
        }
      });
      const cancel = h("button", { type: "button", autofocus: true, onclick: () => close(false) }, t("dialog.cancel"));
      return [h("p", {}, text), error, h("div", { class: "row end" }, cancel, button)];
    },
  });
  return Boolean(done);
}
