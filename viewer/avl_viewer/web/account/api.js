/**
 * The relay's API as this page uses it: JSON over the page's own origin, with the session's cookie, and errors as RFC
 * 9457 has them.
 */

const BASE = "/api/v1";

/** What the relay refused. `kind` tells one from another, the text is for a person. */
export class Problem extends Error {
  /** @param {number} status @param {string} kind @param {string} text @param {any} [said] */
  constructor(status, kind, text, said) {
    super(text);
    this.status = status;
    this.kind = kind;
    this.said = said;
  }
}

/** Calls of one person's session. */
export class Api {
  constructor() {
    /** Shows that a request was made by this page, which alone can have read it. */
    this.csrf = "";
    /** Asked for when the relay wants a second factor anew; resolves once it was shown. @type {() => Promise<void>} */
    this.stepUp = () => Promise.reject(new Error("Sign in again."));
  }

  /**
   * @param {string} method @param {string} path @param {any} [body] @param {Record<string, string>} [headers]
   * @returns {Promise<any>} the answer's value; rejects with Problem
   */
  async call(method, path, body, headers = {}) {
    try {
      return await this._once(method, path, body, headers);
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== STEP_UP) throw error;
      await this.stepUp();
      return this._once(method, path, body, headers);
    }
  }

  /** Make something, once, however often it has to be asked for. @param {string} path @param {any} body */
  make(path, body) {
    return this.call("POST", path, body, { "idempotency-key": crypto.randomUUID() });
  }

  /** All items of a list. @param {string} path @returns {Promise<any[]>} */
  async all(path) {
    /** @type {any[]} */
    const items = [];
    let after = "";
    for (let page = 0; page < 50; page++) {
      const query = new URLSearchParams(after ? { after } : {});
      const told = await this.call("GET", `${path}${after ? (path.includes("?") ? "&" : "?") + query : ""}`);
      items.push(...told.items);
      after = told.next ?? "";
      if (!after) break;
    }
    return items;
  }

  /** @param {string} method @param {string} path @param {any} body @param {Record<string, string>} headers */
  async _once(method, path, body, headers) {
    /** @type {RequestInit} */
    const request = { method, headers: { accept: "application/json", ...headers }, credentials: "same-origin", cache: "no-store" };
    const sent = /** @type {Record<string, string>} */ (request.headers);
    if (method !== "GET" && this.csrf) sent["x-avl-csrf"] = this.csrf;
    if (body !== undefined) {
      sent["content-type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    const response = await fetch(BASE + path, request).catch(() => null);
    if (!response) throw new Problem(0, "unreachable", "The relay does not answer. Check the network.");
    const said = response.status === 204 ? null : await response.json().catch(() => null);
    if (!response.ok) throw problem(response.status, said);
    if (said && typeof said.csrf === "string") this.csrf = said.csrf;
    return said;
  }
}

/** The kind of problem that a second factor mends. */
export const STEP_UP = "step-up";

/** @param {number} status @param {any} said */
function problem(status, said) {
  const kind = String(said?.code ?? said?.error ?? "");
  const text = said?.detail || said?.title || `The relay answered ${status}.`;
  return new Problem(status, kind, String(text), said);
}
