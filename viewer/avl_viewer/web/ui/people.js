/**
 * People: who else is at the desktop, in the toolbar, with what can be done about control.
 */

import { nameOf } from "../present/company.js";
import { CONTROL_ACT, CONTROL_MODE } from "../wire/registry.js";
import { element } from "./elements.js";

/** A list of names, which are shown as text. */
export class People {
  /** @param {(act: number, to: number) => void} control  asks for control, or passes it on */
  constructor(control) {
    this._control = control;
    this._list = element("people-list", HTMLElement);
  }

  /** Who is here. @param {import("../present/company.js").Company} company @param {boolean} acts  our own permission */
  show(company, acts) {
    const lines = company.people.map((person) => {
      const what = [
        person.number === company.you ? "you" : "",
        person.number === company.holder ? "has control" : "",
        person.asks ? "asks for control" : "",
        person.acts ? "" : "draws",
      ].filter(Boolean);
      return quiet(`${nameOf(company, person.number)}${what.length ? ` (${what.join(", ")})` : ""}`);
    });
    if (acts && company.mode !== CONTROL_MODE.SHARED) {
      lines.push(this._button(company.mine ? "Let go of control" : company.asking ? "Ask no more" : "Ask for control", company.mine || company.asking ? CONTROL_ACT.RELEASE : CONTROL_ACT.REQUEST, 0));
      for (const person of company.mine ? company.people : []) {
        if (person.acts && person.number !== company.you) lines.push(this._button(`Give control to ${nameOf(company, person.number)}`, CONTROL_ACT.GIVE, person.number));
      }
    }
    this._list.replaceChildren(...lines);
  }

  /** @param {string} text @param {number} act @param {number} to */
  _button(text, act, to) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => this._control(act, to));
    return button;
  }
}

/** @param {string} text */
function quiet(text) {
  const line = document.createElement("span");
  line.className = "quiet";
  line.textContent = text;
  return line;
}
