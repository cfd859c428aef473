/**
 * The key: without it in this browser one sees everything and can sign nothing. Where it is made and unlocked are the
 * account pages; this says so, above what needs it.
 */

import { h } from "../../account/dom.js";
import { t } from "../words.js";

/** What is to be done about the key; null: nothing. @param {import("../desk.js").Desk} desk */
export function keyNotice(desk) {
  if (desk.ownKey) return null;
  const word = desk.known ? "key.unlock" : "key.make";
  return h("div", { class: "notice", id: "key-notice" }, h("p", {}, t(`${word}Text`)), h("a", { class: "button", href: "../account/#devices" }, t(word)));
}
