/**
 * The key card: a person without a key makes one, a browser without it unlocks it. Nothing is shown where all is well.
 */

import { action, form, h, labelled } from "../dom.js";
import * as passkey from "../passkey.js";
import { newRecoveryKey, recoverySecret, wrap } from "../../rights/personkey.js";
import { newSeed, PersonKey } from "../personkey.js";
import { confirmed, copied, dialog, tell } from "../surroundings.js";
import { unlockBy, unlockByPasskey } from "../unlocking.js";

/** @typedef {import("../surroundings.js").Surroundings} Surroundings */

/** The card that is wanted now, or null. @param {Surroundings} around @param {() => void} done @returns {HTMLElement |
 * null} */
export function keyCard(around, done) {
  if (around.ownKey) return null;
  return around.known ? unlockCard(around, done) : makeCard(around, done);
}

/** @param {Surroundings} around @param {() => void} done */
function makeCard(around, done) {
  return h(
    "section",
    { class: "card wants", id: "key-card" },
    h("h2", {}, "Make your key"),
    h("p", {}, "Your hosts will believe this key and nothing else: not this relay, nor who runs it. It is made in this browser and stays with you."),
    h("p", { class: "quiet" }, "You get a recovery key to print. A passkey that you add later opens the key in other browsers."),
    form({ act: () => make(around, done), submit: "Make my key" }),
  );
}

/** @param {Surroundings} around @param {() => void} done */
async function make(around, done) {
  const seed = newSeed();
  const key = await PersonKey.fromSeed(seed);
  const recovery = newRecoveryKey();
  const data = await wrap(seed, recoverySecret(recovery));
  const noted = await dialog((close) => recoveryShown(recovery, close));
  if (!noted) throw new Error("No key was made: it needs a recovery key that you have written down.");
  if ((await around.api.call("GET", "/me")).key) throw new Error("You have made a key elsewhere meanwhile: load this page anew.");
  // The key holds last of all: who leaves before that makes another, and who leaves after that can open it.
  await around.api.make("/me/key-copies", { kind: "recovery", name: "Recovery key", data });
  await around.take(seed);
  await around.api.call("PUT", "/me/key", { jwk: key.jwk });
  around.known = key.thumbprint;
  if (around.passkey) await wrapByPasskey(around, around.passkey.credential, around.passkey.secret, "Passkey");
  await around.freshen();
  tell("Your key is made.");
  done();
}

/** @param {string} recovery @param {(noted: boolean) => void} close @returns {Node[]} */
function recoveryShown(recovery, close) {
  return [
    h("h2", {}, "Your recovery key"),
    h("p", {}, "Print it or write it down, and keep it where you keep your passport. It opens your key in another browser, and it is shown only now."),
    h("p", { class: "secret", id: "recovery-key" }, recovery),
    h("p", { class: "quiet" }, "Who has it can act as you towards your hosts. Nobody can make it anew for you, the relay neither."),
    h(
      "div",
      { class: "row end" },
      action("Copy", () => copied(recovery), tell),
      h("button", { type: "button", onclick: () => close(false) }, "Cancel"),
      h("button", { type: "button", class: "primary", id: "recovery-noted", onclick: () => close(true) }, "I have it"),
    ),
  ];
}

/** @param {Surroundings} around @param {() => void} done */
function unlockCard(around, done) {
  const typed = h("input", { name: "recovery", autocapitalize: "characters", spellcheck: false, placeholder: "XXXXX-XXXXX-…" });
  const byPasskey = action("Use a passkey", async () => {
    await unlockByPasskey(around);
    tell("This browser has your key now.");
    done();
  }, tell, { id: "unlock-passkey" });
  return h(
    "section",
    { class: "card wants", id: "key-card" },
    h("h2", {}, "This browser does not have your key"),
    h("p", {}, "Without it you see your devices, but can open none of them, and permit nothing."),
    form(
      {
        act: async () => {
          await unlockBy(around, "recovery", recoverySecret(typed.value));
          tell("This browser has your key now.");
          done();
        },
        submit: "Unlock",
        more: passkey.available() ? [byPasskey] : [],
      },
      labelled("Recovery key", typed, "26 letters and digits, from when the key was made."),
    ),
    h("p", { class: "quiet" }, "Nothing opens it any more, no recovery key, no passkey, no other browser?"),
    h("div", { class: "row" }, action("Give up this key", () => giveUp(around, done), tell, { id: "give-up-key", class: "danger" })),
  );
}

/** Who can open their key nowhere any more makes another. @param {Surroundings} around @param {() => void} done */
async function giveUp(around, done) {
  const gone = await confirmed(
    "Give up your key?",
    "Only if nothing opens it any more: nobody can bring it back. Your hosts believe it until you enrol each of them again, with the key that you make next. What others have permitted you, they permit you again.",
    "Give it up",
    () => around.api.call("DELETE", "/me/key"),
  );
  if (!gone) return;
  await around.lose();
  tell("The relay knows no key of yours any more. Make a new one.");
  done();
}

/** Let a passkey open the key from now on, too. @param {Surroundings} around @param {string} credential @param
 * {Uint8Array} secret @param {string} name */
export async function wrapByPasskey(around, credential, secret, name) {
  if (!around.seed || !around.ownKey) return false;
  const data = { ...(await wrap(around.seed, secret)), credential };
  await around.api.make("/me/key-copies", { kind: "passkey", name, data });
  return true;
}
