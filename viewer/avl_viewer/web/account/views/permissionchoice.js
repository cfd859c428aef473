/**
 * Choosing permissions: a role, or each alone; one follows the other.
 */

import { PERMISSION } from "../../wire/registry.js";
import { h, labelled } from "../dom.js";

/**
 * @param {string} label @param {string} name  of the field @param {{ id: string, text: string, permissions: number }[]}
 * choices @param {number} chosen  permissions @param {[keyof typeof PERMISSION, string][]} single  those that are offered
 * alone
 * @returns {{ fields: HTMLElement[], read: () => number }}
 */
export function permissionChoice(label, name, choices, chosen, single) {
  const called = (/** @type {number} */ permissions) => choices.find((one) => one.permissions === permissions)?.id ?? "";
  const options = [...choices, { id: "", text: "Chosen one by one" }];
  const role = h("select", { name }, ...options.map((one) => h("option", { value: one.id, selected: one.id === called(chosen) }, one.text)));
  const boxes = single.map(([permission, text]) => {
    const box = h("input", { type: "checkbox", name: `${name}-${permission.toLowerCase()}` });
    return { box, bit: PERMISSION[permission], row: h("label", { class: "inline" }, box, text) };
  });
  const exactly = h("details", { class: "more" }, h("summary", {}, "What exactly"), h("div", { class: "boxes" }, ...boxes.map(({ row }) => row)));
  const show = (/** @type {number} */ permissions) => boxes.forEach(({ box, bit }) => (box.checked = Boolean(permissions & bit)));
  const sum = () => boxes.reduce((all, { box, bit }) => (box.checked ? all | bit : all), 0);
  const read = () => choices.find((one) => one.id === role.value)?.permissions ?? sum();
  role.addEventListener("change", () => {
    if (role.value) show(read());
    else exactly.open = true;
  });
  exactly.addEventListener("change", () => (role.value = called(sum())));
  show(chosen);
  return { fields: [labelled(label, role), exactly], read };
}
