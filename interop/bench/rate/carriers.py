"""End, what a flow knows of a hop's end, and ModelCarrier: the real rate code with a few lines in QUIC's place.

Ledger, feedback, controller, pacer and queue are the product's; left out are handshake, encryption and
acknowledgements, which cost ten times as much to run. `--transport quic` puts them back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from avl_protocol.rate.control import RateController
from avl_protocol.rate.hop import OVERHEAD, HopRate
from avl_protocol.rate.pacer import Pacer
from avl_protocol.rate.sendqueue import DatagramQueue
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD
from interop.bench.rate.clock import Clock

#: Least seconds until what is unanswered counts as lost.
TIMEOUT = 0.3


class End(ABC):
    """One end of a hop as media see it; `hop` and `queue` are what stands behind it."""

    reliable_datagrams = False
    hop: HopRate
    queue: DatagramQueue

    def __init__(self, clock: Clock, transmit: Callable[[bytes, int], None]) -> None:
        self._clock = clock
        self._transmit = transmit
        self._wakes = float("inf")
        self.on_datagram: Callable[[bytes, float], None] = _ignore
        self.on_fate: Callable[[object, bool, float], None] = _unheeded

    @abstractmethod
    def pump(self) -> None:
        """Send what may leave, and set the next alarm."""

    @property
    def rate(self) -> float | None:
        """Bits per second for the encoder."""
        return self.hop.media_rate

    @property
    def datagram_backlog(self) -> int:
        """Bytes not yet sent."""
        return self.queue.bytes

    def parity(self, fragments: int) -> int:
        """Parity fragments worth sending."""
        return self.hop.controller.parity(fragments)

    def hold(self, now: float) -> bool:
        """Whether the next picture should wait."""
        return self.hop.hold(now, self.queue.bytes)

    def offer_spare(self, spare: Callable[[int, float], Sequence[bytes]]) -> None:
        """Where useful probes come from."""
        self.hop.spare = spare

    def _tell(self, now: float) -> None:
        for cookie, acked in self.hop.take_fates():
            self.on_fate(cookie, acked, now)


class ModelCarrier(End):
    """One end of a hop. `transmit(payload, size)` puts a packet on its way; the other end's `received` takes it."""

    def __init__(self, clock: Clock, controller: RateController, transmit: Callable[[bytes, int], None]) -> None:
        super().__init__(clock, transmit)
        self._pacer = Pacer(MAX_DATAGRAM_PAYLOAD + OVERHEAD)
        self._rtt: float | None = None
        self.queue = DatagramQueue()
        self.hop = HopRate(controller)

    @property
    def rtt(self) -> float | None:
        """Seconds; None before the first answer."""
        return self._rtt

    def send_datagrams(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None = None
    ) -> None:
        """Queue datagrams and send what may leave."""
        self.queue.add(payloads, priority, deadline, cookies)
        self.pump()

    def pump(self) -> None:
        """Send what window and pacer allow, and set the next alarm."""
        now, hop, queue, pacer = self._clock.now, self.hop, self.queue, self._pacer
        controller = hop.controller
        while (feedback := hop.take_feedback(now)) is not None:
            self._transmit(feedback, len(feedback) + OVERHEAD)
        self._time_out(now)
        if hop.stalled(now):
            prod = hop.padding()  # in QUIC's place: a probe packet
            hop.datagram_sent(prod, None, now)
            self._transmit(prod, len(prod) + OVERHEAD)
        queue.expire(now)
        if probes := hop.probes(now, bool(queue)):
            queue.add(probes, 2, now + 0.1, None)
        pause: float | None = None
        while queue:
            pacer.rate = hop.pacing_rate
            pause = pacer.next_send_time(now)
            if pause is not None:
                break
            waiting = queue[0]
            size = len(waiting.payload) + OVERHEAD
            if hop.ledger.unanswered + size > controller.congestion_window:
                break
            queue.popleft()
            hop.datagram_sent(waiting.payload, waiting.cookie, now)
            controller.on_sent(now, size, hop.ledger.unanswered)
            pacer.sent(now, size)
            self._transmit(waiting.payload, size)
        self._alarm(pause)

    def _time_out(self, now: float) -> None:
        """The stand-in for QUIC's probe timeout: what nobody answers is lost in the end."""
        oldest = self.hop.ledger.oldest
        if oldest is not None and now - oldest > max(TIMEOUT, 3 * (self._rtt or 0.1)) + 0.05:
            late = [record for record in self.hop.ledger.unresolved() if record.sent <= oldest + 0.05]
            for record in late:
                self.hop.resolved(record, False)
            self.hop.controller.on_lost(now, len(late))
            if now - oldest > 1.0:
                self.hop.controller.on_persistent_congestion()
            self._tell(now)

    def _alarm(self, pause: float | None) -> None:
        times = [when for when in (pause, self.hop.wakes_at()) if when is not None]
        if (oldest := self.hop.ledger.oldest) is not None:
            times.append(oldest + max(TIMEOUT, 3 * (self._rtt or 0.1)) + 0.051)
        if times and (when := max(min(times), self._clock.now)) < self._wakes - 1e-9:
            self._wakes = when
            self._clock.call_at(when, self._woken)

    def _woken(self) -> None:
        if self._clock.now >= self._wakes - 1e-9:
            self._wakes = float("inf")
            self.pump()

    def received(self, payload: object, now: float) -> None:
        """A packet of the other end arrived; `now` is what this end's clock says."""
        assert isinstance(payload, bytes)
        hop = self.hop
        before = hop.ledger.unanswered
        if hop.datagram_received(payload, now):
            if hop.ledger.unanswered < before:
                hop.controller.on_acked(now, before - hop.ledger.unanswered, now)
            self._rtt = getattr(hop.controller, "_rtt", self._rtt) or self._rtt
            self._tell(now)
        else:
            self.on_datagram(payload, now)
        self.pump()


def _ignore(payload: bytes, now: float) -> None:
    """Nobody listens."""


def _unheeded(cookie: object, acked: bool, now: float) -> None:
    """Nobody asks."""
