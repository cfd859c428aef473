"""The identity of a device, and what it vouches for."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.crypto import identity
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.tls import DAY, LIFETIME, self_signed
from avl_protocol.wire import device_id
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode
from tests.protocol.handshakes import HOST, VIEWER, WALL, Seeded

CERTIFICATE = b"a certificate in DER"
NONCE = bytes(range(32))
RECORD = identity.device_record(WALL - 10, WALL + 1000, "avl 0.1.0")


def test_the_device_number_is_the_first_130_bits_of_the_labelled_hash() -> None:
    digest = hashlib.sha256(b"avl/1 device id\x00" + HOST.public).hexdigest()
    assert HOST.number == int(bin(int(digest, 16))[2:].zfill(256)[:130], 2)
    assert device_id.from_text(HOST.device_id) == HOST.number


def test_the_public_test_vector_of_ed25519_holds() -> None:
    # RFC 8032, section 7.1, test 2
    key = Identity(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_keys_and_signatures_that_are_garbage_verify_nothing(public: bytes, signature: bytes) -> None:
    assert not identity.verify(public, signature, b"data")


def test_a_statement_of_one_kind_never_serves_as_another() -> None:
    statements = {
        identity.endorse_certificate(HOST, CERTIFICATE),
        identity.sign_record(HOST, CERTIFICATE),
        identity.endorse_static(HOST, identity.STATIC_HOST, bytes(32), 1, 2),
        identity.endorse_static(HOST, identity.STATIC_VIEWER, bytes(32), 1, 2),
        identity.endorse_signer(HOST, bytes(16), bytes(32)),
    }
    assert len(statements) == 5


def test_a_relay_that_is_not_the_pinned_one_is_refused() -> None:
    endorsement = identity.endorse_certificate(HOST, CERTIFICATE)
    identity.check_relay(HOST.pin, HOST.public, endorsement, CERTIFICATE)
    for pinned, public, signature, certificate in (
        (VIEWER.pin, HOST.public, endorsement, CERTIFICATE),
        (HOST.pin, VIEWER.public, identity.endorse_certificate(VIEWER, CERTIFICATE), CERTIFICATE),
        (HOST.pin, HOST.public, endorsement, b"another certificate"),
        (HOST.pin, HOST.public, identity.sign_record(HOST, CERTIFICATE), CERTIFICATE),
    ):
        with pytest.raises(Refused) as refused:
            identity.check_relay(pinned, public, signature, certificate)
        assert refused.value.code == CloseCode.WRONG_RELAY


def _register(**changes: object) -> int:
    values: dict[str, object] = {
        "public": HOST.public,
        "record": RECORD,
        "signature": identity.sign_record(HOST, RECORD),
        "proof": identity.prove_registration(HOST, NONCE, CERTIFICATE, "relay", RECORD),
        "nonce": NONCE,
        "certificate": CERTIFICATE,
        "relay_name": "relay",
        "wall": WALL,
    }
    return identity.check_registration(**{**values, **changes})  # type: ignore[arg-type]


def test_a_registration_yields_the_device_number() -> None:
    assert _register() == HOST.number


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": bytes(32)},
        {"certificate": b"of another relay"},
        {"relay_name": "another relay"},
        {"public": VIEWER.public},
        {"signature": bytes(64)},
        {"proof": identity.sign_record(HOST, RECORD)},
        {"record": identity.device_record(WALL - 10, WALL + 2000, "avl 0.1.0")},
        {"record": b"\x80"},
        {"record": b"not msgpack"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_registration_made_for_another_place_or_time_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        _register(**changes)
    assert refused.value.code == CloseCode.BAD_RECORD


@pytest.mark.parametrize("wall", [WALL + 1000 + identity.CLOCK_TOLERANCE + 1, WALL - 10 - identity.CLOCK_TOLERANCE - 1])
def test_a_registration_whose_time_alone_is_wrong_is_told_so(wall: int) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        _register(wall=wall)
    assert refused.value.code == CloseCode.CLOCK
    with pytest.raises(RemoteProtocolError) as refused:
        _register(wall=wall, signature=bytes(64))
    assert refused.value.code == CloseCode.BAD_RECORD, "what is not signed says nothing of a clock"


@pytest.mark.parametrize(
    ("wall", "told"),
    [
        (WALL - DAY, None),
        (WALL + LIFETIME + 0.9 * DAY, None),
        (WALL - 3 * DAY, "begins to be valid in 3 days"),
        (WALL + LIFETIME + 40 * DAY, "ended 40 days ago"),
    ],
)
def test_a_certificate_is_good_while_it_is_valid_whoever_endorsed_it(wall: float, told: str | None) -> None:
    certificate = self_signed(["relay.test"], now=WALL, entropy=Seeded("certificate")).der
    if told is None:
        identity.check_certificate_time(certificate, wall)
        return
    with pytest.raises(Refused, match=told) as refused:
        identity.check_certificate_time(certificate, wall)
    assert refused.value.code is CloseCode.CLOCK


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        identity.check_certificate_time(b"certificate", WALL)
    assert refused.value.code is CloseCode.WRONG_RELAY


def test_an_endorsement_of_a_static_key_lasts_a_day_at_most() -> None:
    for lasts, good in (
        (identity.LONGEST_STATIC, True),
        (identity.LONGEST_STATIC + 1, False),
        (1 << 40, False),
        (-1, False),
    ):
        signature = identity.endorse_static(HOST, identity.STATIC_HOST, b"s" * 32, WALL, WALL + lasts)
        valid = identity.check_static(HOST.public, signature, identity.STATIC_HOST, b"s" * 32, WALL, WALL + lasts, WALL)
        assert valid is good


def test_a_host_s_word_for_its_certificate_is_not_a_relay_s() -> None:
    labels = (identity.HOST_CERTIFICATE, identity.RELAY_CERTIFICATE)
    for made, wanted in (labels, labels[::-1]):
        endorsement = identity.endorse_certificate(HOST, CERTIFICATE, made)
        identity.check_relay(HOST.pin, HOST.public, endorsement, CERTIFICATE, made)
        with pytest.raises(Refused):
            identity.check_relay(HOST.pin, HOST.public, endorsement, CERTIFICATE, wanted)


def test_clocks_may_be_off_by_a_day() -> None:
    assert _register(wall=WALL + 1000 + identity.CLOCK_TOLERANCE) == HOST.number
    assert _register(wall=WALL - 10 - identity.CLOCK_TOLERANCE) == HOST.number


def test_a_signer_is_endorsed_for_one_media_session() -> None:
    endorsement = identity.endorse_signer(HOST, bytes(16), VIEWER.public)
    assert identity.check_signer(HOST.public, endorsement, bytes(16), VIEWER.public)
    assert not identity.check_signer(HOST.public, endorsement, b"x" * 16, VIEWER.public)
    assert not identity.check_signer(HOST.public, endorsement, bytes(16), HOST.public)
    assert not identity.check_signer(VIEWER.public, endorsement, bytes(16), VIEWER.public)
