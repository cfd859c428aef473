/**
 * Transfers: a small panel with all that is under way, how far it is, and what a person can do about it.
 */

import { forDialog } from "../wire/foreign.js";
import { amount, counted, moment, roughly } from "./amounts.js";
import { element } from "./elements.js";

/** Characters of a name that are shown. */
const NAME = 80;
const NBSP = "\u00a0";

/**
 * @typedef {import("../files/transfers.js").Shown} Shown
 *
 * @typedef {object} TransfersOwner
 * @property {(message: Record<string, any>) => void} say  to the worker that has the files
 * @property {() => void} closed  the keyboard belongs to the desktop again
 */

/** What a person is told of how far it is. @param {Shown} shown */
export function progressOf({ state, text, files, size, done, left, passed, rate, problems }) {
  if (state === "failed" || state === "lost") return text;
  if (state === "cancelled") return "Cancelled.";
  if (state === "waiting") return "Waiting for its turn.";
  if (files === null || size === null) return "Looking at what there is.";
  const out = problems.length ? 0 : left; // those that are listed are counted there
  if (state === "done") return `${counted(done, "file")} done, ${amount(size)}.${out ? ` ${out.toLocaleString("en")} left out.` : ""}`;
  const parts = [`${amount(Math.min(passed, size))} of ${amount(size)}`];
  if (files > 1) parts.push(`${(done + left).toLocaleString("en")} of ${counted(files, "file")}`);
  if (state === "paused") parts.push("paused");
  else if (rate > 0) parts.push(`${amount(rate)}/s`, `${roughly((size - passed) / rate)} left`);
  return parts.map((part) => part.replaceAll(" ", NBSP)).join(" · "); // a line breaks between them
}

/** The panel. */
export class TransfersPanel {
  /** @param {TransfersOwner} owner */
  constructor(owner) {
    this._owner = owner;
    this._panel = element("transfers", HTMLElement);
    this._list = element("transfers-list", HTMLElement);
    this._clear = element("transfers-clear", HTMLButtonElement);
    /** @type {Map<number, Row>} */
    this._rows = new Map();
    this._clear.addEventListener("click", () => owner.say({ do: "forget" }));
    element("transfers-close", HTMLButtonElement).addEventListener("click", () => this.toggle(false));
    this._panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.toggle(false);
    });
  }

  /** Show it, or take it away. @param {boolean} [shown] @returns {boolean} */
  toggle(shown = Boolean(this._panel.hidden)) {
    if (this._panel.hidden !== shown) return shown;
    this._panel.hidden = !shown;
    if (!shown) this._owner.closed();
    return shown;
  }

  /** @param {Shown[]} transfers */
  show(transfers) {
    for (const [id, row] of [...this._rows]) {
      if (transfers.some((shown) => shown.id === id)) continue;
      row.line.remove();
      this._rows.delete(id);
    }
    for (const shown of transfers) {
      let row = this._rows.get(shown.id);
      if (!row) {
        row = new Row(shown, this._owner.say);
        this._rows.set(shown.id, row);
        this._list.prepend(row.line);
        this.toggle(true);
      }
      if (row.show(shown)) this.toggle(true);
    }
    this._clear.hidden = !transfers.some(({ state }) => state === "done" || state === "failed" || state === "cancelled");
    element("transfers-none", HTMLElement).hidden = transfers.length > 0;
  }
}

/** One transfer of the panel. */
class Row {
  /** @param {Shown} shown @param {(message: Record<string, any>) => void} say */
  constructor({ id, title, out }, say) {
    this._state = "";
    this._asked = -1;
    this._told = 0;
    this.line = make("li");
    const name = `${out ? "To the desktop" : "From the desktop"}: ${forDialog(title, NAME)}`;
    this.line.setAttribute("aria-label", name);
    const head = make("div", "head");
    const mark = make("span", "way", out ? "↑" : "↓");
    mark.setAttribute("aria-hidden", "true");
    const label = make("span", "title", forDialog(title, NAME));
    label.title = name;
    this._pause = button("", () => say({ do: "pause", id, paused: this._state !== "paused" }));
    this._again = button("Go on", () => say({ do: "again", id }));
    this._cancel = button("Cancel", () => say({ do: "cancel", id }));
    this._forget = button("✕", () => say({ do: "forget", id }));
    this._forget.setAttribute("aria-label", `Show no longer: ${forDialog(title, NAME)}`);
    head.append(mark, label, this._pause, this._again, this._cancel, this._forget);
    this._bar = make("progress");
    this._bar.setAttribute("aria-label", name);
    this._text = make("p", "quiet");
    this._question = make("div", "question");
    this._question.setAttribute("role", "alert");
    const all = make("label", "all");
    this._all = make("input");
    this._all.type = "checkbox";
    all.append(this._all, " For all that follow");
    const decide = (/** @type {boolean} */ replace) => say({ do: "decide", id, number: this._asked, replace, all: this._all.checked });
    this._asks = make("p");
    const row = make("div", "row");
    row.append(button("Replace", () => decide(true)), button("Leave it", () => decide(false)), all);
    this._question.append(this._asks, row);
    this._problems = make("details");
    this._summary = make("summary");
    this._left = make("ul");
    this._problems.append(this._summary, this._left);
    this.line.append(head, this._bar, this._text, this._question, this._problems);
  }

  /** @param {Shown} shown @returns {boolean}  whether there is something new to look at */
  show(shown) {
    const { state, size, passed, question, problems, left } = shown;
    const before = this._state;
    this._state = state;
    const over = state === "done" || state === "failed" || state === "cancelled";
    this.line.dataset.state = state;
    this._pause.textContent = state === "paused" ? "Resume" : "Pause";
    this._pause.hidden = state !== "running" && state !== "paused";
    this._again.hidden = state !== "failed" && state !== "cancelled";
    this._cancel.hidden = over;
    this._forget.hidden = !over;
    this._bar.hidden = over;
    this._text.textContent = progressOf(shown);
    if (size === null) this._bar.removeAttribute("value");
    else this._bar.value = size ? Math.min(1, passed / size) : 1;
    this._question.hidden = !question;
    if (question && question.number !== this._asked) {
      this._asks.textContent = `${forDialog(question.path, NAME)} is there already: ${amount(question.size)}, changed ${moment(question.modified)}. Replace it by ${amount(question.newSize)}, changed ${moment(question.newModified)}?`;
    }
    const asks = Boolean(question) && question?.number !== this._asked;
    this._asked = question?.number ?? -1;
    this._problems.hidden = !problems.length;
    this._summary.textContent = `${Math.max(left, problems.length).toLocaleString("en")} left out`;
    if (problems.length !== this._told) {
      this._left.replaceChildren(...problems.map(([path, sentence]) => make("li", "", `${forDialog(path, NAME)}: ${sentence}`)));
    }
    this._told = problems.length;
    return asks || (before !== state && state === "failed");
  }
}

/** @template {keyof HTMLElementTagNameMap} K @param {K} kind @param {string} [name] @param {string} [text] @returns
 * {HTMLElementTagNameMap[K]} */
function make(kind, name = "", text = "") {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

/** @param {string} text @param {() => void} act */
function button(text, act) {
  const made = make("button", "", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}
