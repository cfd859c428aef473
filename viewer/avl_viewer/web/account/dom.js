/**
 * Elements made in JavaScript. Text goes in as text nodes alone, so that what a host, a relay or another person chose
 * can never become markup.
 */

import { forDialog } from "../wire/foreign.js";

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element with attributes, listeners and children. An attribute that is false, null or undefined is left out; `onX`
 * listens to X.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [attributes] @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  put(made, ...children);
  return made;
}

/** Put these in place of what was there. @param {Element} into @param {...Child} children */
export function put(into, ...children) {
  into.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false));
}

/** Text that somebody else chose, as one line that can be shown. @param {unknown} text @param {number} [longest] */
export function foreign(text, longest = 80) {
  return forDialog(typeof text === "string" ? text : "", longest);
}

/**
 * A label above a field. @param {string} text @param {HTMLElement} field @param {string} [hint]
 */
export function labelled(text, field, hint) {
  field.id ||= `f-${(labelled.made += 1)}`;
  const words = hint ? h("span", { class: "quiet" }, hint) : null;
  return h("div", { class: "field" }, h("label", { for: field.id }, text), field, words);
}
labelled.made = 0;

/**
 * A form that runs `act` when it is sent: its buttons are disabled meanwhile, and what goes wrong stands above them.
 * @param {{ act: (form: HTMLFormElement) => Promise<unknown>, class?: string, submit: string, danger?: boolean,
 * more?: Child[], told?: (error: unknown) => string }} how  `told`: an error as a sentence @param {...Child} children
 */
export function form(how, ...children) {
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: how.danger ? "primary danger" : "primary" }, how.submit);
  const made = h("form", { class: how.class ?? "fields", novalidate: true, autocomplete: "off" }, ...children, error);
  made.append(h("div", { class: "row end" }, ...(how.more ?? []), button));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    await busy(made, () => how.act(made), (text) => {
      error.textContent = text;
      error.hidden = false;
      error.scrollIntoView({ block: "nearest" });
    }, how.told);
  });
  return made;
}

/**
 * A button that runs `act`: it is disabled meanwhile, and `failed` is told what went wrong.
 * @param {string} text @param {() => unknown} act @param {(text: string) => void} failed @param {Record<string, any>}
 * [attributes]
 */
export function action(text, act, failed, attributes = {}) {
  const made = h("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", () => void busy(made, act, failed));
  return made;
}

/** @param {HTMLElement} within @param {() => unknown} act @param {(text: string) => void} failed @param {(error:
 * unknown) => string} [told] */
async function busy(within, act, failed, told = sentence) {
  const buttons = within instanceof HTMLButtonElement ? [within] : [...within.querySelectorAll("button")];
  const before = buttons.map((button) => button.disabled);
  for (const button of buttons) button.disabled = true;
  try {
    await act();
  } catch (error) {
    failed(told(error));
  } finally {
    buttons.forEach((button, at) => (button.disabled = before[at]));
  }
}

/** What a person is told of an error. @param {unknown} error */
export function sentence(error) {
  if (error instanceof DOMException && error.name === "NotAllowedError") return "That was cancelled, or took too long.";
  const text = error instanceof Error ? error.message : String(error);
  return foreign(text, 400) || "That did not work.";
}

/** A time in the past or future, as people say it. @param {number | null | undefined} seconds  Unix time */
export function when(seconds) {
  if (!seconds) return "never";
  const ahead = seconds - Date.now() / 1000;
  const size = Math.abs(ahead);
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (size < 60) return ahead > 0 ? "in a moment" : "just now";
  if (size < 3600) return format.format(Math.round(ahead / 60), "minute");
  if (size < 86_400 * 2) return format.format(Math.round(ahead / 3600), "hour");
  return format.format(Math.round(ahead / 86_400), "day");
}
