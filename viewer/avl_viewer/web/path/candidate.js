/**
 * Candidates: addresses at which a host might be reached, and which of them a page may try (spec 08-paths, 8.3).
 *
 * What a peer names is a wish: a session must not become a path to knock on doors at home. A page does not learn its
 * own networks; what a relay sees of both ends is all it has to judge by.
 */

import { CANDIDATE, MAX } from "../wire/registry.js";

/** Addresses tried in one round. */
const MOST = 4;

/** The host and port of "IP port", as WELCOME and OBSERVED say it; an empty host when it is none. @param {string} text
 * */
function observedHost(text) {
  return text.slice(0, Math.max(0, text.lastIndexOf(" ")));
}

/** The four bytes of an IPv4 literal; null for anything else. @param {string} text @returns {number[] | null} */
function ipv4(text) {
  const parts = /^\d{1,3}(\.\d{1,3}){3}$/.test(text) ? text.split(".").map(Number) : [];
  return parts.length && parts.every((part) => part < 256) ? parts : null;
}

/** Whether an IPv4 address means one machine that is not this one. @param {number[]} address */
function single([first, , , last]) {
  return first !== 0 && first !== 127 && first < 224 && last !== 255;
}

/** RFC 1918, RFC 6598, RFC 3927. @param {number[]} address */
function private4([first, second]) {
  return (
    first === 10 || (first === 172 && second >> 4 === 1) || (first === 192 && second === 168) || (first === 100 && second >> 6 === 1) ||
    (first === 169 && second === 254)
  );
}

/** Whether two IPv4 addresses are likely to be on one network: a page does not know where its own ends.
 * @param {number[]} one @param {number[] | null} other */
function near(one, other) {
  return other !== null && one[0] === other[0] && one[1] === other[1] && one[2] === other[2];
}

/** Whether an IPv6 literal is of everybody's part of the net. @param {string} text */
function global6(text) {
  return /^[23][\da-f]{0,3}:[\da-f:]+$/i.test(text);
}

/** Where a page may try the host itself, as authorities of URLs: its own addresses that are public, or private where
 * the relay sees us beside them, or says that it sees both ends at one address (R-PATH-4): the host's word is no
 * evidence of that.
 * `observed`: "IP port", what the relay sees of us.
 * @param {any[][]} rows  of CANDIDATES @param {string} observed @param {boolean} together @returns {string[]} */
export function reachable(rows, observed, together) {
  const us = observedHost(observed);
  const known = rows.slice(0, MAX.CANDIDATES).filter((row) => row.length === 3 && typeof row[1] === "string" && row[2] > 0 && row[2] < 65_536);
  const found = known.filter(([kind, host]) => {
    if (kind !== CANDIDATE.LOCAL) return false;
    const address = ipv4(host);
    if (!address) return global6(host);
    return single(address) && (!private4(address) || together || near(address, ipv4(us)));
  });
  return found.slice(0, MOST).map(([, host, port]) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`));
}
