/**
 * Connecting: one click from a device to its desktop in the browser's client, in a tab of its own.
 */

import { foreign, h } from "../../account/dom.js";
import { t } from "../words.js";

/** @typedef {import("../desk.js").Desk} Desk */

/** The way into a device: a new tab with the browser's client. @param {Desk} desk @param {any} device */
export function connect(desk, device) {
  const name = foreign(device.name, 60);
  if (!desk.ownKey || device.state === "revoked") return h("button", { type: "button", disabled: true, title: desk.ownKey ? t("devices.revoked") : t("key.short") }, t("devices.connect"));
  return h("a", { class: device.online ? "button primary" : "button", href: `../#d=${dashed(device.number)}&a=1`, target: "_blank", rel: "noopener", "aria-label": t("devices.connectTo", { name }) }, t("devices.connect"));
}

/** A device's number as people read it. @param {string} number */
export function dashed(number) {
  return String(number).replaceAll("-", "").match(/.{1,4}/g)?.join("-") ?? "";
}
