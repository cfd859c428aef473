"""Media objects: RFC 9605's vectors, and that nothing opens but what the signer sealed for this very place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.crypto import hkdf, sframe
from avl_protocol.crypto.sframe import MediaKey, ObjectOpener, ObjectSealer, Replayed, UnknownKey
from avl_protocol.wire.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_OBJECT_SIZE, CloseCode
from tests.protocol.handshakes import identity

PUBLIC = Path(__file__).parents[3] / "shared/vectors/sframe.json"
needs_vectors = pytest.mark.skipif(not PUBLIC.exists(), reason="the public SFrame vectors are not at ../shared/vectors")

SIGNER = identity("signer")
MEDIA = bytes(range(16))
BASE = bytes(range(32))


def _vectors(name: str) -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads(PUBLIC.read_text("utf-8"))[name]
    return vectors


def _sealer(generation: int = 7, step: int = 0, base: bytes = BASE, track: int = 1) -> ObjectSealer:
    return ObjectSealer(media_session=MEDIA, generation=generation, step=step, base=base, track=track, sign=SIGNER.sign)


def _opener(generation: int = 7, step: int = 0, base: bytes = BASE) -> ObjectOpener:
    opener = ObjectOpener(MEDIA, SIGNER.public)
    opener.add_key(generation, step, base)
    return opener


def _tampered(opener: ObjectOpener, sealed: bytes, track: int = 1, number: int = 5, flags: int = 1) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        opener.open(track, number, flags, sealed)
    assert raised.value.code == CloseCode.TAMPERED


@needs_vectors
def test_the_public_header_vectors_hold() -> None:
    for vector in _vectors("header"):
        encoded = bytes.fromhex(vector["encoded"])
        assert sframe.encode_header(vector["kid"], vector["ctr"]) == encoded
        assert sframe.decode_header(encoded + b"rest") == (vector["kid"], vector["ctr"], len(encoded))


@needs_vectors
def test_the_public_vector_of_the_suite_holds() -> None:
    (vector,) = [v for v in _vectors("sframe") if v["cipher_suite"] == sframe.SUITE]
    raw = {key: bytes.fromhex(value) for key, value in vector.items() if isinstance(value, str)}
    kid, counter = vector["kid"], vector["ctr"]
    assert hkdf.extract(b"", raw["base_key"]) == raw["sframe_secret"]
    key, salt = sframe.key_and_salt(raw["base_key"], kid)
    assert (key, salt) == (raw["sframe_key"], raw["sframe_salt"])
    header = sframe.encode_header(kid, counter)
    assert header + raw["metadata"] == raw["aad"]
    nonce = (int.from_bytes(salt, "big") ^ counter).to_bytes(12, "big")
    assert nonce == raw["nonce"]
    assert header + AESGCM(key).encrypt(nonce, raw["pt"], raw["aad"]) == raw["ct"]


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_headers_have_one_form(kid: int, counter: int) -> None:
    encoded = sframe.encode_header(kid, counter)
    assert sframe.decode_header(encoded) == (kid, counter, len(encoded))


@pytest.mark.parametrize("header", ["", "88", "c7", "0807", "0900ff", "8700"])
def test_headers_cut_short_or_longer_than_needed_are_refused(header: str) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        sframe.decode_header(bytes.fromhex(header))
    assert raised.value.code == CloseCode.TAMPERED


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_what_is_sealed_opens(plaintext: bytes, track: int, number: int, flags: int) -> None:
    sealed = _sealer(track=track).seal(number, flags, plaintext)
    assert _opener().open(track, number, flags, sealed) == plaintext


def test_every_flipped_bit_is_noticed() -> None:
    sealed = _sealer().seal(5, 1, b"a picture")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((RemoteProtocolError, UnknownKey)):
            _opener().open(1, 5, 1, bytes(changed))


def test_an_object_opens_only_in_its_place() -> None:
    sealed = _sealer().seal(5, 1, b"a picture")
    for track, number, flags in ((2, 5, 1), (1, 6, 1), (1, 5, 0)):
        _tampered(_opener(), sealed, track, number, flags)
    other_session = ObjectOpener(b"x" * 16, SIGNER.public)
    other_session.add_key(7, 0, BASE)
    _tampered(other_session, sealed)
    other_signer = ObjectOpener(MEDIA, identity("another viewer").public)
    other_signer.add_key(7, 0, BASE)
    _tampered(other_signer, sealed)


def test_a_viewer_that_knows_the_key_can_not_seal_for_others() -> None:
    forged = ObjectSealer(
        media_session=MEDIA, generation=7, step=0, base=BASE, track=1, sign=identity("another viewer").sign
    ).seal(5, 1, b"a forgery")
    _tampered(_opener(), forged)


def test_cut_objects_are_refused() -> None:
    sealed = _sealer().seal(5, 1, b"a picture")
    for size in range(len(sealed)):
        _tampered(_opener(), sealed[:size])


def test_objects_are_accepted_once_within_a_window_of_512() -> None:
    sealer, opener = _sealer(), _opener()
    objects = [sealer.seal(number, 0, b"") for number in range(600)]
    assert opener.open(1, 0, 0, objects[0]) == b""
    for number in (599, 100, 599 - 511):
        opener.open(1, number, 0, objects[number])
    for number in (0, 599, 100, 599 - 512):
        with pytest.raises(Replayed):
            opener.open(1, number, 0, objects[number])


def test_a_forgery_does_not_move_the_window() -> None:
    opener = _opener()
    sealed = bytearray(_sealer().seal(100_000, 0, b""))
    sealed[-1] ^= 1
    _tampered(opener, bytes(sealed), number=100_000, flags=0)
    assert opener.open(1, 5, 0, _sealer().seal(5, 0, b"x")) == b"x"


def test_an_unknown_key_is_named() -> None:
    for generation, step in ((8, 0), (6, 3)):
        key = MediaKey(generation, step, BASE)
        with pytest.raises(UnknownKey) as raised:
            _opener(7, 0).open(1, 0, 0, _sealer(generation, step).seal(0, 0, b""))
        assert raised.value.kid == key.kid(1) == generation << 12 | 1 << 4 | step


def test_steps_are_computed_forwards_only() -> None:
    key = MediaKey(7, 3, BASE)
    later = key.ratchet().ratchet()
    assert (later.generation, later.step) == (7, 5)
    sealed = _sealer(7, 5, later.base).seal(0, 0, b"x")
    assert _opener(7, 3).open(1, 0, 0, sealed) == b"x"
    with pytest.raises(UnknownKey):
        _opener(7, 6).open(1, 0, 0, sealed)
    with pytest.raises(LocalProtocolError):
        MediaKey(7, 15, BASE).ratchet()


def test_a_sealer_goes_on_under_another_key() -> None:
    sealer, opener = _sealer(), _opener()
    assert opener.open(1, 0, 0, sealer.seal(0, 0, b"old")) == b"old"
    sealer.set_key(8, 0, b"n" * 32)
    sealed = sealer.seal(1, 1, b"new")
    with pytest.raises(UnknownKey):
        opener.open(1, 1, 1, sealed)
    opener.add_key(8, 0, b"n" * 32)
    assert opener.open(1, 1, 1, sealed) == b"new"


def test_old_generations_are_forgotten() -> None:
    opener = _opener(1)
    sealer = _sealer(1)
    opener.open(1, 0, 0, sealer.seal(0, 0, b""))
    for generation in (2, 3, 4):
        opener.add_key(generation, 0, BASE)
    with pytest.raises(UnknownKey):
        opener.open(1, 1, 0, sealer.seal(1, 0, b""))


def test_a_sealer_never_uses_a_number_twice_and_ends_at_32_bits() -> None:
    sealer = _sealer()
    sealer.seal(5, 0, b"")
    for number in (5, 4, 1 << 32, -1):
        with pytest.raises(LocalProtocolError):
            sealer.seal(number, 0, b"")
    sealer.seal((1 << 32) - 1, 0, b"")


def test_objects_too_large_to_travel_are_not_sealed() -> None:
    room = MAX_OBJECT_SIZE - 5 - 16 - 64
    assert len(_sealer().seal(5, 0, bytes(room))) <= MAX_OBJECT_SIZE
    with pytest.raises(LocalProtocolError):
        _sealer().seal(5, 0, bytes(room + 10))


@given(st.binary(max_size=200))
def test_garbage_raises_only_declared_errors(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        _opener().open(1, 5, 1, data)


@given(st.integers(0, 2**32 - 1), st.integers(0, 15), st.binary(min_size=32, max_size=32))
def test_media_keys_travel(generation: int, step: int, base: bytes) -> None:
    key = MediaKey(generation, step, base)
    assert len(key.to_bytes()) == sframe.MEDIA_KEY_BYTES
    assert MediaKey.from_bytes(key.to_bytes()) == key
    assert base.hex() not in repr(key) and str(base) not in repr(key)


@pytest.mark.parametrize("data", [b"", bytes(36), bytes(38), bytes(4) + b"\x10" + bytes(32)])
def test_media_keys_of_another_form_are_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        MediaKey.from_bytes(data)
    assert raised.value.code == CloseCode.SESSION_PROTOCOL
