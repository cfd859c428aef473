"""Driver: between a carrier and its state machine, so that the machine's events are taken and its timers looked at
after everything that happens, and so that an error of the machine ends its connection and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.wire.registry import CloseCode

#: Failures of a machine that has failed before after which what else it has to say is let be.
MOST_FAILURES = 4


class Driven:
    """A CarrierReceiver that hands everything to another and calls `after` behind it. `close` ends the carrier of a
    machine that has failed."""

    __slots__ = ("_after", "_close", "_failed", "_faults", "_now", "_receiver")

    def __init__(
        self, receiver: CarrierReceiver, after: Callable[[], None], faults: Faults, close: Callable[[int, str], None]
    ) -> None:
        self._receiver = receiver
        self._after = after
        self._faults = faults
        self._close = close
        self._failed = False
        self._now = 0.0

    def _do(self, now: float, call: Callable[..., None], *arguments: object) -> None:
        if not self._failed:
            self._now = now
            self._faults.run(call, *arguments, now, broken=self._broken)
            self._faults.run(self._after, broken=self._broken)

    def _broken(self) -> None:
        """Nothing that the machine knows of this connection can be relied on any more."""
        if self._failed:
            return
        self._failed = True
        try:
            self._close(CloseCode.INTERNAL, "internal error")
        finally:
            self._receiver.carrier_lost(CloseCode.INTERNAL, "internal error", self._now)
            self._settle()

    def _settle(self) -> None:
        """Let what the machine still has to say be heard, its end at last, even where more of it fails."""
        for _ in range(MOST_FAILURES):
            if self._faults.run(self._after):
                return

    def carrier_ready(self, now: float) -> None:
        """See CarrierReceiver."""
        self._do(now, self._receiver.carrier_ready)

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        """See CarrierReceiver."""
        self._do(now, self._receiver.stream_received, stream, data, end)

    def stream_reset(self, stream: int, code: int, now: float) -> None:
        """See CarrierReceiver."""
        self._do(now, self._receiver.stream_reset, stream, code)

    def stream_writable(self, stream: int, now: float) -> None:
        """See CarrierReceiver."""
        self._do(now, self._receiver.stream_writable, stream)

    def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
        """See CarrierReceiver."""
        self._do(now, self._receiver.datagrams_received, datagrams)

    def datagrams_settled(self, fates: Sequence[tuple[object, bool]], now: float) -> None:
        """See CarrierReceiver."""
        self._do(now, self._receiver.datagrams_settled, fates)

    def carrier_lost(self, code: int, text: str, now: float) -> None:
        """See CarrierReceiver."""
        self._do(now, self._receiver.carrier_lost, code, text)
