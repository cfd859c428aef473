/**
 * What views stand on: the relay's API, who is signed in, their key, and the places of the page.
 */

import { ENROLMENT, POLICY, read, REVOCATION } from "../rights/statements.js";
import { Api } from "./api.js";
import { h, put, sentence } from "./dom.js";
import * as keys from "./personkey.js";
import { revocation } from "./statements.js";

/** Seconds after which an owner's revocation list is signed anew: hosts take none that is older than a day. */
const STALE = 6 * 3600;

/** One page, one person. */
export class Surroundings {
  constructor() {
    this.api = new Api();
    /** Who is signed in, as the relay says. @type {any} */
    this.me = null;
    /** Their key, where this browser has it. @type {keys.PersonKey | null} */
    this.key = null;
    /** The key's seed for as long as this page is open, where it was made or unwrapped here: to wrap it once more. @type
     * {Uint8Array | null} */
    this.seed = null;
    /** What a passkey that was made or shown here made of itself: it may open the key. @type {{ credential: string,
     * secret: Uint8Array } | null} */
    this.passkey = null;
    /** Thumbprint of the key that the relay knows as theirs; "" for none. */
    this.known = "";
    /** Go to another view. @type {(hash: string) => void} */
    this.go = () => undefined;
  }

  get now() {
    return Math.floor(Date.now() / 1000);
  }

  /** The key, where it is the person's own. */
  get ownKey() {
    return this.key && this.key.thumbprint === this.known ? this.key : null;
  }

  /** Learn who is signed in and which key is theirs. */
  async meet() {
    [this.me, this.key] = await Promise.all([this.api.call("GET", "/me"), keys.kept()]);
    this.known = this.me.key?.thumbprint ?? "";
  }

  /** Take a key that was made or unwrapped. @param {Uint8Array} seed */
  async take(seed) {
    this.seed = seed;
    this.key = await keys.PersonKey.fromSeed(seed);
    await keys.keep(this.key);
  }

  /** The relay knows no key of ours any more: nor does this browser. */
  async lose() {
    this.seed = null;
    await keys.forget();
    await this.meet();
  }

  /** Our newest revocation list's claims; null where there is none. @returns {Promise<any>} */
  async lastRevocation() {
    return newest(await this._signed(REVOCATION, "kind=revocation"));
  }

  /** Our newest policy of a device or a group; null where there is none. @param {string} audience @returns
   * {Promise<any>} */
  async lastPolicy(audience) {
    const signed = await this._signed(POLICY, `kind=policy&aud=${encodeURIComponent(audience)}`);
    return newest(signed.filter((one) => one.aud === audience));
  }

  /** The groups that we have put a device in. @param {string} audience @returns {Promise<string[]>} */
  async groupsOf(audience) {
    const last = await this.lastPolicy(audience);
    if (last?.groups) return last.groups;
    const enrolled = await this._enrolments(audience);
    return enrolled.sort((one, other) => other.iat - one.iat)[0]?.groups ?? [];
  }

  /** @param {string} audience @returns {Promise<any[]>} */
  async _enrolments(audience) {
    const signed = await this._signed(ENROLMENT, `kind=enrolment&aud=${encodeURIComponent(audience)}`);
    return signed.filter((one) => one.aud === audience);
  }

  /** What our key has signed of a kind, whatever else the relay brings. @param {string} kind @param {string} query
   * @returns {Promise<any[]>} */
  async _signed(kind, query) {
    const key = this.ownKey;
    if (!key) return [];
    const rows = await this.api.all(`/statements?${query}`);
    const found = await Promise.all(rows.map((row) => read(kind, row.token, key.identity.public).catch(() => null)));
    return found.filter(Boolean);
  }

  /** Sign our revocation list anew where it grows old. */
  async freshen() {
    if (!this.ownKey) return;
    const last = await this.lastRevocation();
    if (last && this.now - last.iat < STALE) return;
    await this.api.call("POST", "/statements", { token: await revocation(this.ownKey, last, this.now) });
  }
}

/** @param {any[]} signed */
function newest(signed) {
  return signed.sort((one, other) => other.seq - one.seq)[0] ?? null;
}

/** Show something over the page; resolves when it was closed, with what it was closed with.
 * @param {(close: (value?: any) => void) => Node[]} make @returns {Promise<any>} */
export function dialog(make) {
  const place = /** @type {HTMLDialogElement} */ (document.getElementById("dialog"));
  return new Promise((resolve) => {
    /** @type {any} */
    let value;
    const close = (/** @type {any} */ given) => {
      value = given;
      place.close();
    };
    place.addEventListener("close", () => (put(place), resolve(value)), { once: true });
    put(place, ...make(close));
    place.showModal();
  });
}

/** Ask whether something is to be done. @param {string} title @param {string} text @param {string} yes @param {() =>
 * Promise<unknown>} act @returns {Promise<boolean>} */
export function confirmed(title, text, yes, act) {
  return dialog((close) => {
    const error = h("p", { class: "error", role: "alert", hidden: true });
    const button = h("button", { type: "button", class: "primary danger" }, yes);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await act();
        close(true);
      } catch (failure) {
        error.textContent = sentence(failure);
        error.hidden = false;
        button.disabled = false;
      }
    });
    const cancel = h("button", { type: "button", onclick: () => close(false) }, "Cancel");
    return [h("h2", {}, title), h("p", {}, text), error, h("div", { class: "row end" }, cancel, button)];
  }).then(Boolean);
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let fading;

/** Say something for a moment. @param {string} text */
export function tell(text) {
  const place = /** @type {HTMLElement} */ (document.getElementById("toast"));
  place.textContent = text;
  place.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => (place.hidden = true), 5000);
}

/** Put a text on the clipboard. @param {string} text */
export async function copied(text) {
  await navigator.clipboard.writeText(text);
  tell("Copied.");
}
