/**
 * The account pages put together: who is signed in decides what is shown, and the fragment which of it.
 *
 * `document.documentElement.dataset.view` names what is shown, for tests and for nobody else.
 */

import { Problem } from "./api.js";
import { foreign, h, put, sentence } from "./dom.js";
import * as keys from "./personkey.js";
import { comeFrom } from "./returning.js";
import { dialog, Surroundings, tell } from "./surroundings.js";
import { unlockByPasskey } from "./unlocking.js";
import { approveView } from "./views/approve.js";
import { devicesView } from "./views/devices.js";
import { peopleView } from "./views/people.js";
import { enrolView, factorView, inviteView, setupView, signedOut, signInView, stepUp } from "./views/signin.js";
import { addPasskey, addTotp, youView } from "./views/you.js";

const root = document.documentElement;
const view = /** @type {HTMLElement} */ (document.getElementById("view"));
const bar = /** @type {HTMLElement} */ (document.getElementById("bar"));
const around = new Surroundings();

/** @type {[string, string, (around: Surroundings, into: HTMLElement) => Promise<void>][]} */
const PLACES = [
  ["devices", "Devices", devicesView],
  ["people", "People", peopleView],
  ["you", "You", youView],
];

/** What the fragment says. @returns {URLSearchParams} */
const fragment = () => new URLSearchParams(location.hash.replace(/^#/, ""));
/** What somebody came here for, while they sign in. @type {string} */
let after = "";

around.go = (/** @type {string} */ hash) => {
  if (location.hash === hash) void show();
  else location.hash = hash;
};
around.api.stepUp = async () => {
  const factors = await around.api.call("GET", "/me/factors").catch(() => ({ items: [] }));
  const kinds = (Array.isArray(factors) ? factors : factors.items).map((/** @type {any} */ one) => one.kind);
  const ways = ["totp", "passkey"].filter((kind) => kinds.includes(kind));
  if (!(await dialog((close) => stepUp(around, close, ways)))) throw new Error("That was not done: it needs a second factor.");
};

/** Show one card in the middle. @param {string} name @param {HTMLElement} card */
function alone(name, card) {
  bar.hidden = true;
  view.className = "alone";
  root.dataset.view = name;
  put(view, card);
  /** @type {HTMLElement | null} */ (card.querySelector("input:not([value]), input[value='']"))?.focus();
}

/** Somebody has shown something: go on from there. @param {any} session */
async function advanced(session) {
  const { stage, next } = session;
  if (stage === "factor" || stage === "approval") {
    alone("factor", factorView(around, next, advanced));
    return;
  }
  if (stage === "enrol") {
    alone("enrol", enrolView(around, { passkey: () => addPasskey(around), totp: () => addTotp(around) }, advanced));
    return;
  }
  await around.meet();
  if (around.passkey && around.known && !around.ownKey) await unlockByPasskey(around, around.passkey.secret).catch(() => undefined);
  const back = comeFrom();
  if (back && !after && around.ownKey) { // who has no key here makes or unlocks it first
    location.replace(back);
    return;
  }
  history.replaceState(null, "", location.pathname + (after || "#devices"));
  after = "";
  await show();
}

/** What the fragment asks for, of somebody who is signed in. */
async function show() {
  if (!around.me) {
    await start();
    return;
  }
  const asked = fragment();
  const code = asked.get("code");
  const place = PLACES.find(([name]) => asked.has(name)) ?? PLACES[0];
  bar.hidden = false;
  view.className = "";
  put(
    /** @type {HTMLElement} */ (document.getElementById("tabs")),
    ...PLACES.map(([name, title]) => h("a", { href: `#${name}`, "aria-current": !code && name === place[0] && "page" }, title)),
    h("a", { href: "../console/" }, "Console"),
  );
  put(/** @type {HTMLElement} */ (document.getElementById("who")), around.me.name || around.me.login);
  const into = h("div", { class: "fields" });
  put(view, into);
  try {
    if (code) await approveView(around, into, code, asked.get("k") ?? "");
    else await place[2](around, into);
    root.dataset.view = code ? "approve" : place[0];
  } catch (error) {
    if (signedOut(error)) {
      around.me = null;
      await start("Your sign-in has ended. Sign in again.");
      return;
    }
    root.dataset.view = "failed";
    put(into, h("section", { class: "card" }, h("h2", {}, "That did not work"), h("p", { class: "error", role: "alert" }, sentence(error)), h("div", { class: "row end" }, h("a", { href: "#devices" }, "Devices"))));
  }
}

/** Find out who is here, and what they came for. @param {string} [why] */
async function start(why) {
  const asked = fragment();
  if (asked.has("failed")) {
    why = foreign(asked.get("failed"), 300);
    history.replaceState(null, "", location.pathname);
  }
  const setup = asked.get("setup");
  const invite = asked.get("invite");
  if (asked.get("code")) after = location.hash;
  if (setup !== null || invite !== null) {
    history.replaceState(null, "", location.pathname);
    await around.api.call("GET", "/session").catch(() => undefined); // who is signed in here has to show that this page asks
  }
  if (setup !== null) {
    alone("setup", setupView(around, setup, advanced));
    return;
  }
  if (invite !== null) {
    alone("invite", inviteView(around, invite, advanced));
    return;
  }
  try {
    const session = await around.api.call("GET", "/session");
    after ||= location.hash;
    if (why) tell(why);
    await advanced(session);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) alone("none", none());
    else if (await unowned()) alone("setup", setupView(around, "", advanced));
    else alone("signin", signInView(around, advanced, signedOut(error) ? why : sentence(error)));
  }
}

/** Whether nobody is here yet, who could sign in: who loads the page of the setup anew is still asked for its code. */
async function unowned() {
  return (await around.api.call("GET", "/setup").catch(() => ({ open: false }))).open;
}

/** A relay without accounts. */
function none() {
  return h("section", { class: "card" }, h("h2", {}, "No accounts here"), h("p", {}, "This relay runs without accounts. Connect with a device ID and a code: ", h("a", { href: "../" }, "open the desktop's page"), "."));
}

document.getElementById("leave")?.addEventListener("click", async () => {
  await around.api.call("DELETE", "/session").catch(() => undefined);
  await keys.forget().catch(() => undefined);
  location.replace(location.pathname);
});
addEventListener("hashchange", () => void show());
void start();
