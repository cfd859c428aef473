"""Link: one Unix stream socket between two workers. It carries messages with their lengths in front; where it stands
for a host, they are those of a carrier.

A carrier of TCP's is one of a Unix socket as well: nothing is lost, and what waits is known. Its credit keeps a slow
channel from filling the memory of the worker between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from avl_protocol.endpoint.loop.alarm import Alarm
from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.websocket.carrier import WebSocketCarrier
from avl_protocol.wire.framing import FrameReader, frame

#: Bytes of the longest message: a datagram of UDP with what stands before it.
LONGEST = 1 << 17
#: Bytes that are written at once, and that may wait for the system before a carrier keeps the rest.
BATCH = 64 << 10


class Link(asyncio.Protocol):
    """Either end. `on_message(link, message)` is told of messages until `become` makes them a carrier's;
    `on_gone(link)` once, when the other end is no more."""

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        on_message: Callable[[Link, bytes], None],
        on_gone: Callable[[Link], None],
    ) -> None:
        self._loop, self._clock = loop, clock
        self._on_message, self._on_gone = on_message, on_gone
        self._frames = FrameReader(LONGEST)
        self._transport: asyncio.Transport | None = None
        self._carrier: WebSocketCarrier | None = None
        self._alarm: Alarm | None = None
        self._blocked = self._scheduled = self._busy = False

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=BATCH, low=0)

    def data_received(self, data: bytes) -> None:
        """Hand on what has arrived; what follows from it leaves before this returns."""
        self._busy = True
        try:
            for message in self._frames.cut(data):
                if self._carrier is None:
                    self._on_message(self, message)
                else:
                    self._carrier.receive_message(message, self._clock.monotonic())
        finally:
            self._busy = False
        if self._carrier is not None:
            self._turn()

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._alarm is not None:
            self._alarm.stop()
        if self._carrier is not None:
            self._carrier.connection_lost()
            self._carrier.settle(self._clock.monotonic())
        self._on_gone(self)

    def pause_writing(self) -> None:
        """The system takes no more for now."""
        self._blocked = True

    def resume_writing(self) -> None:
        """It has taken all."""
        self._blocked = False
        if self._carrier is not None:
            self._turn()

    # ---- what owners call

    @property
    def waiting(self) -> int:
        """Bytes that the system has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def send(self, message: bytes) -> None:
        """Write one message."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(message, LONGEST))

    def turn_to(self, on_message: Callable[[Link, bytes], None], on_gone: Callable[[Link], None]) -> None:
        """Let another hear what comes from here on; that it is gone is heard by both."""
        before = self._on_gone

        def gone(link: Link) -> None:
            before(link)
            on_gone(link)

        self._on_message, self._on_gone = on_message, gone

    def become(self, carrier: WebSocketCarrier) -> None:
        """From here on this is a carrier, which has its receiver."""
        self._carrier = carrier
        self._alarm = Alarm(machine=self, loop=self._loop, now=self._clock.monotonic)
        carrier.on_wanted = self._wake
        carrier.start(self._clock.monotonic())
        self._wake()

    def close(self) -> None:
        """End it without a word."""
        if self._transport is not None:
            self._transport.abort()

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return None if self._carrier is None else self._carrier.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._carrier is not None:
            self._carrier.handle_timer(now)
            self._turn()

    # ---- inside

    def _wake(self) -> None:
        if not self._scheduled and not self._busy:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Write as much as the system takes, report the result, and close what has ended."""
        self._scheduled = False
        carrier, transport = self._carrier, self._transport
        assert carrier is not None and transport is not None and self._alarm is not None
        if self._busy or transport.is_closing():
            return
        now = self._clock.monotonic()
        while not self._blocked:
            batch, size = [], 0
            while size < BATCH and (message := carrier.next_message(now)) is not None:
                batch.append(frame(message, LONGEST))
                size += len(message)
            if not batch:
                break
            transport.write(b"".join(batch))
        carrier.settle(now)
        if carrier.finished:
            transport.close()
        else:
            self._alarm.reset()
