"""Vectors of identities, CPace, records and sealed objects."""

from __future__ import annotations

from functools import partial
from typing import Any

from avl_protocol.crypto import cpace, hkdf, identity, sframe
from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.record import RecordOpener, RecordSealer
from avl_protocol.crypto.sframe import MediaKey, ObjectOpener, ObjectSealer
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import ObjectFlag, RecordType
from spec.vectors.notation import drawn, error_of

WALL = 1_800_000_000


def identities() -> dict[str, Any]:
    """What identities vouch for; `seed` makes the key."""
    seed = drawn("identity 0", 32)
    one = Identity(seed)
    certificate = drawn("certificate", 300)
    record = identity.device_record(WALL, WALL + 86_400, "avl 0.1.0")
    nonce = drawn("nonce", 32)
    static, signer, media = drawn("static", 32), Identity(drawn("signer", 32)).public, drawn("media session", 16)
    return {
        "seed": seed.hex(),
        "public": one.public.hex(),
        "pin": one.pin.hex(),
        "certificate": {
            "der": certificate.hex(),
            "hash": identity.pin(certificate).hex(),
            "endorsement": identity.endorse_certificate(one, certificate).hex(),
            "host_endorsement": identity.endorse_certificate(one, certificate, identity.HOST_CERTIFICATE).hex(),
        },
        "registration": {
            "not_before": WALL,
            "not_after": WALL + 86_400,
            "software": "avl 0.1.0",
            "record": record.hex(),
            "signature": identity.sign_record(one, record).hex(),
            "nonce": nonce.hex(),
            "relay_name": "relay.example",
            "proof": identity.prove_registration(one, nonce, certificate, "relay.example", record).hex(),
        },
        "static": [
            {
                "label": label.decode(),
                "key": static.hex(),
                "not_before": WALL,
                "not_after": WALL + 3600,
                "signature": identity.endorse_static(one, label, static, WALL, WALL + 3600).hex(),
            }
            for label in (identity.STATIC_HOST, identity.STATIC_VIEWER)
        ],
        "overlong": {
            "not_before": WALL,
            "not_after": WALL + 86_401,
            "signature": identity.endorse_static(one, identity.STATIC_HOST, static, WALL, WALL + 86_401).hex(),
        },
        "validity": [
            {"wall": wall, "valid": identity.valid_at(WALL, WALL + 3600, wall)}
            for wall in (WALL - 86_401, WALL - 86_400, WALL, WALL + 3600 + 86_400, WALL + 3600 + 86_401)
        ],
        "signer": {
            "media_session": media.hex(),
            "signer": signer.hex(),
            "endorsement": identity.endorse_signer(one, media, signer).hex(),
        },
    }


def agreements() -> dict[str, Any]:
    """Runs of CPace between two who know one code, shares that must be refused, and points of the map to the curve."""
    runs = []
    for number, code in enumerate((b"7K3P9QX2", b"", b"x" * 200)):
        sid, ci, ad_a, ad_b = drawn(f"sid {number}", 32), b"avl/1 pake", drawn("viewer", 32), drawn("host", 32)
        scalars = drawn(f"ya {number}", 32), drawn(f"yb {number}", 32)
        initiator = cpace.Initiator(prs=code, ci=ci, sid=sid, ad=ad_a, entropy=partial(drawn, f"ya {number}"))
        responder = cpace.Responder(prs=code, ci=ci, sid=sid, ad=ad_b, entropy=partial(drawn, f"yb {number}"))
        agreement = initiator.finish(responder.share, ad_b)
        assert agreement == responder.finish(initiator.share, ad_a)
        runs.append(
            {
                "prs": code.hex(),
                "ci": ci.hex(),
                "sid": sid.hex(),
                "ad_initiator": ad_a.hex(),
                "ad_responder": ad_b.hex(),
                "scalar_initiator": scalars[0].hex(),
                "scalar_responder": scalars[1].hex(),
                "generator": cpace.generator(code, ci, sid).hex(),
                "share_initiator": initiator.share.hex(),
                "share_responder": responder.share.hex(),
                "isk": agreement.isk.hex(),
                "tag_initiator": agreement.initiator_tag.hex(),
                "tag_responder": agreement.responder_tag.hex(),
            }
        )
    p = (1 << 255) - 19
    refused = [n.to_bytes(32, "little").hex() for n in (0, 1, p - 1, p, p + 1)]
    refused += [
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        str(runs[0]["share_initiator"]),
        "00" * 31,
        "09" + "00" * 32,
    ]
    return {
        "runs": runs,
        "refused_by_initiator_of_run_0": refused,
        "error": error_of(lambda: initiator.finish(bytes(32), b"")),
        "elligator2": [
            {"r": str(r), "u": cpace.elligator2(r).hex()}
            for r in (0, 1, 2, p - 1, p, int.from_bytes(drawn("r", 31), "little"))
        ],
    }


def records() -> dict[str, Any]:
    """Runs of records under one key, and ciphertexts that the first record's reader must refuse."""
    key = drawn("record key", 32)
    contents = [
        (RecordType.DATA, b""),
        (RecordType.DATA, b"hello"),
        (RecordType.ACK, b"\x05"),
        (200, b"of a later version"),
        (RecordType.DATA, drawn("data", 61)),
        (RecordType.DATA, drawn("data", 62)),
        (RecordType.FIN, b""),
    ]
    runs = []
    for pad_to in (0, 64):
        sealer = RecordSealer(key, pad_to)
        runs.append({"pad_to": pad_to, "rekey_every": 1 << 20, "records": _sealed(sealer, contents)})
    sealer = RecordSealer(key, 0, 3)
    with_rekey = [(RecordType.DATA, b"1"), (RecordType.DATA, b"2"), (RecordType.REKEY, b"")] * 2
    runs.append({"pad_to": 0, "rekey_every": 3, "records": _sealed(sealer, [*with_rekey, (RecordType.DATA, b"3")])})
    good = RecordSealer(key).seal(RecordType.DATA, b"hello")[2:]
    aead = RecordSealer(key)._aead

    def by_hand(inner: bytes) -> bytes:
        return aead.encrypt(bytes(12), inner, (len(inner) + 16).to_bytes(2, "big"))

    bad = {
        "a flipped bit": bytes((good[0] ^ 1,)) + good[1:],
        "a flipped bit of the tag": good[:-1] + bytes((good[-1] ^ 0x80,)),
        "cut": good[:-1],
        "empty": b"",
        "another counter": _second(key)[2:],
        "padding that is not zero": by_hand(b"\0\0\x01x\0\x01\0"),
        "a data length that lies": by_hand(b"\0\0\x09x"),
        "no room for its header": by_hand(b"\0\0"),
        "nothing inside": by_hand(b""),
        "too much data": by_hand(b"\0\x40\x01" + bytes(0x4001)),
    }
    return {
        "key": key.hex(),
        "runs": runs,
        "invalid": [
            {"why": why, "ciphertext": text.hex(), "error": error_of(partial(RecordOpener(key).open, text))}
            for why, text in bad.items()
        ],
    }


def _sealed(sealer: RecordSealer, contents: list[tuple[int, bytes]]) -> list[dict[str, Any]]:
    return [{"type": int(kind), "data": data.hex(), "record": sealer.seal(kind, data).hex()} for kind, data in contents]


def _second(key: bytes) -> bytes:
    sealer = RecordSealer(key)
    sealer.seal(RecordType.DATA, b"first")
    return sealer.seal(RecordType.DATA, b"second")


def objects() -> dict[str, Any]:
    """Sealed objects of one media session in the order they arrive, and what is wrong with some of them."""
    media, signer = drawn("media session", 16), Identity(drawn("signer", 32))
    keys = [MediaKey(7, 0, drawn("base 7", 32)), MediaKey((1 << 32) - 1, 3, drawn("base last", 32))]
    opener = ObjectOpener(media, signer.public)
    for key in keys:
        opener.add_key(key.generation, key.step, key.base)
    later = keys[1].ratchet().ratchet()
    cases: list[dict[str, Any]] = []

    def case(why: str, track: int, number: int, flags: int, sealed: bytes) -> None:
        expected: dict[str, Any]
        try:
            expected = {"plaintext": opener.open(track, number, flags, sealed).hex()}
        except sframe.UnknownKey as unknown:
            expected = {"unknown_key": unknown.kid}
        except sframe.Replayed:
            expected = {"replayed": True}
        except RemoteProtocolError as error:
            expected = {"error": error.code.name}
        cases.append({"why": why, "track": track, "object": number, "flags": flags, "sealed": sealed.hex(), **expected})

    first = ObjectSealer(media_session=media, generation=7, step=0, base=keys[0].base, track=1, sign=signer.sign)
    other = ObjectSealer(
        media_session=media, generation=later.generation, step=later.step, base=later.base, track=255, sign=signer.sign
    )
    unknown = ObjectSealer(media_session=media, generation=8, step=0, base=keys[0].base, track=1, sign=signer.sign)
    forger = ObjectSealer(
        media_session=media, generation=7, step=0, base=keys[0].base, track=1, sign=Identity(drawn("forger", 32)).sign
    )
    key_object = first.seal(0, ObjectFlag.KEY, drawn("picture", 1500))
    case("a key object", 1, 0, ObjectFlag.KEY, key_object)
    case("the same again", 1, 0, ObjectFlag.KEY, key_object)
    case("nothing inside", 1, 1, 0, first.seal(1, 0, b""))
    case("two steps later, the last generation and track", 255, 70_000, 2, other.seal(70_000, 2, b"later"))
    case("the last object number", 255, (1 << 32) - 1, 0, other.seal((1 << 32) - 1, 0, b"last"))
    case("a key that was not given", 1, 2, 0, unknown.seal(2, 0, b"?"))
    case("signed by another", 1, 2, 0, forger.seal(2, 0, b"forged"))
    good = first.seal(9, 4, b"a picture")
    case("of another track", 2, 9, 4, good)
    case("of another number", 1, 10, 4, good)
    case("with other flags", 1, 9, 0, good)
    for place in (0, 1, 4, len(good) - 64 - 16, len(good) - 1):
        case(f"byte {place} changed", 1, 9, 4, good[:place] + bytes((good[place] ^ 1,)) + good[place + 1 :])
    for size in (0, 1, 3, 60, 64, 80, len(good) - 1):
        case(f"cut to {size} bytes", 1, 9, 4, good[:size])
    case("unchanged", 1, 9, 4, good)
    case("far ahead", 1, 1000, 0, first.seal(1000, 0, b"far"))
    older = ObjectSealer(media_session=media, generation=7, step=0, base=keys[0].base, track=1, sign=signer.sign)
    case("as old as the window", 1, 489, 0, older.seal(489, 0, b"old"))
    older = ObjectSealer(media_session=media, generation=7, step=0, base=keys[0].base, track=1, sign=signer.sign)
    case("older than the window", 1, 488, 0, older.seal(488, 0, b"too old"))
    headers = [(0, 0), (7, 7), (8, 8), (255, 256), (1 << 44, (1 << 32) - 1), ((1 << 64) - 1, (1 << 64) - 1)]
    return {
        "media_session": media.hex(),
        "signer": signer.public.hex(),
        "keys": [
            {"generation": key.generation, "step": key.step, "base": key.base.hex(), "encoded": key.to_bytes().hex()}
            for key in keys
        ],
        "derivation": {
            "base": keys[0].base.hex(),
            "ratcheted": sframe.ratchet(keys[0].base).hex(),
            "track": 300 % 256,
            "track_base": sframe.track_base(keys[0].base, 300 % 256).hex(),
            "kid": str(keys[0].kid(1)),
            "key": sframe.key_and_salt(keys[0].base, keys[0].kid(1))[0].hex(),
            "salt": sframe.key_and_salt(keys[0].base, keys[0].kid(1))[1].hex(),
            "hkdf": hkdf.expand(hkdf.extract(b"", b"secret"), b"info", 100).hex(),
        },
        "headers": [
            {"kid": str(kid), "counter": str(counter), "encoded": sframe.encode_header(kid, counter).hex()}
            for kid, counter in headers
        ],
        "bad_headers": [
            {"encoded": text, "error": error_of(partial(sframe.decode_header, bytes.fromhex(text)))}
            for text in ("", "88", "c7", "0807", "0900ff", "8700")
        ],
        "objects": cases,
    }
