/**
 * `<avl-list>`: a list of any length, as a table or as cards. It asks for a page when the one before comes to its end, and
 * draws what is seen alone (window.js). Every row and card has the same height, whatever stands in it: what changes moves
 * nothing.
 *
 * `new List({ label, key, source, columns, card, empty })`; `reload()` asks anew, `reloadSoon()` where much may happen
 * at once, `change(key, act)` redraws one thing, `show("cards")` draws the other way. Arrow keys, Home and End go from row to row; Tab goes through what is in one
 * row, and on past the list: else who has no pointer would never come to its end.
 *
 * Where a column says by what, a table is sorted by it: forth, back, and as the relay has it. All of it is asked for then,
 * up to SORTED.
 */

import { h, put } from "../../account/dom.js";
import { explained, signedOut } from "../problems.js";
import { count, t } from "../words.js";
import { windowOf } from "./window.js";

/**
 * @template T
 * @typedef {object} Column
 * @property {string} title  a word; "" for a column of buttons, whose title is heard alone
 * @property {string} [heard]  the title of a column that shows none
 * @property {(item: T) => (Node | string)} cell
 * @property {string} width  of CSS
 * @property {boolean} [wide]  left out where there is little room
 * @property {(item: T) => string | number} [by]  what it is sorted by
 */

/**
 * @template T
 * @typedef {object} Shape
 * @property {string} label  what it is a list of
 * @property {(item: T) => string} key
 * @property {(after: string) => Promise<{ items: T[], next: string | null }>} source  a page of it; "" for the first
 * @property {Column<T>[]} columns  the first has what a row is called
 * @property {(item: T) => Node[]} [card]
 * @property {() => boolean} [pictured]  whether cards have pictures
 * @property {() => Node} empty  what is shown where there is nothing, and says what to do next
 * @property {(text: string) => void} [counted]  told how many there are
 */

/** Heights in px, as console.css has them. */
const ROW = 52;
const CARD = 176;
const CARD_WIDTH = 280;
/** That of one with a picture. */
const PICTURED = 336;
const GAP = 14;
/** Milliseconds for which what happens is gathered before it is asked for. */
const SOON = 250;
/** How many more are asked for before the end is reached. */
const AHEAD = 60;
/** How many are sorted at most. */
const SORTED = 5000;

/** @template T */
export class List extends HTMLElement {
  /** @param {Shape<T>} shape */
  constructor(shape) {
    super();
    this._shape = shape;
    /** What was told so far, in the relay's order. @type {T[]} */
    this.items = [];
    /** @type {string | null} */
    this._next = "";
    /** @type {Promise<void> | null} */
    this._asking = null;
    /** Which list this is: answers to earlier questions are dropped. */
    this._turn = 0;
    /** Of the row that Tab comes to. */
    this._current = "";
    /** How many are drawn or were passed by. */
    this._last = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._soon = undefined;
    /** @type {"table" | "cards"} */
    this._how = "table";
    /** By which column it is sorted, 1 forth and -1 back; none: as the relay has it. @type {{ column: Column<T>, way: 1 | -1 } | null} */
    this._order = null;
    /** @type {Map<string, HTMLElement>} */
    this._drawn = new Map();
    this._body = h("tbody");
    this._spacers = [h("tbody", { "aria-hidden": "true" }, h("tr", {}, h("td"))), h("tbody", { "aria-hidden": "true" }, h("tr", {}, h("td")))];
    this._foot = h("div", { class: "foot", role: "status" });
    this._again = () => this._draw();
  }

  connectedCallback() {
    this._scroller = /** @type {HTMLElement} */ (this.closest("main, dialog"));
    this._scroller.addEventListener("scroll", this._again, { passive: true });
    this._sized = new ResizeObserver(this._again);
    this._sized.observe(this);
    this.addEventListener("keydown", this._keyed);
    this.addEventListener("focusin", this._entered);
    this._build();
  }

  disconnectedCallback() {
    this._scroller?.removeEventListener("scroll", this._again);
    this._sized?.disconnect();
    clearTimeout(this._soon);
    this.removeEventListener("keydown", this._keyed);
    this.removeEventListener("focusin", this._entered);
  }

  /** Draw as a table or as cards. @param {"table" | "cards"} how */
  show(how) {
    this._how = this._shape.card ? how : "table";
    if (this.isConnected) this._build();
  }

  /** Ask anew, from the start, up to what is seen; resolves when that is drawn. */
  async reload() {
    clearTimeout(this._soon);
    const turn = (this._turn += 1);
    const wanted = this._order ? SORTED : Math.max(1, this._last);
    /** @type {T[]} */
    const items = [];
    /** @type {string | null} */
    let next = "";
    this.setAttribute("aria-busy", "true");
    this._asking = null;
    try {
      while (next !== null && items.length < wanted) {
        const told = /** @type {{ items: T[], next: string | null }} */ (await this._shape.source(next));
        if (turn !== this._turn) return;
        items.push(...told.items);
        next = told.next;
      }
    } catch (error) {
      if (turn === this._turn) this._fail(error);
      return;
    } finally {
      if (turn === this._turn) this.removeAttribute("aria-busy");
    }
    this.items = this._sorted(items);
    this._next = next;
    const focused = this._focused();
    for (const one of this._drawn.values()) one.remove();
    this._drawn.clear();
    this._told();
    this._draw();
    focused();
  }

  /** As they are to be shown. @param {T[]} items @returns {T[]} */
  _sorted(items) {
    const { column, way } = this._order ?? {};
    const by = column?.by;
    return by ? [...items].sort((one, other) => (way ?? 1) * compare(by(one), by(other))) : items;
  }

  /** The next way to sort by a column. @param {Column<T>} column */
  _sortBy(column) {
    const now = this._order?.column === column ? this._order.way : 0;
    this._order = now === -1 ? null : { column, way: now ? -1 : 1 };
    this._mark();
    void this.reload();
  }

  /** Say in the head by what it is sorted. */
  _mark() {
    this._shape.columns.forEach((column, at) => {
      const way = this._order?.column === column ? this._order.way : 0;
      if (column.by) this.querySelectorAll("thead th")[at]?.setAttribute("aria-sort", way ? (way > 0 ? "ascending" : "descending") : "none");
    });
  }

  /** What gives the focus back to where it is now, after rows were made anew. @returns {() => void} */
  _focused() {
    const at = /** @type {HTMLElement | null} */ (document.activeElement);
    const row = /** @type {HTMLElement | null} */ (at?.closest("[data-key]"));
    if (!at || !row?.dataset.key || !this.contains(row)) return () => undefined;
    const [key, path] = [row.dataset.key, pathTo(row, at)];
    return () => {
      const made = this._drawn.get(key);
      /** @type {HTMLElement | undefined} */ ((made && follow(made, path)) ?? this._scroller)?.focus({ preventScroll: true });
    };
  }

  /** Ask anew in a moment: much may happen at once, and is one answer then. */
  reloadSoon() {
    clearTimeout(this._soon);
    this._soon = setTimeout(() => void this.reload(), SOON);
  }

  /** Another state of one thing, where it is there. @param {string} key @param {(item: T) => T} act @returns {boolean}
   * whether it was */
  change(key, act) {
    const at = this.items.findIndex((item) => this._shape.key(item) === key);
    if (at < 0) return false;
    this.items[at] = act(this.items[at]);
    const shown = this._drawn.get(key);
    if (!shown) return true;
    const made = this._made(this.items[at], at);
    const focused = this._focused();
    shown.replaceChildren(...made.childNodes);
    this._rove();
    focused();
    return true;
  }

  /** The frame of rows or cards. */
  _build() {
    this._drawn.clear();
    this.dataset.how = this._how;
    const { label, columns } = this._shape;
    if (this._how === "cards") {
      this._place = h("ul", { class: "cards", "aria-label": label });
      put(this, this._place, this._foot);
    } else {
      const heads = columns.map((one) => {
        const title = one.title || h("span", { class: "heard" }, one.heard ?? "");
        return h("th", { scope: "col", class: one.wide ? "wide" : "" }, one.by ? h("button", { type: "button", class: "sort", onclick: () => this._sortBy(one) }, title) : title);
      });
      const cols = columns.map((one) => {
        const made = h("col", { class: one.wide ? "wide" : "" });
        made.style.width = one.width;
        return made;
      });
      put(this._body);
      this._place = this._body;
      put(this, h("table", { "aria-label": label }, h("colgroup", {}, ...cols), h("thead", {}, h("tr", {}, ...heads)), this._spacers[0], this._body, this._spacers[1]), this._foot);
      this._mark();
    }
    this._told();
    this._draw();
  }

  /** Say how many there are, or what to do where there is none. */
  _told() {
    const none = !this.items.length && this._next === null;
    this.classList.toggle("none", none);
    put(this._foot, none ? this._shape.empty() : null);
    if (this._next !== "") this._shape.counted?.(none ? "" : count(this._next ? "list.more" : "list.all", this.items.length));
    const table = this.querySelector("table");
    table?.setAttribute("aria-rowcount", String(this._next ? -1 : this.items.length + 1));
  }

  /** @param {unknown} error */
  _fail(error) {
    if (signedOut(error)) {
      this.dispatchEvent(new Event("signed-out", { bubbles: true })); // main.js asks to sign in
      return;
    }
    const again = h("button", { type: "button", onclick: () => void this.reload() }, t("list.again"));
    put(this._foot, h("div", { class: "empty", role: "alert" }, h("p", {}, explained(error)), again));
  }

  /** Draw what is seen, and ask for more before its end is reached. */
  _draw() {
    if (!this._place || !this._scroller) return;
    const cards = this._how === "cards";
    const across = cards ? Math.max(1, Math.floor((this.clientWidth + GAP) / (CARD_WIDTH + GAP))) : 1;
    const height = cards ? this._card() + GAP : ROW;
    const seen = this._scroller.clientHeight;
    const top = this._scroller.getBoundingClientRect().top - this.getBoundingClientRect().top;
    const { first, last, before, after } = windowOf({ count: this.items.length, across, height, top, seen });
    if (cards) {
      this._place.style.gridTemplateColumns = `repeat(${across}, minmax(0, 1fr))`;
      this._place.style.paddingTop = `${before}px`;
      this._place.style.paddingBottom = `${after}px`;
    } else {
      this._spacers.forEach((one, at) => {
        const px = [before, after][at];
        one.hidden = px === 0;
        /** @type {HTMLElement} */ (one.querySelector("td")).style.height = `${px}px`;
      });
    }
    /** @type {Map<string, HTMLElement>} */
    const wanted = new Map();
    for (let at = first; at < last; at++) {
      const key = this._shape.key(this.items[at]);
      wanted.set(key, this._drawn.get(key) ?? this._made(this.items[at], at));
    }
    for (const [key, one] of this._drawn) if (!wanted.has(key)) this._drop(one);
    let follows = this._place.firstElementChild;
    for (const one of wanted.values()) {
      if (one === follows) follows = follows.nextElementSibling;
      else this._place.insertBefore(one, follows);
    }
    this._drawn = wanted;
    this._last = last;
    this._rove();
    if (last + AHEAD >= this.items.length && this._next && !this._order) void this._more();
  }

  _card() {
    return this._shape.pictured?.() ? PICTURED : CARD;
  }

  /** One that is seen no more. The focus is not lost with it. @param {HTMLElement} one */
  _drop(one) {
    if (one.contains(document.activeElement)) this._scroller?.focus({ preventScroll: true });
    one.remove();
  }

  async _more() {
    if (this._asking) return this._asking;
    const turn = this._turn;
    const asking = this._shape.source(this._next ?? "").then(
      (told) => {
        if (turn !== this._turn) return;
        this.items.push(...told.items);
        this._next = told.next;
        this._asking = null;
        this._told();
        this._draw();
      },
      (error) => {
        if (turn !== this._turn) return;
        this._asking = null;
        this._next = null;
        this._fail(error);
      },
    );
    this._asking = asking;
    return asking;
  }

  /** @param {T} item @param {number} at @returns {HTMLElement} */
  _made(item, at) {
    const key = this._shape.key(item);
    if (this._how === "cards" && this._shape.card) return h("li", { class: "card", "data-key": key }, ...this._shape.card(item));
    const cells = this._shape.columns.map((one, number) =>
      h(number ? "td" : "th", { scope: number ? null : "row", class: one.wide ? "wide" : "" }, one.cell(item)));
    return h("tr", { "data-key": key, "aria-rowindex": at + 2 }, ...cells);
  }

  /** Tab comes to what is in one row alone. */
  _rove() {
    if (!this._drawn.has(this._current)) this._current = this._drawn.keys().next().value ?? "";
    for (const [key, row] of this._drawn) {
      for (const one of row.querySelectorAll("a, button, input, select")) /** @type {HTMLElement} */ (one).tabIndex = key === this._current ? 0 : -1;
    }
  }

  /** @param {FocusEvent} event */
  _entered(event) {
    const key = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-key]"))?.dataset.key;
    if (key === undefined || key === this._current) return;
    this._current = key;
    this._rove();
  }

  /** @param {KeyboardEvent} event */
  _keyed(event) {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity }[event.key];
    const target = /** @type {HTMLElement} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest("[data-key]"));
    if (move === undefined || !row || target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const now = this.items.findIndex((item) => this._shape.key(item) === row.dataset.key);
    const to = Math.min(this.items.length - 1, Math.max(0, now + move));
    const held = pathTo(row, target);
    this._reach(to);
    const next = this._drawn.get(this._shape.key(this.items[to]));
    const found = next && (follow(next, held) ?? next.querySelector("a, button"));
    /** @type {HTMLElement | null | undefined} */ (found)?.focus({ preventScroll: true });
  }

  /** Scroll so that one is seen whole. @param {number} at */
  _reach(at) {
    if (!this._scroller) return;
    const cards = this._how === "cards";
    const across = cards ? Math.max(1, Math.floor((this.clientWidth + GAP) / (CARD_WIDTH + GAP))) : 1;
    const height = cards ? this._card() + GAP : ROW;
    const start = this.getBoundingClientRect().top - this._scroller.getBoundingClientRect().top + this._scroller.scrollTop;
    const above = start + Math.floor(at / across) * height;
    const head = cards ? 0 : (this.querySelector("thead")?.getBoundingClientRect().height ?? 0);
    if (above < this._scroller.scrollTop) this._scroller.scrollTop = above - (cards ? GAP : 0);
    else if (above + height + head > this._scroller.scrollTop + this._scroller.clientHeight) this._scroller.scrollTop = above + height + head - this._scroller.clientHeight;
    this._draw();
  }
}
customElements.define("avl-list", List);

/** Numbers by size, text as people sort it. @param {string | number} one @param {string | number} other */
function compare(one, other) {
  return typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), undefined, { numeric: true, sensitivity: "base" });
}

/** Which child of which child an element is. @param {Element} from @param {Element} to @returns {number[]} */
function pathTo(from, to) {
  const path = [];
  for (let at = to; at !== from && at.parentElement; at = at.parentElement) path.unshift([...at.parentElement.children].indexOf(at));
  return path;
}

/** @param {Element} from @param {number[]} path @returns {Element | undefined} */
function follow(from, path) {
  return path.reduce((/** @type {Element | undefined} */ at, child) => at?.children[child], from);
}
