"""Spliced streams: every byte, in order, and never more of them than the slower side takes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.session.hop.stream import channel_header
from avl_protocol.wire.registry import CloseCode
from avl_relay.forward.splice import BACKLOG
from tests.protocol.memory import WINDOW
from tests.relay.stand import Neighbour, Stand


def spliced(channel: int = 2) -> tuple[Stand, Neighbour, Neighbour, int, int]:
    """A stand, host and viewer, and the stream of a channel at the viewer's and at the host's side."""
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer, (0, 1, 2, channel))
    stream = viewer.open(handle, channel)
    host.told.streams[1].clear()
    return stand, host, viewer, stream, 1


def grant(neighbour: Neighbour, stream: int) -> None:
    """The neighbour gives credit for all that it has received since it last did."""
    neighbour.connection.client.consume(stream, len(neighbour.told.streams.get(stream, b"")))
    neighbour.told.streams[stream] = bytearray()


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=3000)), max_size=30))
def test_bytes_leave_in_the_order_they_came(pieces: list[tuple[bool, bytes]]) -> None:
    _, host, viewer, stream, twin = spliced()
    for from_viewer, data in pieces:
        if from_viewer:
            viewer.raw(data, stream)
        else:
            host.raw(data, twin)
    assert host.received(twin) == b"".join(data for from_viewer, data in pieces if from_viewer)
    assert viewer.received(stream) == b"".join(data for from_viewer, data in pieces if not from_viewer)


def test_the_header_is_the_hosts_first_bytes() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer)
    viewer.open(handle, 1, b"first")
    assert host.received(1) == channel_header(handle, 1) + b"first"


@pytest.mark.parametrize("from_viewer", [True, False])
def test_a_side_that_does_not_read_never_makes_memory_grow(from_viewer: bool) -> None:
    _stand, host, viewer, stream, twin = spliced()
    source, sink = (viewer, host) if from_viewer else (host, viewer)
    source_stream, sink_stream = (stream, twin) if from_viewer else (twin, stream)
    sent = 0
    for _ in range(400):
        source.raw(bytes(64 * 1024), source_stream)
        sent += 64 * 1024
    waiting = sink.connection.server.stream_backlog(sink_stream)
    assert waiting <= BACKLOG + WINDOW + 64 * 1024
    assert len(sink.received(sink_stream)) <= WINDOW
    # What was not taken waits at its sender, who has no more credit.
    assert source.connection.client.stream_backlog(source_stream) >= sent - 4 * WINDOW


def test_credit_returns_when_the_slow_side_reads_again() -> None:
    stand, host, viewer, stream, twin = spliced()
    data = random.Random(1).randbytes(6 * WINDOW)
    viewer.raw(data, stream, end=True)
    got = b""
    for _ in range(100):
        got += host.received(twin)
        grant(host, twin)
        stand.settle()
    assert got == data
    assert twin in host.told.ended


def test_one_slow_viewer_does_not_hold_up_another() -> None:
    stand = Stand()
    host, slow, fast = stand.host(), stand.viewer("10.0.0.3"), stand.viewer("10.0.0.4")
    first, second = stand.meet(host, slow), stand.meet(host, fast, session=b"t" * 16)
    slow_stream, fast_stream = slow.open(first, 2, b"x"), fast.open(second, 2, b"x")
    for _ in range(100):
        host.raw(bytes(64 * 1024), 1)
    host.raw(b"for the fast one", 5)
    assert fast.received(fast_stream) == b"for the fast one"
    assert len(slow.received(slow_stream)) <= WINDOW


@pytest.mark.parametrize("from_viewer", [True, False])
def test_an_end_is_passed_on_and_the_other_direction_goes_on(from_viewer: bool) -> None:
    stand, host, viewer, stream, twin = spliced()
    source, sink = (viewer, host) if from_viewer else (host, viewer)
    source_stream, sink_stream = (stream, twin) if from_viewer else (twin, stream)
    source.raw(b"last", source_stream, end=True)
    assert sink_stream in sink.told.ended and sink.received(sink_stream) == b"last"
    sink.raw(b"answer", sink_stream, end=True)
    assert source.received(source_stream) == b"answer" and source_stream in source.told.ended
    assert stand.router.snapshot()["spliced ends"] == 0


@pytest.mark.parametrize("from_viewer", [True, False])
def test_a_reset_is_passed_on_with_its_code(from_viewer: bool) -> None:
    stand, host, viewer, stream, twin = spliced()
    source, sink = (viewer, host) if from_viewer else (host, viewer)
    source.connection.client.reset_stream(stream if from_viewer else twin, CloseCode.TAMPERED)
    stand.settle()
    assert sink.told.resets == [(twin if from_viewer else stream, CloseCode.TAMPERED)]
    assert stand.router.snapshot()["spliced ends"] == 0


def test_bulk_streams_leave_after_media_and_others_do_not() -> None:
    for channel, bulk in ((0, False), (1, False), (2, True), (3, False), (8, True), (77, True)):
        _, host, viewer, stream, twin = spliced(channel)
        assert (twin in host.connection.server.bulk) is bulk
        assert (stream in viewer.connection.server.bulk) is bulk
