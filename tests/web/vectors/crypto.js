/**
 * Identities, CPace, records and sealed objects against the vectors.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import * as cpace from "../../../viewer/avl_viewer/web/crypto/cpace.js";
import * as hkdf from "../../../viewer/avl_viewer/web/crypto/hkdf.js";
import * as identity from "../../../viewer/avl_viewer/web/crypto/identity.js";
import { RecordOpener, RecordSealer } from "../../../viewer/avl_viewer/web/crypto/record.js";
import * as sframe from "../../../viewer/avl_viewer/web/crypto/sframe.js";
import { utf8 } from "../../../viewer/avl_viewer/web/wire/bytes.js";
import { bytes, codeName, errorOf, hex, holds, same } from "./notation.js";

/** @param {any} vectors @param {any} deviceIds @returns {Check[]} */
export function identities(vectors, deviceIds) {
  const raw = bytes(vectors.public);
  return [
    ["a seed makes its public key and device number", async () => {
      const one = await identity.Identity.fromSeed(bytes(vectors.seed));
      same(hex(one.public), vectors.public);
      same(await one.deviceId(), deviceIds.valid.find((/** @type {any} */ row) => row.public === vectors.public).text);
      same(hex(await identity.pin(one.public)), vectors.pin);
    }],
    ["a new identity signs what it can verify", async () => {
      const one = await identity.Identity.generate();
      const signature = await one.sign(utf8("data"));
      holds(await identity.verify(one.public, signature, utf8("data")), "signature");
      holds(!(await identity.verify(one.public, signature, utf8("date"))), "other data");
      holds(!(await identity.verify(one.public, signature.slice(1), utf8("data"))), "short signature");
      holds(!(await identity.verify(one.public.slice(1), signature, utf8("data"))), "short key");
    }],
    ["a relay vouches for its certificate", async () => {
      const { hash, endorsement } = vectors.certificate;
      const other = new Uint8Array(32);
      const signed = bytes(endorsement);
      holds(await identity.vouchedFor(bytes(vectors.pin), raw, signed, [other, bytes(hash)]), "the right one");
      holds(!(await identity.vouchedFor(bytes(vectors.pin), raw, signed, [other])), "another certificate");
      const direct = bytes(vectors.certificate.host_endorsement);
      holds(await identity.vouchedFor(bytes(vectors.pin), raw, direct, [bytes(hash)], identity.HOST_CERTIFICATE), "a host's");
      holds(!(await identity.vouchedFor(bytes(vectors.pin), raw, direct, [bytes(hash)])), "a host is no relay");
      const { signature: long, not_before: from, not_after: until } = vectors.overlong;
      const key = bytes(vectors.static[0].key);
      holds(!(await identity.checkStatic(raw, bytes(long), identity.STATIC_HOST, key, from, until, from)), "valid for too long");
      holds(identity.clocksDiffer(3 * 86_400, 0, "host").message.startsWith("The clocks differ by 3 days: this machine's is behind"), "behind");
      holds(identity.clocksDiffer(0, 86_400, "host").message.startsWith("The clocks differ by 1 day: this machine's is ahead of"), "ahead");
      holds(!(await identity.vouchedFor(bytes(vectors.pin), raw, signed, [])), "no certificate");
      holds(!(await identity.vouchedFor(other, raw, signed, [bytes(hash)])), "another pin");
    }],
    ["static keys are endorsed for a side and a time", async () => {
      const one = await identity.Identity.fromSeed(bytes(vectors.seed));
      for (const row of vectors.static) {
        const label = utf8(row.label);
        const made = await identity.endorseStatic(one, label, bytes(row.key), row.not_before, row.not_after);
        same(hex(made), row.signature);
        for (const { wall, valid } of vectors.validity) {
          same(await identity.checkStatic(raw, made, label, bytes(row.key), row.not_before, row.not_after, wall), valid);
        }
        const swapped = row === vectors.static[0] ? vectors.static[1] : vectors.static[0];
        const { key, not_before: from, not_after: until } = row;
        holds(!(await identity.checkStatic(raw, made, utf8(swapped.label), bytes(key), from, until, from)), "the other side");
      }
    }],
    ["a signer is endorsed for one media session", async () => {
      const { media_session: media, signer, endorsement } = vectors.signer;
      holds(await identity.checkSigner(raw, bytes(endorsement), bytes(media), bytes(signer)), "the right one");
      holds(!(await identity.checkSigner(raw, bytes(endorsement), new Uint8Array(16), bytes(signer))), "another session");
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function agreements(vectors) {
  /** @param {any} run */
  const start = (run) =>
    cpace.Initiator.create(bytes(run.prs), bytes(run.ci), bytes(run.sid), bytes(run.ad_initiator), () => bytes(run.scalar_initiator));
  return [
    ["a run yields what the other side yields", async () => {
      for (const run of vectors.runs) {
        same(hex(await cpace.generator(bytes(run.prs), bytes(run.ci), bytes(run.sid))), run.generator);
        const initiator = await start(run);
        same(hex(initiator.share), run.share_initiator);
        const { isk, initiatorTag, responderTag } = await initiator.finish(bytes(run.share_responder), bytes(run.ad_responder));
        same([hex(isk), hex(initiatorTag), hex(responderTag)], [run.isk, run.tag_initiator, run.tag_responder]);
      }
    }],
    ["the map to the curve", () => {
      for (const { r, u } of vectors.elligator2) same(hex(cpace.elligator2(BigInt(r))), u, r);
    }],
    ["bad shares are refused", async () => {
      const initiator = await start(vectors.runs[0]);
      for (const share of vectors.refused_by_initiator_of_run_0) {
        same(await errorOf(() => initiator.finish(bytes(share), new Uint8Array(0))), vectors.error, share);
      }
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function records(vectors) {
  const key = bytes(vectors.key);
  return [
    ["records are sealed and opened", async () => {
      for (const run of vectors.runs) {
        const sealer = new RecordSealer(key, run.pad_to, run.rekey_every);
        const opener = new RecordOpener(key);
        for (const { type, data, record } of run.records) {
          same(sealer.size(data.length / 2), record.length / 2);
          same(hex(await sealer.seal(type, bytes(data))), record);
          const opened = await opener.open(bytes(record).slice(2));
          same([opened.kind, hex(opened.data)], [type, data]);
        }
      }
    }],
    ["records sealed at once keep their order", async () => {
      for (const run of vectors.runs) {
        const sealer = new RecordSealer(key, run.pad_to, run.rekey_every);
        const sealed = await Promise.all(run.records.map((/** @type {any} */ { type, data }) => sealer.seal(type, bytes(data))));
        same(sealed.map(hex), run.records.map((/** @type {any} */ { record }) => record));
      }
    }],
    ["what does not open, or is not well formed inside, is refused", async () => {
      for (const { why, ciphertext, error } of vectors.invalid) {
        same(await errorOf(() => new RecordOpener(key).open(bytes(ciphertext))), error, why);
      }
    }],
  ];
}

/** @param {any} vectors @returns {Check[]} */
export function objects(vectors) {
  return [
    ["keys are derived", async () => {
      const { base, track, ratcheted, track_base: trackBase, kid, key, salt, hkdf: derived } = vectors.derivation;
      same(hex(await sframe.ratchet(bytes(base))), ratcheted);
      same(hex(await sframe.trackBase(bytes(base), track)), trackBase);
      const made = await sframe.keyAndSalt(bytes(base), BigInt(kid));
      same([hex(made.key), hex(made.salt)], [key, salt]);
      same(hex(await hkdf.expand(await hkdf.extract(new Uint8Array(0), utf8("secret")), utf8("info"), 100)), derived);
    }],
    ["headers are read in their shortest form only", async () => {
      for (const { kid, counter, encoded } of vectors.headers) {
        same(sframe.decodeHeader(bytes(`${encoded}ff`)), { kid: BigInt(kid), counter: BigInt(counter), size: encoded.length / 2 });
      }
      for (const { encoded, error } of vectors.bad_headers) same(await errorOf(() => sframe.decodeHeader(bytes(encoded))), error);
    }],
    ["objects open in their place, once", async () => {
      const opener = new sframe.ObjectOpener(bytes(vectors.media_session), bytes(vectors.signer));
      for (const { generation, step, base } of vectors.keys) opener.addKey(generation, step, bytes(base));
      for (const { why, track, object, flags, sealed, ...expected } of vectors.objects) {
        same(await opened(opener, track, object, flags, bytes(sealed)), expected, why);
      }
    }],
    ["an object that arrives twice at once is given out once", async () => {
      const opener = new sframe.ObjectOpener(bytes(vectors.media_session), bytes(vectors.signer));
      for (const { generation, step, base } of vectors.keys) opener.addKey(generation, step, bytes(base));
      const { track, object, flags, sealed } = vectors.objects[0];
      const twice = [0, 1].map(() => opened(opener, track, object, flags, bytes(sealed)));
      same((await Promise.all(twice)).filter((result) => result.replayed).length, 1);
    }],
    ["old generations are forgotten", async () => {
      const opener = new sframe.ObjectOpener(bytes(vectors.media_session), bytes(vectors.signer));
      const { generation, step, base } = vectors.keys[0];
      opener.addKey(generation, step, bytes(base));
      const { track, object, flags, sealed } = vectors.objects[0];
      holds((await opened(opener, track, object, flags, bytes(sealed))).plaintext, "before");
      for (const later of [1, 2, 3]) opener.addKey(generation + later, 0, bytes(base));
      const { sealed: next } = vectors.objects[2];
      holds((await opened(opener, track, 1, 0, bytes(next))).unknown_key, "after");
    }],
  ];
}

/** @param {sframe.ObjectOpener} opener @param {number} track @param {number} object @param {number} flags @param
 * {Uint8Array} sealed
 * @returns {Promise<Record<string, any>>} */
async function opened(opener, track, object, flags, sealed) {
  try {
    return { plaintext: hex(await opener.open(track, object, flags, sealed)) };
  } catch (error) {
    if (error instanceof sframe.UnknownKey) return { unknown_key: error.kid };
    if (error instanceof sframe.Replayed) return { replayed: true };
    return { error: codeName(error) };
  }
}
