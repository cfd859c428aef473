"""MemoryCarrier: both ends of a connection in memory, with credit, backlog and fates, delivered when a test says so.

The double of a QUIC connection for everything above it: a session's state machines are tested here without packets.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.rate.control import RateState
from avl_protocol.wire.errors import LocalProtocolError

#: Bytes of a stream that may be delivered and not consumed.
WINDOW = 1 << 20
#: As the real carrier: a stream is reported writable once this backlog has halved.
BACKLOG_LIMIT = 512 << 10


@dataclass
class _Outgoing:
    """One direction of one stream."""

    data: bytearray = field(default_factory=bytearray)
    end: bool = False
    end_told: bool = False
    credit: int = WINDOW
    full: bool = False


class MemoryCarrier:
    """One end. `sent` keeps every stream byte that was sent, `deaf` stops it from consuming what is owed credit."""

    reliable_datagrams = False
    max_datagram = 1170

    def __init__(self, address: tuple[str, int], first_stream: int) -> None:
        self.receiver: CarrierReceiver | None = None
        self.other: MemoryCarrier
        self.peer_certificate: bytes | None = None
        self.peer_address = address
        self.server_certificate: bytes | None = b"certificate"
        self.rtt: float | None = 0.02
        self.latest_rtt: float | None = 0.02
        self.heard_at = self.answered_at = 0.0
        self.pings = 0
        self.rate: float | None = None
        self.rows = 0
        self.held = False
        self.spare: Callable[[int, float], Sequence[bytes]] | None = None
        self.trusted = False
        self.closed: tuple[int, str] | None = None
        self.sent: dict[int, bytearray] = {}
        self.resets: list[tuple[int, int]] = []
        self.bulk: set[int] = set()
        #: Datagrams wait here while `slow`.
        self.slow = False
        #: How many there were in all.
        self.sent_datagrams = 0
        self.datagrams: deque[tuple[bytes, int, object]] = deque()
        self.dropped = 0
        #: The deadline of each call that queued datagrams while `slow`.
        self.deadlines: list[float] = []
        self._streams = itertools.count(first_stream, 4)
        self._out: dict[int, _Outgoing] = {}
        self._dead: set[int] = set()
        self._events: deque[tuple[str, int, int]] = deque()

    @property
    def datagram_backlog(self) -> int:
        return sum(len(data) for data, _, _ in self.datagrams)

    @property
    def next_datagram(self) -> object | None:
        return self.datagrams[0][2] if self.datagrams else None

    def parity(self, fragments: int) -> int:
        return self.rows

    def hold(self, now: float) -> bool:
        return self.held or self.slow

    def offer_spare(self, spare: Callable[[int, float], Sequence[bytes]]) -> None:
        self.spare = spare

    def rate_state(self, now: float) -> RateState:
        rate = self.rate or 0.0
        return RateState(
            state="memory",
            reason="for a test",
            target=rate,
            capacity=rate,
            delivered=rate,
            pacing=rate,
            queue_delay=0.0,
            loss=0.0,
            parity=0.0,
        )

    def open_stream(self) -> int:
        return next(self._streams)

    def send_stream(self, stream: int, data: bytes, end: bool = False) -> None:
        if self.closed is not None or stream in self._dead:
            return
        self.sent.setdefault(stream, bytearray()).extend(data)
        out = self._out.setdefault(stream, _Outgoing())
        out.data += data
        out.end = out.end or end
        out.full = out.full or len(out.data) > BACKLOG_LIMIT

    def set_stream_bulk(self, stream: int) -> None:
        self.bulk.add(stream)

    def reset_stream(self, stream: int, code: int) -> None:
        self.resets.append((stream, code))
        if stream not in self._dead:
            self._dead.add(stream)
            self._out.pop(stream, None)
            self._events.append(("reset", stream, code))

    def consume(self, stream: int, size: int) -> None:
        self.other.grant(stream, size)

    def grant(self, stream: int, size: int) -> None:
        """The other end has taken so many bytes of a stream, and takes as many more."""
        self._out.setdefault(stream, _Outgoing()).credit += size

    def hears(self, stream: int) -> bool:
        """Whether this end still wants to hear of a stream."""
        return stream not in self._dead

    def abandon(self, stream: int) -> None:
        """The other end has given a stream up."""
        self._dead.add(stream)
        self._out.pop(stream, None)

    def room(self, stream: int) -> int:
        """Bytes of a stream that the other end would take now."""
        out = self._out.setdefault(stream, _Outgoing())
        return out.credit - len(out.data)

    def withdraw_credit(self, stream: int) -> None:
        """Let the other end give no credit for a stream, as if it did not read."""
        self._out.setdefault(stream, _Outgoing()).credit = 0

    def stream_backlog(self, stream: int) -> int:
        out = self._out.get(stream)
        return len(out.data) if out else 0

    def send_datagrams(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None = None
    ) -> None:
        if any(len(payload) > self.max_datagram for payload in payloads):
            raise LocalProtocolError("datagram is too large")
        if self.closed is None:
            self.sent_datagrams += len(payloads)
            self.datagrams.extend(zip(payloads, itertools.repeat(priority), cookies or [None] * len(payloads)))
            self.deadlines.append(deadline or 0.0)

    def drop_datagrams(self, priority: int, useless: Callable[[bytes], bool] | None = None) -> int:
        before = len(self.datagrams)
        self.datagrams = deque(
            entry for entry in self.datagrams if entry[1] != priority or not (useless is None or useless(entry[0]))
        )
        self.dropped += before - len(self.datagrams)
        return before - len(self.datagrams)

    def ping(self, now: float) -> None:
        self.pings += 1

    def trust_peer(self) -> None:
        self.trusted = True

    def close(self, code: int, text: str) -> None:
        if self.closed is None:
            self.closed = code, text
            self._events.append(("close", code, 0))

    def deliver(self, now: float) -> bool:
        """Hand what was sent to the other end, as far as its credit reaches; whether anything moved."""
        moved = False
        target = self.other.receiver
        assert target is not None
        for stream, out in list(self._out.items()):
            size = min(len(out.data), out.credit)
            end = out.end and not out.end_told and size == len(out.data)
            if (size or end) and stream not in self._dead and self.other.closed is None:
                moved = True
                data = bytes(out.data[:size])
                del out.data[:size]
                out.credit -= size
                out.end_told = out.end_told or end
                if self.other.hears(stream):
                    target.stream_received(stream, data, end, now)
                if out.full and len(out.data) <= BACKLOG_LIMIT // 2 and self.receiver is not None:
                    out.full = False
                    self.receiver.stream_writable(stream, now)
        while self.datagrams and not self.slow:
            moved = True
            self.deadlines.clear()
            data, _, cookie = self.datagrams.popleft()
            if self.other.closed is None:
                target.datagrams_received((data,), now)
            if cookie is not None and self.receiver is not None:
                self.receiver.datagrams_settled(((cookie, True),), now)
        while self._events:
            moved = True
            kind, first, second = self._events.popleft()
            if kind == "close":
                if self.other.closed is None:
                    self.other.closed = first, ""
                    target.carrier_lost(first, "", now)
            elif self.other.hears(first) and self.other.closed is None:
                self.other.abandon(first)
                target.stream_reset(first, second, now)
        return moved


class Connection:
    """A joined pair: `client` is the end that a host or viewer has, `server` the relay's."""

    def __init__(self, client_address: tuple[str, int] = ("10.0.0.9", 1), certificate: bytes = b"certificate") -> None:
        self.client = MemoryCarrier(("10.0.0.1", 4433), 0)
        self.server = MemoryCarrier(client_address, 1)
        self.client.other, self.server.other = self.server, self.client
        self.client.peer_certificate = certificate

    def join(self, client: CarrierReceiver, server: CarrierReceiver) -> None:
        """Name both owners."""
        self.client.receiver, self.server.receiver = client, server

    def run(self, now: float) -> bool:
        """Deliver in both directions until nothing moves; whether anything did."""
        moved = False
        while self.client.deliver(now) | self.server.deliver(now):
            moved = True
        return moved


def settle(now: float, *connections: Connection) -> None:
    """Deliver on all connections until nothing moves anywhere."""
    while any(connection.run(now) for connection in connections):
        pass


class Deaf:
    """A CarrierReceiver that writes down what it is told and never gives credit back."""

    def __init__(self) -> None:
        self.streams: dict[int, bytearray] = {}
        self.ended: set[int] = set()
        self.resets: list[tuple[int, int]] = []
        self.datagrams: list[bytes] = []
        self.lost: int | None = None

    def carrier_ready(self, now: float) -> None:
        return

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        self.streams.setdefault(stream, bytearray()).extend(data)
        if end:
            self.ended.add(stream)

    def stream_reset(self, stream: int, code: int, now: float) -> None:
        self.resets.append((stream, code))

    def stream_writable(self, stream: int, now: float) -> None:
        return

    def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
        self.datagrams += datagrams

    def datagrams_settled(self, fates: Sequence[tuple[object, bool]], now: float) -> None:
        return

    def carrier_lost(self, code: int, text: str, now: float) -> None:
        self.lost = code
