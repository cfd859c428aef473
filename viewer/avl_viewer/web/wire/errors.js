/**
 * Whose fault it is: LocalProtocolError is ours, RemoteProtocolError is the peer's and carries the close code it earns.
 */

import { CLOSE, CLOSE_TEXT, GRANT_REFUSALS, PERMISSION_WORDS } from "./registry.js";

/** The protocol was broken, by us or by the peer. */
export class ProtocolError extends Error {
  /** @param {string} text */
  constructor(text) {
    super(text);
    this.name = new.target.name;
  }
}

/** Our own program asked for something the protocol does not allow: a bug here. */
export class LocalProtocolError extends ProtocolError {}

/** The peer sent what the protocol does not allow; the connection or session ends with `code`. */
export class RemoteProtocolError extends ProtocolError {
  /** @param {number} code @param {string} text */
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

/** The other side, or a check of ours, ended the attempt or the session with a code of the registry. */
export class Refused extends ProtocolError {
  /** @param {number} code @param {string} [text] */
  constructor(code, text = "") {
    super(text || sentence(code));
    this.code = code;
  }
}

/** A chain of statements is not good (spec 11, 11.4); `why` names the reason: a number of GRANT_REFUSAL, 0 for one that
 * nobody knows. */
export class GrantRefused extends Refused {
  /** @param {number} why */
  constructor(why) {
    const about = /** @type {Record<number, string>} */ (GRANT_REFUSALS)[why];
    super(CLOSE.GRANT_REFUSED, `The host refused the grant${about ? `: ${about}` : ""}.`);
    this.why = about ? why : 0;
  }
}

/** What is refused to a session that has none of these permissions: the text says which it lacks, and what to do.
 * @param {number} needed */
export function notPermitted(needed) {
  return new Refused(CLOSE.NOT_PERMITTED, lacking(needed));
}

/** What a person is told who has none of these permissions. @param {number} needed */
export function lacking(needed) {
  const words = Object.entries(PERMISSION_WORDS).filter(([bit]) => Number(bit) & needed).map(([, about]) => about).join(" or ");
  return sentence(CLOSE.NOT_PERMITTED).replace("do that", words || "do that");
}

/** What a person is told about a close code; unknown codes are named by number. @param {number} code @returns {string}
 * */
export function sentence(code) {
  const known = /** @type {Record<number, string>} */ (CLOSE_TEXT)[code];
  return known ?? `The connection was closed (code ${code}).`;
}
