/**
 * Statements: what a person's key signs about devices, keys and who may what (spec 11, 11.2).
 *
 * A reader is strict: a claim that it does not know, or of another form, makes the statement none at all, since what is
 * not understood might have been a limit. What is read has the names of the claims.
 */

import * as deviceId from "../wire/device_id.js";
import { MAX, PERMISSION } from "../wire/registry.js";
import { CONSENTS } from "./effective.js";
import { Hours } from "./hours.js";
import * as jws from "./jws.js";
import { NotSigned } from "./jws.js";

export const GRANT = "avl-grant+jwt";
export const KEY_LINK = "avl-key+jwt";
export const ENROLMENT = "avl-enrolment+jwt";
export const POLICY = "avl-policy+jwt";
export const REVOCATION = "avl-revocation+jwt";
export const PICTURE_KEY = "avl-picture-key+jwt";

const ALL = Object.values(PERMISSION).reduce((all, one) => all | one, 0);
const AUDIENCE = /^device:[0-9A-HJKMNP-TV-Z]{28}$/;
const KEY_NAME = /^[A-Za-z0-9_-]{43}$/;
const GRANT_NAME = /^[A-Za-z0-9_-]{22}$/;
const PRINTABLE = /^(?:[^\p{C}\p{Z}]| )+$/u;

/** The `aud` of statements about one device. @param {bigint} number */
export function deviceAudience(number) {
  return `device:${deviceId.toText(number).replaceAll("-", "")}`;
}

/** @typedef {(value: any) => any} Check  the value as it is kept; throws NotSigned */

/** @param {boolean} right @param {any} value */
function checked(right, value) {
  if (!right) throw new NotSigned("a claim has not its form");
  return value;
}

/** @param {number} least @param {number} [most] @returns {Check} */
const integer = (least, most = Number.MAX_SAFE_INTEGER) => (value) => checked(Number.isInteger(value) && value >= least && value <= most, value);
/** @param {RegExp} shape @returns {Check} */
const text = (shape) => (value) => checked(typeof value === "string" && shape.test(value), value);
/** @type {Check} */
const shown = (value) => checked(typeof value === "string" && [...value].length <= MAX.SHOWN_NAME, value);
/** @type {Check} */
const flag = (value) => checked(typeof value === "boolean", value);
/** @type {Check} */
const permissions = (value) => integer(0, 2 ** 32 - 1)(value) & ALL;
/** @type {Check} */
const consent = (value) => checked(CONSENTS.includes(value), value);
/** @param {Check} check @returns {Check} */
const list = (check) => (value) => checked(Array.isArray(value), value).map(check);

/** @type {Check} */
function audience(value) {
  const name = typeof value === "string" && value.startsWith("group:") ? value.slice(6) : "";
  const group = name.length > 0 && [...name].length <= MAX.SHOWN_NAME && PRINTABLE.test(name);
  return checked(typeof value === "string" && (AUDIENCE.test(value) || group), value);
}

/** @type {Check} */
const groupName = (value) => audience(`group:${checked(typeof value === "string", value)}`).slice(6);
/** @type {Check} */
const holder = (value) => jws.publicOf(checked(jws.isObject(value) && Object.keys(value).join() === "jwk", value).jwk);
/** @type {Check} */
const pictureKey = (value) => checked(jws.encode(jws.decode(text(KEY_NAME)(value))) === value, value);
/** @type {Check} */
const rows = (value) => checked(list((row) => list(integer(0))(row))(value).every((/** @type {any[]} */ row) => row.length === 3) && value.length <= MAX.HOURS, value);
/** @type {Check} */
const epochs = (value) => Object.fromEntries(Object.entries(checked(jws.isObject(value), value)).map(([name, epoch]) => [audience(name), integer(0)(epoch)]));

/** Kind of a statement -> its claims: [name, check, default]; no default: it has to be there; `null`: it may be left
 * out. @type {Record<string, [string, Check, any?][]>} */
const CLAIMS = {
  [GRANT]: [
    ["aud", audience], ["p", permissions], ["nbf", integer(0)], ["exp", integer(0)], ["jti", text(GRANT_NAME)], ["cnf", holder],
    ["prt", text(KEY_NAME), ""], ["gep", integer(0), 0], ["win", rows, null], ["tz", text(/^.+$/), null], ["max_s", integer(1), null],
    ["n", integer(1), null], ["consent", consent, "never"], ["role", shown, ""], ["sub", shown, ""], ["share", flag, false],
  ],
  [KEY_LINK]: [["cnf", holder], ["nbf", integer(0)], ["exp", integer(0)], ["browser", flag, false], ["sub", shown, ""]],
  [ENROLMENT]: [["aud", audience], ["iat", integer(0)], ["groups", list(groupName), []], ["name", shown, ""]],
  [POLICY]: [
    ["aud", audience], ["seq", integer(0)], ["p", permissions], ["groups", list(groupName), null], ["consent", consent, "never"],
    ["max_s", integer(1), null], ["browser", flag, true], ["max_stale", integer(1), null],
  ],
  [REVOCATION]: [["seq", integer(0)], ["iat", integer(0)], ["gep", epochs, {}], ["jti", list(text(GRANT_NAME)), []], ["ends", list(integer(0)), []], ["keys", list(text(KEY_NAME)), []]],
  [PICTURE_KEY]: [["key", pictureKey], ["iat", integer(0)], ["exp", integer(0)]],
};

/** The token of a statement, by the names of its claims; what is left out is not written. `cnf` is the holder's public
 * key.
 * @param {jws.Identity} identity @param {string} kind @param {Record<string, any>} statement */
export function sign(identity, kind, statement) {
  const claims = { ...statement };
  if (claims.cnf) claims.cnf = { jwk: jws.jwkOf(claims.cnf) };
  return jws.sign(identity, kind, claims, kind === ENROLMENT || kind === REVOCATION);
}

/** The statement of a token that `key` (32 bytes) signed: its claims, with defaults, and `hours` of a grant. Rejects
 * with NotSigned.
 * @param {string} kind @param {string} token @param {Uint8Array} key @returns {Promise<Record<string, any>>} */
export async function read(kind, token, key) {
  const limit = [GRANT, KEY_LINK, PICTURE_KEY].includes(kind) ? MAX.CHAIN : MAX.STATEMENT;
  const given = await jws.claims(token, kind, key, limit);
  const claims = { ...given };
  /** @type {Record<string, any>} */
  const found = {};
  for (const [name, check, otherwise] of CLAIMS[kind]) {
    if (name in claims) found[name] = check(claims[name]);
    else found[name] = checked(otherwise !== undefined, otherwise);
    delete claims[name];
  }
  checked(!Object.keys(claims).length, null);
  if (kind === KEY_LINK) checked(found.exp - found.nbf <= MAX.KEY_LINK, null);
  if (kind === PICTURE_KEY) checked(found.exp - found.iat <= MAX.KEY_LINK, null);
  if (kind === REVOCATION && "ends" in given) checked(found.ends.length === found.jti.length, null);
  if (kind === GRANT) found.hours = hoursOf(found);
  return found;
}

/** @param {Record<string, any>} grant */
function hoursOf({ win, tz }) {
  if (win === null && tz === null) return null;
  try {
    return new Hours(checked(tz !== null, tz), checked(win !== null, win));
  } catch (error) {
    if (error instanceof RangeError) throw new NotSigned("win holds no hours of a week");
    throw error;
  }
}

/** The owner's key that an enrolment carries, and the enrolment, which that key signed. Rejects with NotSigned. @param
 * {string} token */
export async function enrolmentOf(token) {
  const { key } = jws.header(token);
  if (!key) throw new NotSigned("the enrolment carries no key");
  return { key, enrolment: await read(ENROLMENT, token, key) };
}
