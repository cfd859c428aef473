"""Driver: between a carrier and its state machine, so that the machine's timers are looked at after everything that
happens."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.session.carrier import CarrierReceiver


class Driven:
    """A CarrierReceiver that hands everything to another and calls `after` behind it."""

    __slots__ = ("_after", "_receiver")

    def __init__(self, receiver: CarrierReceiver, after: Callable[[], None]) -> None:
        self._receiver = receiver
        self._after = after

    def carrier_ready(self, now: float) -> None:
        """See CarrierReceiver."""
        self._receiver.carrier_ready(now)
        self._after()

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        """See CarrierReceiver."""
        self._receiver.stream_received(stream, data, end, now)
        self._after()

    def stream_reset(self, stream: int, code: int, now: float) -> None:
        """See CarrierReceiver."""
        self._receiver.stream_reset(stream, code, now)
        self._after()

    def stream_writable(self, stream: int, now: float) -> None:
        """See CarrierReceiver."""
        self._receiver.stream_writable(stream, now)
        self._after()

    def datagram_received(self, data: bytes, now: float) -> None:
        """See CarrierReceiver."""
        self._receiver.datagram_received(data, now)
        self._after()

    def datagram_fate(self, cookie: object, acked: bool, now: float) -> None:
        """See CarrierReceiver."""
        self._receiver.datagram_fate(cookie, acked, now)

    def carrier_lost(self, code: int, text: str, now: float) -> None:
        """See CarrierReceiver."""
        self._receiver.carrier_lost(code, text, now)
        self._after()
