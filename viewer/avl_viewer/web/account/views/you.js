/**
 * You: how you prove that it is you, what opens your key, and where you are signed in.
 */

import { action, foreign, form, h, labelled, put, when } from "../dom.js";
import * as passkey from "../passkey.js";
import { keptPictureKey } from "../picturekey.js";
import { qr } from "../qr.js";
import { confirmed, copied, dialog, tell } from "../surroundings.js";
import { fingerprint } from "./approve.js";
import { keyCard, wrapByPasskey } from "./keycard.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** @param {Surroundings} around @param {HTMLElement} into */
export async function youView(around, into) {
  const again = () => youView(around, into);
  const [factors, offered, copies, pictures, mine, sessions] = await Promise.all([
    around.api.call("GET", "/me/factors"),
    around.api.call("GET", "/oidc").catch(() => ({ items: [] })),
    around.api.call("GET", "/me/key-copies").catch(() => ({ items: [] })),
    around.api.call("GET", "/me/picture-keys").catch(() => ({ items: [] })),
    keptPictureKey(),
    around.api.call("GET", "/me/sessions").catch(() => ({ items: [] })),
  ]);
  put(into, keyCard(around, again), factorCard(around, items(factors), again), providerCard(around, items(offered), again), copyCard(around, items(copies), again), pictureCard(around, items(pictures), mine, again), sessionCard(around, items(sessions), again));
}

/** @param {any} told @returns {any[]} */
const items = (told) => (Array.isArray(told) ? told : (told?.items ?? []));

/** Seconds since a second factor was shown for which no other is asked for before one goes to a provider. */
const LINKS = 240;
/** @type {Record<string, string>} */
const KINDS = { totp: "Authenticator app", passkey: "Passkey", recovery: "Recovery codes" };

/** @param {Surroundings} around @param {any[]} factors @param {() => void} again */
function factorCard(around, factors, again) {
  const rows = factors.map((one) =>
    h(
      "li",
      { "data-factor": one.kind },
      h("div", { class: "what" }, h("strong", {}, foreign(one.name) || KINDS[one.kind]), h("span", { class: "quiet" }, [KINDS[one.kind], one.left !== undefined ? `${one.left} left` : "", one.used ? `used ${when(one.used)}` : "not used yet"].filter(Boolean).join(" · "))),
      action("Remove", async () => {
        if (await confirmed("Remove this?", "You can't sign in with it any more.", "Remove", () => around.api.call("DELETE", `/me/factors/${encodeURIComponent(one.id)}`))) again();
      }, tell, { class: "danger" }),
    ));
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Signing in"),
    h("p", { class: "quiet" }, "What is asked for beside your password. What is dangerous, as enrolling a host, needs one of them."),
    h("ul", { class: "list", id: "factors" }, ...(rows.length ? rows : [h("li", { class: "empty" }, "Your password alone. Add a passkey or an authenticator app.")])),
    h(
      "div",
      { class: "row" },
      passkey.available() && action("Add a passkey", () => addPasskey(around).then(again), tell, { id: "add-passkey" }),
      action("Add an authenticator app", () => addTotp(around).then(again), tell, { id: "add-totp" }),
      action("New recovery codes", () => newCodes(around).then(again), tell, { id: "new-codes" }),
    ),
  );
}

/** Providers that know us, and those that may; null where there is none. @param {Surroundings} around @param {any[]}
 * offered @param {() => void} again */
function providerCard(around, offered, again) {
  /** @type {string[]} */
  const linked = around.me.providers ?? [];
  if (!offered.length && !linked.length) return null;
  const titleOf = (/** @type {string} */ issuer) => foreign(offered.find((one) => one.issuer === issuer)?.title || issuer);
  const rows = linked.map((issuer) =>
    h(
      "li",
      { "data-provider": issuer },
      h("div", { class: "what" }, h("strong", {}, titleOf(issuer)), h("span", { class: "quiet" }, foreign(issuer))),
      action("Unlink", async () => {
        const gone = await confirmed(`Unlink ${titleOf(issuer)}?`, "You can't sign in with it any more.", "Unlink", () => around.api.call("DELETE", "/me/providers", { issuer }));
        if (!gone) return;
        await around.meet();
        again();
      }, tell, { class: "danger", "data-act": "unlink" }),
    ));
  const link = (/** @type {any} */ one) =>
    action(`Link ${foreign(one.title)}`, async () => {
      if (!(around.now - (around.me.mfa_at ?? 0) < LINKS)) await around.api.stepUp();
      location.assign(`/api/v1/oidc/${encodeURIComponent(one.name)}/begin?link=true`);
    }, tell, { "data-act": "link" });
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Other ways to sign in"),
    h("ul", { class: "list", id: "providers" }, ...(rows.length ? rows : [h("li", { class: "empty" }, "None yet.")])),
    h("div", { class: "row" }, ...offered.filter((one) => !linked.includes(one.issuer)).map(link)),
  );
}

/** Add a passkey, which opens the person's key, too, where it can. @param {Surroundings} around */
export async function addPasskey(around) {
  const options = await around.api.call("POST", "/me/factors/passkey/options", {});
  const made = await passkey.make(options);
  const name = "Passkey";
  const session = await around.api.call("POST", "/me/factors/passkey", { credential: made.credential, name });
  if (!made.prf) {
    tell("The passkey is there. It can't open your key in this browser.");
    return session;
  }
  const secret = made.secret ?? (await passkey.secretOf([made.credential.id]));
  around.passkey = { credential: made.credential.id, secret };
  if (around.seed) await wrapByPasskey(around, made.credential.id, secret, name);
  if (around.ownKey && !around.seed) tell("The passkey is there. To let it open your key, unlock the key with the recovery key first.");
  else tell("The passkey is there, and opens your key in other browsers.");
  return session;
}

/** Add an authenticator app; what the relay answered when it was confirmed, null where it was not. @param
 * {Surroundings} around @returns {Promise<any>} */
export async function addTotp(around) {
  const { secret, uri, id } = await around.api.call("POST", "/me/factors/totp", {});
  const picture = await qr(uri, "The secret of your authenticator app");
  const code = h("input", { class: "code", name: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 8 });
  return dialog((close) => [
    h("h2", {}, "Authenticator app"),
    h("p", {}, picture ? "Scan this with the app, then enter the code that it shows." : "Give the app this secret, then enter the code that it shows."),
    ...(picture ? [picture] : []),
    h("details", { open: !picture }, h("summary", { hidden: !picture }, "I can't scan it"), h("p", { class: "fingerprint", id: "totp-secret" }, secret)),
    form(
      {
        act: async () => {
          close(await around.api.call("POST", "/me/factors/totp/confirm", { code: code.value.trim(), ...(id ? { id } : {}) }));
        },
        submit: "Confirm",
        more: [h("button", { type: "button", onclick: () => close(null) }, "Cancel")],
      },
      labelled("Code", code),
    ),
  ]);
}

/** @param {Surroundings} around */
async function newCodes(around) {
  const { codes } = await around.api.call("POST", "/me/factors/recovery", {});
  await dialog((close) => [
    h("h2", {}, "Recovery codes"),
    h("p", {}, "Each lets you in once without a second factor. Those of before no longer work. They are shown only now."),
    h("ul", { class: "codes", id: "recovery-codes" }, ...codes.map((/** @type {string} */ one) => h("li", {}, one))),
    h("div", { class: "row end" }, action("Copy", () => copied(codes.join("\n")), tell), h("button", { type: "button", class: "primary", onclick: () => close() }, "I have them")),
  ]);
}

/** @param {Surroundings} around @param {any[]} copies @param {() => void} again */
function copyCard(around, copies, again) {
  const rows = copies.map((one) =>
    h(
      "li",
      {},
      h("div", { class: "what" }, h("strong", {}, foreign(one.name) || "A copy"), h("span", { class: "quiet" }, `opened by ${one.kind === "passkey" ? "a passkey" : "the recovery key"} · made ${when(one.created)}`)),
      action("Remove", async () => {
        if (await confirmed("Remove this copy?", "What opened it opens your key no longer.", "Remove", () => around.api.call("DELETE", `/me/key-copies/${encodeURIComponent(one.id)}`))) again();
      }, tell, { class: "danger" }),
    ));
  const key = around.known && h("p", { class: "fingerprint", id: "my-fingerprint" }, fingerprint(around.known));
  return around.known
    ? h("section", { class: "card" }, h("h2", {}, "Your key"), h("p", { class: "quiet" }, "Hosts show this fingerprint of their owner. Wrapped copies lie on the relay, which can't open them."), key, h("ul", { class: "list", id: "copies" }, ...rows))
    : null;
}

/** The browsers for which hosts leave last pictures; null where there is none. @param {Surroundings} around @param {any[]}
 * keys @param {string} mine  that of this browser @param {() => void} again */
function pictureCard(around, keys, mine, again) {
  if (!keys.length) return null;
  const rows = keys.map((one) =>
    h(
      "li",
      {},
      h("div", { class: "what" }, h("strong", {}, one.key === mine ? "This browser" : "Another browser"), h("span", { class: "quiet" }, `since ${when(one.created)} · until ${when(one.expires)}`)),
      action("Remove", async () => {
        const text = "The relay deletes the last pictures that are sealed to it, and hosts leave no more for it. It is added again when you open the console there.";
        if (await confirmed("Remove this browser?", text, "Remove", () => around.api.call("DELETE", `/me/picture-keys/${encodeURIComponent(one.key)}`))) again();
      }, tell, { class: "danger" }),
    ));
  return h("section", { class: "card" }, h("h2", {}, "Last pictures"), h("p", { class: "quiet" }, "Hosts that leave a last picture seal it to these browsers. Remove those that you have lost or use no more."), h("ul", { class: "list", id: "picture-keys" }, ...rows));
}

/** @param {Surroundings} around @param {any[]} sessions @param {() => void} again */
function sessionCard(around, sessions, again) {
  const rows = sessions.map((one) =>
    h(
      "li",
      {},
      h("div", { class: "what" }, h("strong", {}, one.kind === "browser" ? browserName(one.name) : foreign(one.name) || "A program", one.current ? " (this one)" : ""), h("span", { class: "quiet" }, `since ${when(one.created)} · used ${when(one.seen)}`)),
      one.stage === "approval" && action("It is me", async () => {
        await around.api.call("POST", `/me/sessions/${encodeURIComponent(one.id)}/approve`, {});
        again();
      }, tell, { class: "primary" }),
      !one.current && action("Sign out", async () => {
        await around.api.call("DELETE", `/me/sessions/${encodeURIComponent(one.id)}`);
        again();
      }, tell, { class: "danger" }),
    ));
  return h("section", { class: "card" }, h("h2", {}, "Where you are signed in"), h("ul", { class: "list", id: "signed-in" }, ...rows));
}

/** A browser, as people call it, of what it says of itself. @param {unknown} agent */
function browserName(agent) {
  const text = typeof agent === "string" ? agent : "";
  const browser = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Chromium/", "Chromium"], ["Safari/", "Safari"]].find(([part]) => text.includes(part));
  const system = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["Linux", "Linux"]].find(([part]) => text.includes(part));
  if (!browser) return foreign(text, 60) || "A browser";
  return system ? `${browser[1]} on ${system[1]}` : browser[1];
}
