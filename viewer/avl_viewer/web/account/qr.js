/**
 * QR codes, drawn here: what they hold (a second factor's secret, a share link's) is told to nobody.
 */

import { h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
/** Modules of light around it, which readers need. */
const BORDER = 4;

/** A picture of a text; null where this relay was installed without what draws it.
 * @param {string} text @param {string} title  what it is, for who can't see it @returns {Promise<Element | null>} */
export async function qr(text, title) {
  const drawer = await import("../vendor/uqr/index.mjs").catch(() => null);
  if (!drawer) return null;
  const { data, size } = drawer.encode(text, { border: 0, ecc: "M" });
  const side = size + 2 * BORDER;
  let path = "";
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) if (data[y][x]) path += `M${x + BORDER} ${y + BORDER}h1v1h-1z`;
  }
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${side} ${side}`);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", title);
  picture.setAttribute("shape-rendering", "crispEdges");
  const dark = document.createElementNS(SVG, "path");
  dark.setAttribute("d", path);
  picture.append(dark);
  return h("div", { class: "qr" }, picture);
}
