/**
 * Problems: what an operator is told when something did not work, and what to do about it. The relay's answer (RFC 9457)
 * says which problem it is; the catalogue has the sentence and the advice, and the relay's own words stand behind them.
 */

import { Problem } from "../account/api.js";
import { foreign } from "../account/dom.js";
import { known, t } from "./words.js";

/** What a person is told of an error, in one text. @param {unknown} error @returns {string} */
export function explained(error) {
  if (error instanceof DOMException && error.name === "NotAllowedError") return t("problem.cancelled");
  if (error instanceof Problem) {
    const key = `problem.${error.kind}`;
    const detail = foreign(error.message, 300);
    if (!known(key)) return detail || t("problem.unknown");
    return error.status && detail ? `${t(key)} (${detail})` : t(key);
  }
  return foreign(error instanceof Error ? error.message : String(error), 400) || t("problem.unknown");
}

/** Whether an error says that nobody is signed in. @param {unknown} error */
export function signedOut(error) {
  return error instanceof Problem && error.kind === "not-signed-in";
}
