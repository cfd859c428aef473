"""What a payload asks for, and that the acknowledgement of feedback rides with the next datagram."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.quic.acknowledging import FEEDBACK_ACK_DELAY
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.quic.payload import MOST_FRAMES, Acknowledgement, Payload, Piece, read, too_many
from avl_protocol.wire.registry import CloseCode, DatagramType
from tests.protocol.fixedrate import FixedRate
from tests.protocol.pair import Pair

FEEDBACK = bytes((0, 0, DatagramType.FEEDBACK)) + b"\x05\x00\x00"
MEDIA = bytes((0, 1, DatagramType.MEDIA)) + bytes(12)
#: Largest 1000, delay 3, one more range: (gap, length).
ACK = bytes((0x02, 0x43, 0xE8, 0x03, 0x01, 0x05, 0x02, 0x40, 0x80))


def datagram(payload: bytes) -> bytes:
    """A DATAGRAM frame with its length."""
    return bytes((0x31, len(payload))) + payload


@pytest.mark.parametrize(
    ("plain", "kind"),
    [
        (ACK, Payload.FEEDBACK),
        (datagram(FEEDBACK), Payload.FEEDBACK),
        (ACK + datagram(FEEDBACK), Payload.FEEDBACK),
        (datagram(b"\x04" + FEEDBACK), Payload.FEEDBACK),
        (ACK + b"\x30" + FEEDBACK, Payload.FEEDBACK),
        (datagram(MEDIA), Payload.CARRIED),
        (datagram(FEEDBACK) + datagram(MEDIA), Payload.CARRIED),
        (ACK + b"\x30" + MEDIA, Payload.CARRIED),
        (ACK + datagram(FEEDBACK) + b"\x01", Payload.ANYTHING),
        (b"\x08\x00data", Payload.PIECES),
        (ACK + b"\x0a\x00\x04data", Payload.PIECES),
        (ACK + b"\x0a\x00\x04data" + datagram(FEEDBACK), Payload.CARRIED),
        (b"\x0a\x00\x05data", Payload.ANYTHING),
        (b"", Payload.ANYTHING),
        (b"\x02\x05\x00\x00\x06", Payload.ANYTHING),
        (b"\x1a" + bytes(8), Payload.ANYTHING),
        (ACK[:4], Payload.ANYTHING),
        (b"\x31", Payload.ANYTHING),
    ],
)
def test_a_payload_is_what_its_frames_are(plain: bytes, kind: Payload) -> None:
    assert kind_of(plain) is kind


@given(st.binary(max_size=60))
def test_whatever_a_payload_holds_it_has_a_kind(plain: bytes) -> None:
    assert kind_of(plain) in Payload


def kind_of(plain: bytes) -> Payload:
    """What a payload asks for."""
    contents = read(plain)
    return Payload.ANYTHING if contents is None else contents.kind


def test_the_frames_of_a_payload_are_told_in_order() -> None:
    plain = ACK + datagram(MEDIA) + b"\x0f\x04\x40\x80\x02ab" + datagram(FEEDBACK) + b"\x08\x00rest"
    contents = read(plain)
    assert contents is not None and contents.eliciting
    assert contents.acknowledgements == [Acknowledgement([range(995, 1001), range(863, 992)], 3)]
    assert contents.datagrams == [MEDIA, FEEDBACK]
    assert contents.pieces == [Piece(4, 128, b"ab", True), Piece(0, 0, b"rest", False)]


def test_a_mere_acknowledgement_asks_for_none() -> None:
    contents = read(ACK)
    assert contents is not None and not contents.eliciting


def feedback_arrives(pair: Pair) -> None:
    """The client sends one feedback datagram, the server reads it."""
    pair.client.send_datagrams([FEEDBACK], 0, None, None)
    pair.deliver(pair.client, pair.flush(pair.client))


def due(pair: Pair) -> float:
    """When the server wants to be called."""
    at = pair.server.get_timer()
    assert at is not None
    return at


def test_feedback_is_acknowledged_with_the_next_datagram_in_one_packet() -> None:
    pair = Pair()
    pair.server.use_controller(FixedRate(1e9))
    pair.run(1.0)
    feedback_arrives(pair)
    assert not pair.server.wants_flush(pair.now) and pair.flush(pair.server) == []
    answered = pair.client.answered_at
    pair.now += 0.008
    pair.server.send_datagrams([MEDIA], 2, None, None)
    packets = pair.flush(pair.server)
    assert len(packets) == 1
    pair.deliver(pair.server, packets)
    assert pair.client.answered_at > answered
    assert due(pair) > pair.now + 0.02, "nothing is left to acknowledge"


def test_feedback_is_acknowledged_within_what_is_promised_where_nothing_else_leaves() -> None:
    pair = Pair()
    pair.run(1.0)
    feedback_arrives(pair)
    assert due(pair) == pytest.approx(pair.now + FEEDBACK_ACK_DELAY) and FEEDBACK_ACK_DELAY <= 0.025
    pair.now = due(pair)
    pair.server.handle_timer(pair.now)
    assert len(pair.flush(pair.server)) == 1


def test_media_behind_feedback_is_acknowledged_as_soon_as_ever() -> None:
    pair = Pair()
    pair.run(1.0)
    feedback_arrives(pair)
    pair.client.send_datagrams([MEDIA], 2, None, None)
    pair.deliver(pair.client, pair.flush(pair.client))
    assert due(pair) == pytest.approx(pair.now + ConnectionOptions().ack_delay)


def test_feedback_leaves_although_media_keep_to_a_window_that_is_full() -> None:
    pair = Pair()
    pair.server.use_controller(FixedRate(1e9, window=12_000))
    pair.run(1.0)
    pair.server.send_datagrams([MEDIA + bytes(300)] * 60, 2, None, None)
    assert pair.flush(pair.server) and pair.server.queue, "the window is full, and more waits"
    pair.server.queue.clear(2)
    pair.server.send_datagrams([FEEDBACK + bytes(600)], 0, None, None)
    assert len(pair.flush(pair.server)) == 1 and not pair.server.queue


@pytest.mark.parametrize(
    "frame",
    [
        b"\x01",
        b"\x10\x01",
        b"\x31\x00",
        b"\x0a\x00\x00",
        b"\x0e\x00\x00\x01x",
        b"\x04\x04\x00\x00",
        b"\x05\x04\x00",
        b"\x06\x00\x01x",
        b"\x07\x01x",
        b"\x19\x01",
        b"\x02\x00\x00\x00\x00",
        b"\x03\x00\x00\x00\x00\x00\x00\x00",
        b"\x1b12345678",
        b"\x18\x01\x00\x0412341234567812345678",
        b"\x00\x1e",
        b"\x11\x00\x01\x15\x00\x01",
    ],
)
def test_a_packet_of_very_many_frames_is_known_by_them(frame: bytes) -> None:
    each = 2 if frame[0] in (0x00, 0x11) else 1
    fits = MOST_FRAMES // each
    assert not too_many(frame * fits)
    assert too_many(frame * fits + b"\x01")
    assert read(frame * (fits + 1)) is None or each > 1


@given(st.binary(max_size=1500))
def test_frames_of_any_bytes_are_counted(plain: bytes) -> None:
    assert not too_many(plain[:MOST_FRAMES])
    too_many(plain)
    assert not too_many(b"\x06\x00\x44\x00" + plain.ljust(1024, b"\0")[:1024] + bytes(1000))


def test_whoever_fills_packets_with_frames_is_shut_out() -> None:
    pair = Pair()
    pair.client.send_datagrams([b"\0"] * MOST_FRAMES, 2, None, None)
    pair.run(0.1)
    assert pair.received(pair.server).count(b"\0") == MOST_FRAMES and pair.server.close_event is None
    pair.client.send_datagrams([b"\0"] * (MOST_FRAMES + 50), 2, None, None)
    pair.run(0.1)
    event = pair.server.close_event
    assert event is not None and event.error_code == CloseCode.LIMIT and event.frame_type is None
