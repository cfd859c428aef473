/**
 * Coming in: the first start with its setup code, an invitation, signing in, and what is still asked for then.
 */

import { Problem } from "../api.js";
import { action, foreign, form, h, labelled, put } from "../dom.js";
import * as passkey from "../passkey.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

const password = (/** @type {string} */ kind) => h("input", { type: "password", name: "password", autocomplete: kind, maxlength: 256 });
const login = () => h("input", { name: "login", autocomplete: "username", autocapitalize: "none", spellcheck: false, maxlength: 128 });

/** @param {string} title @param {string} text @param {...import("../dom.js").Child} children */
export function card(title, text, ...children) {
  const brand = h(
    "header",
    { class: "brand" },
    h("img", { src: "../icon.svg", alt: "", width: 40, height: 40 }),
    h("div", {}, h("h1", {}, title), h("p", { class: "quiet" }, text)),
  );
  return h("section", { class: "card" }, brand, ...children);
}

/** The first person of a relay. @param {Surroundings} around @param {string} code @param {(session: any) => void} done */
export function setupView(around, code, done) {
  const typed = h("input", { name: "code", value: code, autocapitalize: "characters", spellcheck: false });
  const name = login();
  const secret = password("new-password");
  return card(
    "Set up this relay",
    "You will own it.",
    form(
      {
        act: async () => done(await around.api.call("POST", "/setup", { code: typed.value.trim(), login: name.value.trim(), password: secret.value })),
        submit: "Begin",
      },
      labelled("Setup code", typed, "The relay printed it when it first started."),
      labelled("Name to sign in with", name),
      labelled("Password", secret, "12 characters or more; several words are easiest to keep."),
    ),
  );
}

/** Somebody was invited. @param {Surroundings} around @param {string} invite @param {(session: any) => void} done */
export function inviteView(around, invite, done) {
  const secret = password("new-password");
  return card(
    "You are invited",
    "Choose a password.",
    form(
      { act: async () => done(await around.api.call("POST", "/invitations", { invite, password: secret.value })), submit: "Join" },
      labelled("Password", secret, "12 characters or more; several words are easiest to keep."),
    ),
  );
}

/** @param {Surroundings} around @param {(session: any) => void} done @param {string} [why] */
export function signInView(around, done, why) {
  const others = h("div", { class: "fields", id: "providers" });
  void around.api.call("GET", "/oidc").then(
    ({ items }) => put(others, ...items.map((/** @type {any} */ one) => h("a", { class: "button", href: `/api/v1/oidc/${encodeURIComponent(one.name)}/begin` }, `Sign in with ${foreign(one.title)}`))),
    () => undefined,
  );
  const name = login();
  const secret = password("current-password");
  const error = h("p", { class: "error", role: "alert", hidden: !why }, why ?? "");
  const failed = (/** @type {string} */ text) => {
    error.textContent = text;
    error.hidden = false;
  };
  return card(
    "avl",
    "Sign in to this relay",
    error,
    form(
      {
        act: async () => done(await around.api.call("POST", "/session", { login: name.value.trim(), password: secret.value })),
        submit: "Sign in",
      },
      labelled("Name", name),
      labelled("Password", secret),
    ),
    passkey.available() && h("div", { class: "or" }, "or"),
    passkey.available() && action("Sign in with a passkey", () => byPasskey(around, done), failed, { id: "by-passkey" }),
    others,
    h("p", { class: "quiet" }, "To connect with a device ID and a code you need no account: ", h("a", { href: "../" }, "open the desktop's page"), "."),
  );
}

/** @param {Surroundings} around @param {(session: any) => void} done */
async function byPasskey(around, done) {
  const options = await around.api.call("POST", "/session/passkey/options", {});
  const { credential, secret } = await passkey.show(options);
  const session = await around.api.call("POST", "/session/passkey", { credential });
  if (secret) around.passkey = { credential: credential.id, secret };
  done(session);
}

/** What is still wanted of somebody who showed a password. @param {Surroundings} around @param {string[]} ways  totp,
 * passkey, recovery, approval @param {(session: any) => void} done */
export function factorView(around, ways, done) {
  const code = h("input", { class: "code", name: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 8 });
  const spare = h("input", { name: "recovery", autocapitalize: "characters", spellcheck: false, placeholder: "XXXX-XXXX-XXXX-XXXX" });
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const failed = (/** @type {string} */ text) => {
    error.textContent = text;
    error.hidden = false;
  };
  const children = [];
  if (ways.includes("totp")) {
    children.push(
      form(
        { act: async () => done(await around.api.call("POST", "/session/totp", { code: code.value.trim() })), submit: "Go on" },
        labelled("Code of your authenticator app", code),
      ),
    );
  }
  if (ways.includes("passkey")) children.push(action("Use a passkey", () => byPasskey(around, done), failed, { class: "primary", id: "by-passkey" }));
  if (ways.includes("approval")) {
    children.push(
      h("p", {}, "You have not signed in from here before. Approve it in a browser where you are signed in, under You; then go on here."),
      action("Go on", async () => done(await around.api.call("GET", "/session")), failed, { class: "primary", id: "go-on" }),
    );
  }
  if (ways.includes("recovery")) {
    children.push(
      h("details", {}, h("summary", {}, "None of these is at hand"),
        form(
          { act: async () => done(await around.api.call("POST", "/session/recovery", { code: spare.value.trim() })), submit: "Use it up" },
          labelled("Recovery code", spare, "Each works once."),
        )),
    );
  }
  return card("One more step", "To be sure that it is you", error, ...children);
}

/** Somebody whose role needs a second factor has none yet. @param {Surroundings} around @param {{ passkey: () =>
 * Promise<any>, totp: () => Promise<any> }} add  each resolves with the session that follows @param {(session: any) =>
 * void} done */
export function enrolView(around, add, done) {
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const failed = (/** @type {string} */ text) => {
    error.textContent = text;
    error.hidden = false;
  };
  const by = (/** @type {() => Promise<any>} */ way) => async () => {
    const session = await way();
    if (session) done(session);
  };
  return card(
    "A second factor",
    "A password alone opens too much",
    h("p", {}, "Who runs this relay signs in with two things. A passkey is both at once, and opens your key in other browsers."),
    error,
    passkey.available() && action("Make a passkey", by(add.passkey), failed, { class: "primary", id: "enrol-passkey" }),
    action("Use an authenticator app", by(add.totp), failed, { id: "enrol-totp" }),
  );
}

/** Ask for a second factor anew, before something dangerous. @param {Surroundings} around @param {(done: boolean) =>
 * void} close @param {string[]} ways @returns {Node[]} */
export function stepUp(around, close, ways) {
  const code = h("input", { class: "code", name: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 8 });
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const failed = (/** @type {string} */ text) => {
    error.textContent = text;
    error.hidden = false;
  };
  const cancel = h("button", { type: "button", onclick: () => close(false) }, "Cancel");
  const byKey = action("Use a passkey", async () => {
    const options = await around.api.call("POST", "/session/passkey/options", {});
    const { credential } = await passkey.show(options);
    await around.api.call("POST", "/session/step-up", { credential });
    close(true);
  }, failed);
  const secret = password("current-password");
  const title = [h("h2", {}, "Is it you?"), h("p", {}, "This needs your second factor once more: you showed it last more than five minutes ago."), error];
  if (!ways.length) {
    const again = async () => {
      await around.api.call("POST", "/session/step-up", { password: secret.value });
      close(true);
    };
    return [...title, form({ act: again, submit: "Go on", more: [cancel] }, labelled("Password", secret))];
  }
  return [
    ...title,
    ways.includes("totp")
      ? form(
          {
            act: async () => {
              await around.api.call("POST", "/session/step-up", { code: code.value.trim() });
              close(true);
            },
            submit: "Go on",
            more: [cancel, ways.includes("passkey") ? byKey : null],
          },
          labelled("Code of your authenticator app", code),
        )
      : h("div", { class: "row end" }, cancel, byKey),
  ];
}

/** Whether an error says that nobody is signed in. @param {unknown} error */
export function signedOut(error) {
  return error instanceof Problem && error.kind === "not-signed-in";
}
