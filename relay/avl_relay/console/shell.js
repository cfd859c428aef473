/**
 * The shell: the menu, the page beside it, and what is chosen once: the language and the colours.
 */

import { foreign, h, put } from "../account/dom.js";
import { icon } from "./icons.js";
import { PAGES } from "./pages.js";
import { hashOf } from "./router.js";
import { LANGUAGES, speak, spoken, t } from "./words.js";

/** @typedef {import("./desk.js").Desk} Desk */

const THEME = "avl-console-theme";

/** The frame around all pages. */
export class Shell {
  /** @param {{ chose: () => void, leave: () => void }} told  `chose`: another language was chosen */
  constructor({ chose, leave }) {
    this._chose = chose;
    this._leave = leave;
    this._view = h("main", { id: "view", tabindex: -1 });
  }

  /** Somebody is signed in: the menu is there. @param {Desk} desk */
  enter(desk) {
    const menu = h("button", { type: "button", class: "menu quietly", "aria-expanded": "false", "aria-controls": "menu", "aria-label": t("shell.menu") }, icon("menu"));
    const seen = PAGES.filter((one) => !one.admin || desk.administers);
    const links = seen.map((one) => h("a", { href: hashOf(one.name), "data-page": one.name }, icon(one.icon), t(`${one.name}.title`)));
    this._nav = h("nav", { id: "menu", "aria-label": t("shell.pages") }, h("ul", {}, ...links.map((one) => h("li", {}, one))));
    const open = (/** @type {boolean} */ shown) => {
      menu.setAttribute("aria-expanded", String(shown));
      side.classList.toggle("open", shown);
    };
    menu.addEventListener("click", () => open(menu.getAttribute("aria-expanded") !== "true"));
    this._nav.addEventListener("click", (event) => void (/** @type {Element} */ (event.target).closest("a") && open(false)));
    const who = h("div", { class: "who" }, h("strong", {}, foreign(desk.me.name || desk.me.login, 60)), h("a", { href: "../account/#you" }, t("shell.account")));
    const out = h("button", { type: "button", class: "quietly", onclick: () => this._leave() }, icon("out"), t("shell.leave"));
    const side = h("aside", { class: "side", "aria-label": t("shell.label") }, h("div", { class: "brand" }, h("img", { src: "../icon.svg", alt: "", width: 28, height: 28 }), h("strong", {}, "avl"), menu), h("div", { class: "below" }, this._nav, h("div", { class: "end-of-menu" }, this._choices(), who, out)));
    side.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !side.classList.contains("open")) return;
      open(false);
      menu.focus();
    });
    document.body.className = "inside";
    put(document.body, this._skip(), side, this._view, document.createElement("avl-toasts"));
  }

  /** A page is shown. @param {string} name @param {HTMLElement} into @returns {(title: string, ...actions: (Node | null |
   * false)[]) => void} what gives it its title */
  show(name, into) {
    for (const link of this._nav?.querySelectorAll("a") ?? []) {
      if (link.dataset.page === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const title = h("h1", { tabindex: -1 }, t(`${name}.title`));
    const beside = h("div", { class: "row" });
    const moved = this._view.firstElementChild !== null; // the first page does not take the focus from the address
    put(this._view, h("header", { class: "head" }, title, beside), into);
    this._view.scrollTop = 0;
    document.title = `${t(`${name}.title`)} – avl`;
    if (moved) title.focus({ preventScroll: true });
    return (text, ...actions) => {
      title.textContent = text;
      document.title = `${text} – avl`;
      put(beside, ...actions);
    };
  }

  /** One card alone. @param {HTMLElement} card */
  alone(card) {
    document.body.className = "outside";
    put(this._view, card, h("div", { class: "row choices-alone" }, this._choices()));
    put(document.body, this._view, document.createElement("avl-toasts"));
    document.title = `${card.querySelector("h1")?.textContent ?? ""} – avl`;
    /** @type {HTMLElement | null} */ (card.querySelector("input"))?.focus();
  }

  /** Goes past the menu, for who has no pointer. */
  _skip() {
    return h("a", { class: "skip", href: "#view", onclick: (/** @type {Event} */ event) => {
      event.preventDefault();
      this._view.focus();
    } }, t("shell.skip"));
  }

  /** Language and colours. */
  _choices() {
    const language = h("select", { "aria-label": t("shell.language"), name: "language" }, ...Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code, lang: code, selected: code === spoken() }, name)));
    language.addEventListener("change", async () => {
      await speak(/** @type {import("./words.js").Language} */ (language.value), true);
      this._chose();
    });
    const now = localStorage.getItem(THEME) ?? "system";
    const theme = h("select", { "aria-label": t("shell.theme"), name: "theme" }, ...["system", "light", "dark"].map((one) => h("option", { value: one, selected: one === now }, t(`shell.${one}`))));
    theme.addEventListener("change", () => {
      localStorage.setItem(THEME, theme.value);
      if (theme.value === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme.value;
    });
    return h("div", { class: "choices" }, language, theme);
  }
}
