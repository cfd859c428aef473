"""Forged: a client whose handshake is honest and whose packets hold whatever an attacker likes.

Our own connection does what has to be right (keys, tokens, acknowledgements); beside it `throw` protects any frames
under the same keys. One UDP socket each, driven by hand, so that a flood costs its sender as little as it can.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress

from aioquic import tls
from aioquic.buffer import encode_uint_var
from aioquic.quic import events

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.quic.carrier import RawApplication
from avl_protocol.quic.connection import Connection
from avl_protocol.quic.options import CID_LENGTH, ConnectionOptions, configuration
from avl_protocol.quic.shortheader import overhead, protect
from avl_protocol.wire.registry import ALPN
from interop.bench.attack.hops import CLOCK, Hop

#: Seconds between looks at timers at least and at most, and bytes of a packet.
TICK, LONGEST, PACKET = 0.02, 0.5, 1200


class _Forger(Connection):
    """Ours, with packets of any contents."""

    def forge(self, frames: bytes) -> bytes:
        """A packet with a short header. Raises KeyError before there are keys."""
        number, self._packet_number = self._packet_number, self._packet_number + 1
        keys = self._cryptos[tls.Epoch.ONE_RTT]
        return protect(keys, self.peer_connection_id, spin=False, number=number, payload=frames)

    @property
    def open_streams(self) -> int:
        """Streams of which anything is kept."""
        return len(self._streams)


def client(alpn: str = ALPN, window: int | None = None) -> _Forger:
    """A client that has not begun. `window`: bytes that it takes unread, on a stream and in all."""
    settings = configuration(is_client=True, alpn=[alpn], idle_timeout=30)
    if window is not None:
        settings.max_data = settings.max_stream_data = window
    TrustPinned().apply(settings)
    return _Forger(
        configuration=settings,
        options=ConnectionOptions(keepalive=5.0),
        new_connection_id=lambda: entropy(CID_LENGTH),
        reset_key=entropy(32),
        now=CLOCK.monotonic(),
    )


class Forged:
    """One connection from an address of this machine."""

    def __init__(
        self, source: str, relay: Address, *, hop: Hop | None = None, alpn: str = ALPN, window: int | None = None
    ) -> None:
        """`hop` speaks on it as it should, beside what is thrown."""
        self._loop = asyncio.get_running_loop()
        self._relay = relay
        self.connection = client(alpn, window)
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self._application = None if hop is None else RawApplication(self.connection, hop.receive_from)
        #: Whether it goes on with the handshake when the server answers it with more than a Retry.
        self.stalls = False
        #: What was thrown of something that is numbered.
        self.thrown = 0
        self.sockets = [self._socket(source)]
        self._loop.add_reader(self.sockets[0], self._readable)
        self._timer: asyncio.TimerHandle | None = None
        self._woken = False
        self.connection.on_wanted = self._wake

    def _socket(self, source: str) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((source, 0))
        made.connect(self._relay)
        return made

    def move_to(self, sources: Sequence[str]) -> None:
        """Further sockets, from which packets may be thrown."""
        self.sockets += map(self._socket, sources)

    async def dial(self, timeout: float = 5.0) -> bool:
        """Whether the handshake could be finished."""
        self.connection.connect(self._relay, CLOCK.monotonic())
        self._tick()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await asyncio.shield(self.ready)
        return self.ready.done() and not self.connection.ended

    def throw(self, frames: bytes, which: int = 0) -> bool:
        """Send a packet that holds these frames; False when the connection is over."""
        if self.connection.ended or not self.ready.done():
            return False
        with suppress(OSError):
            self.sockets[which].send(self.connection.forge(frames))
        return True

    @property
    def room(self) -> int:
        """Bytes of frames that fit one packet."""
        return PACKET - overhead(self.connection.peer_connection_id)

    def close(self) -> None:
        """Leave without a word."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self.sockets[0])
        for one in self.sockets:
            one.close()

    def _tick(self) -> None:
        now = CLOCK.monotonic()
        at = self.connection.get_timer()
        if at is not None and at <= now:
            self.connection.handle_timer(now)
        self._serve(now)
        at = self.connection.get_timer()
        wait = LONGEST if at is None else min(LONGEST, max(TICK, at - now))
        self._timer = self._loop.call_later(wait, self._tick)

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._loop.call_soon(self.serve)

    def _readable(self) -> None:
        now = CLOCK.monotonic()
        for _ in range(64):
            try:
                data = self.sockets[0].recv(65535)
            except OSError:
                break
            retry = data[0] & 0xF0 == 0xF0
            if retry or not self.stalls:
                self.connection.receive_datagram(data, self._relay, now)
        self._serve(now)

    def _serve(self, now: float) -> None:
        while (event := self.connection.next_event()) is not None:
            if self._application is not None:
                self._application.event_received(event, now)
            if isinstance(event, events.HandshakeCompleted) and not self.ready.done():
                self.ready.set_result(None)
        if self._application is not None:
            self._application.settle(now)
        self._send(now)

    def serve(self) -> None:
        """Send what was written on the connection."""
        self._woken = False
        self._serve(CLOCK.monotonic())

    def _send(self, now: float) -> None:
        for data, _ in self.connection.datagrams_to_send(now):
            with suppress(OSError):
                self.sockets[0].send(data)


def frame(kind: int, *values: int | bytes) -> bytes:
    """A frame of RFC 9000, section 19: its type, then integers, and bytes as they are."""
    parts = [value if isinstance(value, bytes) else encode_uint_var(value) for value in (kind, *values)]
    return b"".join(parts)
