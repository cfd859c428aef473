/**
 * The console put together: who is signed in decides whether there is a sign-in or the console, and the address which page.
 *
 * `document.documentElement.dataset.view` names what is shown once it is there, for tests and for nobody else.
 */

import { Problem } from "../account/api.js";
import { ask, sure } from "./elements/dialog.js";
import { failed, toast } from "./elements/toast.js";
import { h, put } from "../account/dom.js";
import { Desk } from "./desk.js";
import { PAGES } from "./pages.js";
import { explained, signedOut } from "./problems.js";
import { hashOf, routeOf } from "./router.js";
import { Shell } from "./shell.js";
import { preferred, speak, t } from "./words.js";

const root = document.documentElement;
const desk = new Desk();
const shell = new Shell({ chose: () => void begin(), leave: () => void leave() });
/** What ends with the page that is shown. */
let showing = new AbortController();
/** What who is signed in has no need of. */
const signing = () => import("./signin.js");

desk.go = (/** @type {string} */ hash) => {
  if (location.hash === hash) void show();
  else location.hash = hash;
};
desk.api.stepUp = async () => {
  const told = await desk.api.call("GET", "/me/factors").catch(() => ({ items: [] }));
  const kinds = (Array.isArray(told) ? told : told.items).map((/** @type {any} */ one) => one.kind);
  const { stepUpBody } = await signing();
  const shown = await ask({ title: t("stepup.title"), body: (close) => stepUpBody(desk, ["totp", "passkey"].filter((way) => kinds.includes(way)), () => close(true), () => close(false)) });
  if (!shown) throw new Error(t("stepup.needed"));
};

/** Somebody has shown something, or was here before: go on from there. @param {any} session */
async function advanced(session) {
  if (session.stage !== "full") {
    const { accountNeeded, factorCard } = await signing();
    if (session.stage === "enrol") alone("enrol", accountNeeded(t("signin.enrol"), t("signin.enrolText"), "../account/"));
    else alone("factor", factorCard(desk, session.next, advanced));
    return;
  }
  await desk.meet();
  if (desk.passkey && desk.known && !desk.ownKey) {
    const { unlockByPasskey } = await import("../account/unlocking.js");
    await unlockByPasskey(desk, desk.passkey.secret).catch(() => undefined); // the pages say what to do without it
  }
  desk.events.begin();
  shell.enter(desk);
  await show();
}

/** Show one card, and no menu. @param {string} name @param {HTMLElement} card */
function alone(name, card) {
  showing.abort();
  desk.events.end();
  shell.alone(card);
  root.dataset.view = name;
}

/** Show the page of the address. */
async function show() {
  if (!desk.me) return;
  const { page: name, part, query } = routeOf(location.hash);
  const seen = PAGES.filter((one) => !one.admin || desk.administers);
  const page = seen.find((one) => one.name === name);
  if (!page) {
    history.replaceState(null, "", hashOf(seen[0].name));
    return show();
  }
  showing.abort();
  showing = new AbortController();
  const { signal } = showing;
  root.dataset.view = "";
  const into = h("div", { class: "page" });
  try {
    const { open } = await page.load();
    if (signal.aborted) return;
    const head = shell.show(page.name, into);
    await open({ desk, into, part, query, signal, head });
    if (!signal.aborted) root.dataset.view = page.name;
  } catch (error) {
    if (signal.aborted) return;
    if (signedOut(error)) {
      await begin();
      return;
    }
    root.dataset.view = "failed";
    put(into, h("section", { class: "empty", role: "alert" }, h("h2", {}, t("problem.title")), h("p", {}, explained(error)), h("button", { type: "button", onclick: () => void show() }, t("list.again"))));
  }
}

/** Find out who is here. */
async function begin() {
  try {
    const asked = desk.api.call("GET", "/session");
    asked.catch(() => undefined);
    await speak(preferred());
    await advanced(await asked);
  } catch (error) {
    desk.me = null;
    const { messageCard } = await signing();
    if (error instanceof Problem && error.status === 404) alone("none", messageCard(t("none.title"), t("none.text")));
    else if (signedOut(error)) await welcome();
    else alone("failed", messageCard(t("problem.title"), explained(error), { again: () => void begin() }));
  }
}

/** Nobody is signed in. */
async function welcome() {
  const { accountNeeded, signInCard } = await signing();
  const { open } = await desk.api.call("GET", "/setup").catch(() => ({ open: false }));
  if (open) alone("setup", accountNeeded(t("signin.setup"), t("signin.setupText"), "../account/#setup="));
  else alone("signin", signInCard(desk, advanced));
}

async function leave() {
  const gone = await sure({ title: t("shell.leave"), text: t("shell.leaveText"), yes: t("shell.leave"), act: () => desk.api.call("DELETE", "/session") });
  if (!gone) return;
  desk.me = null;
  await begin();
  toast(t("shell.left"));
}

addEventListener("hashchange", () => void show());
addEventListener("signed-out", () => void begin());
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Problem)) return;
  event.preventDefault();
  if (signedOut(event.reason)) void begin();
  else failed(event.reason);
});
void begin();
