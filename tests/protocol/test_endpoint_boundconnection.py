"""BoundConnection: what came in one stream is handed on as one, and in its order."""

from __future__ import annotations

from collections import deque
from typing import Any

from aioquic.quic import events

from avl_protocol.endpoint.boundconnection import BoundConnection
from avl_protocol.endpoint.udp.demux import Demultiplexer


class Connection:
    """A connection that has these events."""

    connection_ids = (b"12345678",)
    ended = False
    close_event = None

    def __init__(self, *happened: events.QuicEvent) -> None:
        self.events = deque(happened)

    @property
    def has_events(self) -> bool:
        return bool(self.events)

    def next_event(self) -> events.QuicEvent | None:
        return self.events.popleft() if self.events else None

    def tokens_changed(self) -> bool:
        return False


class Heard:
    """An application that remembers. `more`: what the connection says while a stream's bytes are taken."""

    def __init__(self, connection: Connection, *more: events.QuicEvent) -> None:
        self.connection, self.more = connection, deque(more)
        self.heard: list[Any] = []

    def event_received(self, event: events.QuicEvent, now: float) -> None:
        if isinstance(event, events.StreamDataReceived):
            self.heard.append((event.stream_id, event.data, event.end_stream))
            if self.more:
                self.connection.events.append(self.more.popleft())
        else:
            self.heard.append(type(event).__name__)

    def settle(self, now: float) -> None:
        self.heard.append("settled")

    def shut(self, code: int, text: str) -> None:
        raise AssertionError("nothing is wrong")


def piece(stream: int, data: bytes, end: bool = False) -> events.StreamDataReceived:
    return events.StreamDataReceived(data=data, end_stream=end, stream_id=stream)


def hear(*happened: events.QuicEvent, more: tuple[events.QuicEvent, ...] = ()) -> list[Any]:
    connection: Any = Connection(*happened)
    routes: Demultiplexer[BoundConnection] = Demultiplexer()
    bound = BoundConnection(connection, routes=routes, choose=lambda *_: Heard(connection), on_settled=lambda *_: None)
    bound.application = heard = Heard(connection, *more)
    bound.process(1.0)
    return heard.heard


def test_what_follows_upon_another_in_a_stream_is_handed_on_as_one() -> None:
    datagram = events.DatagramFrameReceived(data=b"d")
    assert hear(piece(0, b"a"), datagram, piece(0, b"b"), piece(0, b"c", end=True)) == [
        "DatagramFrameReceived",
        (0, b"abc", True),
        "settled",
    ]


def test_streams_and_what_happens_to_them_keep_their_order() -> None:
    reset = events.StreamReset(error_code=0, stream_id=0)
    happened = (piece(0, b"a"), piece(4, b"b"), piece(0, b"c"), reset, piece(4, b"d"))
    assert hear(*happened) == [
        (0, b"a", False),
        (4, b"b", False),
        (0, b"c", False),
        "StreamReset",
        (4, b"d", False),
        "settled",
    ]


def test_what_happens_meanwhile_is_taken_too() -> None:
    heard = hear(piece(0, b"a"), more=(piece(0, b"b"), events.StopSendingReceived(error_code=0, stream_id=0)))
    assert heard == [(0, b"a", False), (0, b"b", False), "StopSendingReceived", "settled"]
