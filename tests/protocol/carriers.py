"""RecordingReceiver and helpers of the transport tests: an owner of a carrier that writes down what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.websocket.carrier import WebSocketCarrier


class RecordingReceiver:
    """Keeps what arrived; `consume_at_once` returns receive credit immediately, `echo` sends everything back."""

    def __init__(
        self, carrier: QuicCarrier | WebSocketCarrier, *, consume_at_once: bool = True, echo: bool = False
    ) -> None:
        self.carrier = carrier
        self.streams: dict[int, bytearray] = {}
        self.ended: set[int] = set()
        self.resets: list[tuple[int, int]] = []
        self.writable: list[int] = []
        self.datagrams: list[bytes] = []
        self.times: list[float] = []
        self.fates: list[tuple[object, bool]] = []
        self.lost: list[tuple[int, str]] = []
        self.ready = False
        self.changed = asyncio.Event()
        self._consume, self._echo = consume_at_once, echo

    def carrier_ready(self, now: float) -> None:
        self.ready = True
        self.changed.set()

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        self.streams.setdefault(stream, bytearray()).extend(data)
        if end:
            self.ended.add(stream)
        if self._echo:
            self.carrier.send_stream(stream, data, end)
        if self._consume:
            self.carrier.consume(stream, len(data))
        self.times.append(now)
        self.changed.set()

    def stream_reset(self, stream: int, code: int, now: float) -> None:
        self.resets.append((stream, code))
        self.changed.set()

    def stream_writable(self, stream: int, now: float) -> None:
        self.writable.append(stream)
        self.changed.set()

    def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
        for data in datagrams:
            self.datagrams.append(data)
            self.times.append(now)
            if self._echo:
                self.carrier.send_datagrams([data], 2, None)
        self.changed.set()

    def datagrams_settled(self, fates: Sequence[tuple[object, bool]], now: float) -> None:
        self.fates += [fate for fate in fates if fate[0] is not None]  # parity and probes have no cookie
        self.changed.set()

    def carrier_lost(self, code: int, text: str, now: float) -> None:
        self.lost.append((code, text))
        self.changed.set()

    async def until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait for something to have been told."""
        async with asyncio.timeout(timeout):
            while not condition():
                self.changed.clear()
                await self.changed.wait()
