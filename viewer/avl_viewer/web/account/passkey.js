/**
 * Passkeys: the browser's half of WebAuthn, with the extension PRF, which gives the page 32 bytes that only this passkey
 * can make, and the relay never sees.
 */

import { decode, encode } from "../rights/jws.js";
import { utf8 } from "../wire/bytes.js";

/** What a passkey is asked to make its secret of: one for everything that this page wraps. */
const PRF_INPUT = utf8("avl/1 person key");

/** Whether this browser has passkeys at all. */
export function available() {
  return "PublicKeyCredential" in window;
}

/** Make a passkey. @param {any} options  as the relay told, in JSON
 * @returns {Promise<{ credential: any, secret: Uint8Array | null, prf: boolean }>} what the relay is told; the secret of
 * PRF where the passkey made it at once, and whether it can */
export async function make(options) {
  const publicKey = {
    ...options,
    challenge: decode(options.challenge),
    user: { ...options.user, id: decode(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map(described),
    extensions: { ...options.extensions, prf: { eval: { first: PRF_INPUT } } },
  };
  const made = /** @type {PublicKeyCredential} */ (await navigator.credentials.create({ publicKey }));
  const response = /** @type {AuthenticatorAttestationResponse} */ (made.response);
  const outputs = /** @type {any} */ (made.getClientExtensionResults()).prf;
  return {
    credential: {
      ...told(made),
      response: {
        clientDataJSON: bytes(response.clientDataJSON),
        attestationObject: bytes(response.attestationObject),
        transports: response.getTransports?.() ?? [],
      },
    },
    secret: outputs?.results?.first ? new Uint8Array(outputs.results.first) : null,
    prf: Boolean(outputs?.enabled),
  };
}

/** Show a passkey. @param {any} options  as the relay told, in JSON @param {string[]} [only]  ids of those that will do
 * @returns {Promise<{ credential: any, secret: Uint8Array | null }>} */
export async function show(options, only) {
  const allowed = only ? only.map((id) => ({ type: "public-key", id })) : (options.allowCredentials ?? []);
  const publicKey = {
    ...options,
    challenge: decode(options.challenge),
    allowCredentials: allowed.map(described),
    extensions: { ...options.extensions, prf: { eval: { first: PRF_INPUT } } },
  };
  const shown = /** @type {PublicKeyCredential} */ (await navigator.credentials.get({ publicKey }));
  const response = /** @type {AuthenticatorAssertionResponse} */ (shown.response);
  const first = /** @type {any} */ (shown.getClientExtensionResults()).prf?.results?.first;
  return {
    credential: {
      ...told(shown),
      response: {
        clientDataJSON: bytes(response.clientDataJSON),
        authenticatorData: bytes(response.authenticatorData),
        signature: bytes(response.signature),
        userHandle: response.userHandle ? bytes(response.userHandle) : null,
      },
    },
    secret: first ? new Uint8Array(first) : null,
  };
}

/** The secret of one of these passkeys, without the relay: nothing is proved to anybody.
 * @param {string[]} ids @returns {Promise<Uint8Array>} */
export async function secretOf(ids) {
  const options = { challenge: encode(crypto.getRandomValues(new Uint8Array(32))), userVerification: "required" };
  const { secret } = await show(options, ids);
  if (!secret) throw new Error("This passkey makes no secret (PRF) in this browser. Use the recovery key.");
  return secret;
}

/** What the relay is told of a credential, whatever it was asked for. The secret of PRF stays here. @param
 * {PublicKeyCredential} credential */
function told(credential) {
  return {
    id: credential.id,
    rawId: bytes(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: {},
  };
}

/** @param {any} one */
function described(one) {
  return { ...one, id: decode(one.id) };
}

/** @param {ArrayBuffer} buffer */
const bytes = (buffer) => encode(new Uint8Array(buffer));
