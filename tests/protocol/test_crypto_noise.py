"""Noise: against the public vectors, against an independent implementation, and against every kind of tampering."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from noise.connection import Keypair, NoiseConnection

from avl_protocol.crypto.noise import HandshakeState
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode
from tests.protocol.handshakes import Seeded

PUBLIC = Path(__file__).parents[3] / "shared/vectors/noise_xx.json"


def _pair(pattern: str = "XXhfs", **prologues: bytes) -> tuple[HandshakeState, HandshakeState]:
    return (
        HandshakeState(
            initiator=True,
            prologue=prologues.get("initiator", b"p"),
            static=Seeded("is")(32),
            entropy=Seeded("i"),
            pattern=pattern,
        ),
        HandshakeState(
            initiator=False,
            prologue=prologues.get("responder", b"p"),
            static=Seeded("rs")(32),
            entropy=Seeded("r"),
            pattern=pattern,
        ),
    )


def _finish(initiator: HandshakeState, responder: HandshakeState) -> None:
    for number in range(3):
        writer, reader = (responder, initiator) if number == 1 else (initiator, responder)
        assert reader.read(writer.write(b"payload %d" % number)) == b"payload %d" % number


@pytest.mark.skipif(not PUBLIC.exists(), reason="the public Noise vectors are not at ../shared/vectors")
def test_the_public_vector_of_xx_holds() -> None:
    vectors: list[dict[str, Any]] = json.loads(PUBLIC.read_text("utf-8"))["vectors"]
    (vector,) = [v for v in vectors if v["protocol_name"] == "Noise_XX_25519_AESGCM_SHA256"]
    raw = {key: bytes.fromhex(value) for key, value in vector.items() if key not in ("protocol_name", "messages")}
    initiator = HandshakeState(
        initiator=True,
        prologue=raw["init_prologue"],
        static=raw["init_static"],
        entropy=lambda size: raw["init_ephemeral"],
        pattern="XX",
    )
    responder = HandshakeState(
        initiator=False,
        prologue=raw["resp_prologue"],
        static=raw["resp_static"],
        entropy=lambda size: raw["resp_ephemeral"],
        pattern="XX",
    )
    for number, message in enumerate(vector["messages"][:3]):
        writer, reader = (responder, initiator) if number == 1 else (initiator, responder)
        payload, ciphertext = bytes.fromhex(message["payload"]), bytes.fromhex(message["ciphertext"])
        assert writer.write(payload) == ciphertext
        assert reader.read(ciphertext) == payload
    assert initiator.handshake_hash == responder.handshake_hash == raw["handshake_hash"]
    senders = initiator.split(), responder.split()
    for number, message in enumerate(vector["messages"][3:]):
        payload, ciphertext = bytes.fromhex(message["payload"]), bytes.fromhex(message["ciphertext"])
        direction = 1 - number % 2
        assert senders[number % 2][direction].encrypt(b"", payload) == ciphertext
        assert senders[1 - number % 2][direction].decrypt(b"", ciphertext) == payload


@pytest.mark.parametrize("ours_begins", [True, False])
def test_an_independent_implementation_of_xx_agrees(ours_begins: bool) -> None:
    ours = HandshakeState(
        initiator=ours_begins, prologue=b"prologue", static=Seeded("ours")(32), entropy=Seeded("e"), pattern="XX"
    )
    theirs = NoiseConnection.from_name(b"Noise_XX_25519_AESGCM_SHA256")
    theirs.set_prologue(b"prologue")
    theirs.set_keypair_from_private_bytes(Keypair.STATIC, Seeded("theirs")(32))
    theirs.set_as_responder() if ours_begins else theirs.set_as_initiator()
    theirs.start_handshake()
    for number in range(3):
        if (number % 2 == 0) == ours_begins:
            assert theirs.read_message(ours.write(b"to them")) == b"to them"
        else:
            assert ours.read(bytes(theirs.write_message(b"to us"))) == b"to us"
    assert theirs.get_handshake_hash() == ours.handshake_hash
    first, second = ours.split()
    send, receive = (first, second) if ours_begins else (second, first)
    assert theirs.decrypt(send.encrypt(b"", b"sealed")) == b"sealed"
    assert receive.decrypt(b"", bytes(theirs.encrypt(b"sealed too"))) == b"sealed too"


def test_the_hybrid_handshake_agrees_on_everything() -> None:
    initiator, responder = _pair()
    _finish(initiator, responder)
    assert initiator.handshake_hash == responder.handshake_hash
    assert initiator.chaining_key == responder.chaining_key
    assert initiator.remote_static == responder.static_public
    assert responder.remote_static == initiator.static_public
    assert responder.split()[0].decrypt(b"", initiator.split()[0].encrypt(b"", b"x")) == b"x"


def test_the_kem_secret_enters_the_keys() -> None:
    initiator, responder = _pair()
    other = HandshakeState(
        initiator=False,
        prologue=b"p",
        static=Seeded("rs")(32),
        entropy=Seeded("r"),
        encapsulate=lambda public: (bytes(32), bytes(1088)),
    )
    responder.read(initiator.write(b""))
    again, _ = _pair()
    other.read(again.write(b""))
    with pytest.raises(
        RemoteProtocolError
    ):  # everything behind ekem1 is under a key that the wrong secret does not yield
        again.read(other.write(b""))
    initiator.read(responder.write(b""))


def test_message_sizes_are_those_of_the_specification() -> None:
    initiator, responder = _pair()
    first = initiator.write(b"")
    assert len(first) == 32 + 1184
    responder.read(first)
    second = responder.write(b"")
    assert len(second) == 32 + (1088 + 16) + (32 + 16) + 16
    initiator.read(second)
    assert len(initiator.write(b"")) == 32 + 16 + 16


def test_any_flipped_bit_is_noticed_no_later_than_in_the_next_message() -> None:
    sizes = {0: 1216 + 9, 1: 1200 + 9, 2: 64 + 9}
    for number, size in sizes.items():
        for bit in range(0, size * 8, 397):
            initiator, responder = _pair()

            def run(number: int = number, bit: int = bit) -> None:
                for turn in range(3):
                    writer, reader = (responder, initiator) if turn == 1 else (initiator, responder)  # noqa: B023
                    message = bytearray(writer.write(b"payload %d" % turn))
                    if turn == number:
                        message[bit // 8] ^= 1 << bit % 8
                    reader.read(bytes(message))

            with pytest.raises(RemoteProtocolError) as raised:
                run()
            assert raised.value.code in (CloseCode.TAMPERED, CloseCode.SESSION_PROTOCOL)


def test_different_prologues_make_message_2_undecryptable() -> None:
    initiator, responder = _pair(initiator=b"one view", responder=b"another")
    responder.read(initiator.write(b""))
    with pytest.raises(RemoteProtocolError) as raised:
        initiator.read(responder.write(b""))
    assert raised.value.code == CloseCode.TAMPERED


def test_low_order_keys_are_refused() -> None:
    _, responder = _pair("XX")
    with pytest.raises(RemoteProtocolError) as raised:
        responder.read(bytes(32))
        responder.write(b"")
    assert raised.value.code == CloseCode.SESSION_PROTOCOL


def test_an_encapsulation_key_out_of_range_is_refused() -> None:
    _, responder = _pair()
    responder.read(Seeded("e")(32) + b"\xff" * 1184)
    with pytest.raises(RemoteProtocolError) as raised:
        responder.write(b"")
    assert raised.value.code == CloseCode.SESSION_PROTOCOL


@given(st.binary(max_size=1400))
def test_a_reader_raises_only_declared_errors(data: bytes) -> None:
    initiator, responder = _pair()
    initiator.write(b"")
    for state in (initiator, responder):
        try:
            state.read(data)
        except RemoteProtocolError:
            continue
        assert state is responder and len(data) >= 1216  # message 1 is in the clear


def test_turns_are_kept() -> None:
    initiator, responder = _pair("XX")
    with pytest.raises(LocalProtocolError):
        responder.write(b"")
    with pytest.raises(LocalProtocolError):
        initiator.split()
    _finish(initiator, responder)
    with pytest.raises(LocalProtocolError):
        initiator.write(b"")
