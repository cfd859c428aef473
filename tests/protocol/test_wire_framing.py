"""Integers, lengths and stream headers: read from any slices, never more than was allowed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.session.hop.stream import HeaderReader, HopStream, StreamHeader, channel_header, hop_bytes
from avl_protocol.wire import varint
from avl_protocol.wire.buffer import Reader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.framing import FrameReader, ShortFrameReader, frame
from avl_protocol.wire.messages import Attached, Incoming, Ping, Pong, Registered
from avl_protocol.wire.registry import MAX_HOP_MESSAGE, CloseCode, StreamType


def slices(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes in pieces."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(st.integers(0, varint.MAX))
def test_an_integer_reads_back_in_its_shortest_form(value: int) -> None:
    data = varint.encode(value)
    assert varint.decode(data) == (value, len(data))
    assert varint.size(value) == len(data)
    assert all(varint.decode(data[:cut]) is None for cut in range(len(data)))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (37, "25"),
        (15293, "7bbd"),
        (494878333, "9d7f3e7d"),
        (151288809941952652, "c2197c5eff14e88c"),
        (0, "00"),
        (63, "3f"),
        (64, "4040"),
        (16383, "7fff"),
        (16384, "80004000"),
        ((1 << 62) - 1, "f" * 16),
    ],
)
def test_integers_are_those_of_rfc_9000(value: int, encoded: str) -> None:
    assert varint.encode(value).hex() == encoded
    assert varint.decode(bytes.fromhex(encoded)) == (value, len(encoded) // 2)


@pytest.mark.parametrize("value", [-1, 1 << 62, 1 << 80])
def test_what_fits_no_integer_is_our_own_error(value: int) -> None:
    with pytest.raises(LocalProtocolError):
        varint.encode(value)


@given(st.binary(max_size=30), st.lists(st.sampled_from(["integer", "uint", "take", "rest"]), max_size=8))
def test_a_reader_ends_with_the_peers_error_and_never_beyond_its_bytes(data: bytes, steps: list[str]) -> None:
    reader = Reader(data, CloseCode.SESSION_PROTOCOL)
    for step in steps:
        before = len(reader)
        try:
            if step == "integer":
                reader.integer()
            elif step == "uint":
                assert reader.uint(4) < 1 << 32
            elif step == "take":
                assert len(reader.take(3)) == 3
            else:
                assert len(reader.rest()) == before
        except RemoteProtocolError as error:
            assert error.code is CloseCode.SESSION_PROTOCOL
            return
        assert 0 <= len(reader) <= before


# -- messages with a length --------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), max_size=8), CUTS)
def test_messages_come_out_whole_however_the_stream_was_cut(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(message, 300) for message in sent)
    reader = FrameReader(300)
    got = [message for piece in slices(stream, cuts) for message in reader.feed(piece)]
    assert got == sent
    assert reader.pending == 0


@given(st.binary(max_size=2000), CUTS)
def test_a_frame_reader_holds_at_most_one_message(data: bytes, cuts: list[int]) -> None:
    reader = FrameReader(100)
    try:
        for piece in slices(data, cuts):
            reader.feed(piece)
            assert reader.pending <= 100 + 8
    except RemoteProtocolError as error:
        assert error.code is CloseCode.PROTOCOL_ERROR


def test_a_message_over_the_limit_is_refused_by_its_length_alone() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        FrameReader(100, CloseCode.SESSION_PROTOCOL).feed(varint.encode(101))
    assert caught.value.code is CloseCode.SESSION_PROTOCOL
    with pytest.raises(LocalProtocolError):
        frame(bytes(101), 100)
    assert FrameReader(100).feed(frame(bytes(100), 100)) == [bytes(100)]


@given(st.lists(st.binary(max_size=300), max_size=8), CUTS)
def test_short_frames_come_out_whole(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(len(body).to_bytes(2, "big") + body for body in sent)
    reader = ShortFrameReader(300)
    got = []
    for piece in slices(stream, cuts):
        reader.feed(piece)
        while (body := reader.next()) is not None:
            got.append(body)
    assert got == sent
    assert reader.clear() == b""


def test_a_short_frame_over_the_limit_is_refused() -> None:
    reader = ShortFrameReader(4096)
    reader.feed((5000).to_bytes(2, "big"))
    with pytest.raises(RemoteProtocolError):
        reader.next()


# -- what begins a stream ----------------------------------------------------------------------------------------------


@given(st.integers(0, varint.MAX), st.integers(0, varint.MAX), st.binary(max_size=20), CUTS)
def test_a_channel_header_reads_back_however_it_was_cut(
    handle: int, channel: int, rest: bytes, cuts: list[int]
) -> None:
    reader = HeaderReader()
    got: tuple[StreamHeader, bytes] | None = None
    behind = b""
    for piece in slices(channel_header(handle, channel) + rest, cuts):
        if got is None:
            got = reader.feed(piece)
        else:
            behind += piece
    assert got is not None
    assert got[0] == StreamHeader(StreamType.CHANNEL, handle, channel)
    assert got[1] + behind == rest


@given(st.binary(max_size=80), CUTS)
def test_any_first_bytes_are_a_header_or_the_peers_error(data: bytes, cuts: list[int]) -> None:
    reader = HeaderReader()
    try:
        for piece in slices(data, cuts):
            if reader.feed(piece) is not None:
                return
    except RemoteProtocolError as error:
        assert error.code is CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("kind", [0, 3, 63, 4096])
def test_an_unknown_stream_type_is_refused(kind: int) -> None:
    with pytest.raises(RemoteProtocolError):
        HeaderReader().feed(varint.encode(kind))


# -- hop messages on their stream --------------------------------------------------------------------------------------


def test_hop_messages_come_in_order_and_unknown_ones_are_left_out() -> None:
    unknown = frame(varint.encode(99) + b"\x80", MAX_HOP_MESSAGE)
    data = hop_bytes(Ping(1)) + unknown + hop_bytes(Pong(2))
    stream = HopStream()
    assert [m for at in range(len(data)) for m in stream.receive(data[at : at + 1])] == [Ping(1), Pong(2)]


@given(st.binary(max_size=300), CUTS)
def test_a_hop_stream_reads_anything_or_ends_with_a_protocol_error(data: bytes, cuts: list[int]) -> None:
    stream = HopStream()
    try:
        for piece in slices(data, cuts):
            stream.receive(piece)
    except RemoteProtocolError as error:
        assert error.code is CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("handle", [-1, 1 << 62, (1 << 64) - 1])
def test_a_handle_that_no_stream_header_can_carry_is_the_peers_error(handle: int) -> None:
    wrong = (
        Attached(b"s", handle, 1),
        Attached(b"s", 1, handle),
        Registered(handle),
        Incoming(session=b"s", handle=handle),
    )
    for message in wrong:
        with pytest.raises(RemoteProtocolError):
            HopStream().receive(hop_bytes(message))
