/**
 * Unlocking: the person's key, taken out of a copy that lies wrapped at the relay, by a passkey or by the recovery key.
 */

import { unwrap } from "../rights/personkey.js";
import * as passkey from "./passkey.js";
import { PersonKey } from "./personkey.js";

/** @typedef {import("./surroundings.js").Surroundings} Surroundings */

/** This browser has the key from now on. Rejects with Error where the secret does not open it. @param {Surroundings} around
 * @param {string} kind  recovery or passkey @param {Uint8Array} secret */
export async function unlockBy(around, kind, secret) {
  for (const copy of await copiesOf(around, kind)) {
    const seed = await unwrap(copy.data, secret).catch(() => null);
    if (seed && (await PersonKey.fromSeed(seed)).thumbprint === around.known) {
      await around.take(seed);
      await around.freshen();
      return;
    }
  }
  throw new Error(kind === "recovery" ? "That is not your recovery key." : "This passkey does not open your key: use the recovery key.");
}

/** Open the key with what a passkey made of itself. @param {Surroundings} around @param {Uint8Array} [secret]  where it
 * was shown just now */
export async function unlockByPasskey(around, secret) {
  const ids = (await copiesOf(around, "passkey")).map((copy) => copy.data.credential).filter(Boolean);
  if (!ids.length) throw new Error("No passkey opens your key yet: use the recovery key, then add a passkey.");
  await unlockBy(around, "passkey", secret ?? (await passkey.secretOf(ids)));
}

/** @param {Surroundings} around @param {string} kind @returns {Promise<any[]>} */
async function copiesOf(around, kind) {
  const told = await around.api.call("GET", "/me/key-copies");
  return (Array.isArray(told) ? told : told.items).filter((/** @type {any} */ copy) => copy.kind === kind);
}
