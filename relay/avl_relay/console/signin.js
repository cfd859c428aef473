/**
 * Coming in: by password, passkey or a provider, what is asked for after a password, and a second factor anew before
 * something dangerous. What makes an account (the setup code, an invitation, a first factor) is the account pages' work.
 */

import { action, foreign, h, put } from "../account/dom.js";
import * as passkey from "../account/passkey.js";
import { returnTo } from "../account/returning.js";
import { form, labelled } from "./forms.js";
import { explained } from "./problems.js";
import { t } from "./words.js";

/** @typedef {import("./desk.js").Desk} Desk */

const codeField = () => h("input", { class: "code", name: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 8 });
const passwordField = () => h("input", { type: "password", name: "password", autocomplete: "current-password", maxlength: 256 });

/** @param {string} title @param {string} text @param {...import("../account/dom.js").Child} children */
function card(title, text, ...children) {
  return h("section", { class: "card alone" }, h("header", {}, h("img", { src: "../icon.svg", alt: "", width: 40, height: 40 }), h("div", {}, h("h1", {}, title), h("p", { class: "quiet" }, text))), ...children);
}

/** Where an error is told, and what tells it. @returns {[HTMLElement, (text: unknown) => void]} */
function errorPlace() {
  const place = h("p", { class: "error", role: "alert", hidden: true });
  const tell = (/** @type {unknown} */ error) => {
    place.textContent = explained(error);
    place.hidden = false;
  };
  return [place, tell];
}

/** A button that runs `act`; its errors are told there. @param {string} text @param {() => Promise<unknown>} act @param
 * {(error: unknown) => void} tell @param {Record<string, any>} [attributes] */
function doing(text, act, tell, attributes = {}) {
  return action(text, () => act().catch(tell), () => undefined, attributes);
}

/** Nobody is signed in. @param {Desk} desk @param {(session: any) => Promise<void>} done */
export function signInCard(desk, done) {
  const login = h("input", { name: "login", autocomplete: "username webauthn", autocapitalize: "none", spellcheck: false, maxlength: 128 });
  const secret = passwordField();
  const others = h("div", { class: "fields", id: "providers" });
  void desk.api.call("GET", "/oidc").then(
    ({ items }) => put(others, ...items.map((/** @type {any} */ one) => h("a", { class: "button", href: `/api/v1/oidc/${encodeURIComponent(one.name)}/begin`, onclick: () => returnTo("console") }, t("signin.by", { name: foreign(one.title) })))),
    () => undefined,
  );
  const [error, tell] = errorPlace();
  return card(
    t("signin.title"),
    t("signin.text"),
    error,
    form({ act: async () => done(await desk.api.call("POST", "/session", { login: login.value.trim(), password: secret.value })), submit: t("signin.submit") }, labelled(t("signin.login"), login), labelled(t("signin.password"), secret)),
    passkey.available() && doing(t("signin.passkey"), async () => done(await byPasskey(desk)), tell, { id: "by-passkey" }),
    others,
  );
}

/** @param {Desk} desk @param {string} [path]  of the step that it is shown to */
async function byPasskey(desk, path = "/session/passkey") {
  const { credential, secret } = await passkey.show(await desk.api.call("POST", "/session/passkey/options", {}));
  const session = await desk.api.call("POST", path, { credential });
  if (secret) desk.passkey = { credential: credential.id, secret };
  return session;
}

/** What is still wanted of somebody who showed a password. @param {Desk} desk @param {string[]} ways  totp, passkey,
 * recovery, approval @param {(session: any) => Promise<void>} done */
export function factorCard(desk, ways, done) {
  const code = codeField();
  const spare = h("input", { name: "recovery", autocapitalize: "characters", spellcheck: false, placeholder: "XXXX-XXXX-XXXX-XXXX" });
  const [error, tell] = errorPlace();
  const step = (/** @type {string} */ way, /** @type {HTMLInputElement} */ field) => async () => done(await desk.api.call("POST", `/session/${way}`, { code: field.value.trim() }));
  return card(
    t("factor.title"),
    t("factor.text"),
    error,
    ways.includes("totp") && form({ act: step("totp", code), submit: t("factor.submit") }, labelled(t("factor.code"), code)),
    ways.includes("passkey") && doing(t("signin.passkey"), async () => done(await byPasskey(desk)), tell, { class: "primary", id: "by-passkey" }),
    ways.includes("approval") && h("p", {}, t("factor.approval")),
    ways.includes("approval") && doing(t("factor.submit"), async () => done(await desk.api.call("GET", "/session")), tell, { class: "primary" }),
    ways.includes("recovery") && h("details", {}, h("summary", {}, t("factor.none")), form({ act: step("recovery", spare), submit: t("factor.use") }, labelled(t("factor.recovery"), spare, t("factor.once")))),
    doing(t("factor.other"), async () => {
      await desk.api.call("DELETE", "/session");
      location.reload();
    }, tell, { class: "link" }),
  );
}

/** A second factor anew, or the password where there is none: what stands in the dialog. @param {Desk} desk @param
 * {string[]} ways @param {() => void} done @param {() => void} cancelled */
export function stepUpBody(desk, ways, done, cancelled) {
  const [error, tell] = errorPlace();
  const cancel = h("button", { type: "button", onclick: cancelled }, t("dialog.cancel"));
  const key = ways.includes("passkey") && doing(t("signin.passkey"), async () => {
    await byPasskey(desk, "/session/step-up");
    done();
  }, tell, { class: ways.includes("totp") ? "" : "primary" });
  const text = h("p", {}, t("stepup.text"));
  if (ways.length && !ways.includes("totp")) return [text, error, h("div", { class: "row end" }, cancel, key || null)];
  const name = ways.length ? "code" : "password";
  const field = ways.length ? codeField() : passwordField();
  const act = async () => {
    await desk.api.call("POST", "/session/step-up", { [name]: name === "code" ? field.value.trim() : field.value });
    done();
  };
  return [text, error, form({ act, submit: t("factor.submit"), more: [cancel, key] }, labelled(t(ways.length ? "factor.code" : "signin.password"), field))];
}

/** What the account pages have to do first; from there one comes back here. @param {string} title @param {string} text
 * @param {string} href */
export function accountNeeded(title, text, href) {
  return card(title, text, h("a", { class: "button primary", href, onclick: () => returnTo("console") }, t("signin.account")));
}

/** @param {string} title @param {string} text @param {{ again?: () => void }} [how] */
export function messageCard(title, text, { again } = {}) {
  return card(title, text, again && h("button", { type: "button", class: "primary", onclick: again }, t("list.again")), h("a", { href: "../" }, t("none.page")));
}
