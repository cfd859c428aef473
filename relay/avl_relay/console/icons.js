/**
 * Icons: lines on a field of 20, in the colour of the text beside them. They say nothing that a word does not say too.
 */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  devices: "M3 4h14v9H3zM7 17h6M10 13v4",
  people: "M10 10a3 3 0 1 0 0-6a3 3 0 0 0 0 6zM4 17c.4-3 2.8-5 6-5s5.6 2 6 5",
  groups: "M7 9a2.5 2.5 0 1 0 0-5a2.5 2.5 0 0 0 0 5zM2.5 16c.3-2.6 2-4.5 4.5-4.5s4.2 1.9 4.5 4.5M13 9a2.3 2.3 0 1 0-1-4.4M14 11.6c2 .4 3.2 2.1 3.5 4.4",
  shares: "M8.5 11.5a3 3 0 0 0 4.2 0l3-3a3 3 0 0 0-4.2-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.2 0l-3 3a3 3 0 0 0 4.2 4.2l1-1",
  sessions: "M3 10h3l2-5l4 10l2-5h3",
  permissions: "M10 3l6 2v5c0 4-3 6-6 7c-3-1-6-3-6-7V5zM7.5 10l2 2l3-4",
  audit: "M5 3h8l3 3v11H5zM8 8h5M8 11h5M8 14h3",
  alarms: "M6 14V9a4 4 0 0 1 8 0v5l1.5 1.5h-11zM8.5 17.5h3M10 3v2",
  health: "M10 16S3.5 12.5 3.5 8A3.3 3.3 0 0 1 10 6.5A3.3 3.3 0 0 1 16.5 8C16.5 12.5 10 16 10 16z",
  settings: "M4 6h7M15 6h1M13 4v4M4 14h1M9 14h7M7 12v4",
  menu: "M3 5h14M3 10h14M3 15h14",
  close: "M5 5l10 10M15 5L5 15",
  search: "M9 14a5 5 0 1 0 0-10a5 5 0 0 0 0 10zM13 13l4 4",
  cards: "M3 4h6v5H3zM11 4h6v5h-6zM3 11h6v5H3zM11 11h6v5h-6z",
  table: "M3 5h14M3 10h14M3 15h14",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  out: "M8 4H4v12h4M12 7l3 3l-3 3M15 10H8",
};

/** @typedef {keyof typeof PATHS} Icon */

/** @param {Icon} name @returns {SVGElement} */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 20 20");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
}
