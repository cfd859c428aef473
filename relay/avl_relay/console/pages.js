/**
 * The pages that there are, in the order of the menu. A page is a module of pages/ with a function `open` (desk.js); its
 * title is the word `NAME.title`. `admin`: for those who administer the relay.
 */

/** @typedef {{ name: string, icon: import("./icons.js").Icon, admin?: boolean, load: () => Promise<{ open:
 * import("./desk.js").Open }> }} Page */

/** @type {Page[]} */
export const PAGES = [
  { name: "devices", icon: "devices", load: () => import("./pages/devices.js") },
  { name: "people", icon: "people", load: () => import("./pages/people.js") },
  { name: "groups", icon: "groups", load: () => import("./pages/groups.js") },
  { name: "shares", icon: "shares", load: () => import("./pages/shares.js") },
  { name: "matrix", icon: "permissions", admin: true, load: () => import("./pages/matrix.js") },
  { name: "sessions", icon: "sessions", load: () => import("./pages/sessions.js") },
  { name: "alarms", icon: "alarms", admin: true, load: () => import("./pages/alarms.js") },
  { name: "audit", icon: "audit", admin: true, load: () => import("./pages/audit.js") },
  { name: "health", icon: "health", admin: true, load: () => import("./pages/health.js") },
  { name: "settings", icon: "settings", admin: true, load: () => import("./pages/settings.js") },
];
