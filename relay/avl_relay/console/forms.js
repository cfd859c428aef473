/**
 * Forms of the console: those of the account pages, whose errors are told in the language of who reads them.
 */

import { form as plain, labelled } from "../account/dom.js";
import { explained } from "./problems.js";

export { labelled };

/** A form that runs `act` when it is sent. @param {{ act: (form: HTMLFormElement) => Promise<unknown>, submit: string,
 * class?: string, danger?: boolean, more?: import("../account/dom.js").Child[] }} how @param
 * {...import("../account/dom.js").Child} children */
export function form(how, ...children) {
  return plain({ ...how, told: explained }, ...children);
}
