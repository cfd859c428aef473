"""A path in virtual time for tests of rate control: one bottleneck with a tail-drop queue, shared by hops and a
loss-steered flow.

The hop's two ends are the product's; the transport between them is left out, so that a test of many seconds takes a
fraction of one and shows what feedback alone achieves.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial
from random import Random

from avl_protocol.media.packetizer import packetize
from avl_protocol.rate.controller import Controller
from avl_protocol.rate.hop import OVERHEAD, HopRate
from avl_protocol.rate.pacer import Pacer
from avl_protocol.rate.settings import RateSettings

FRAME = 1 / 60
PACKET = 1212


class Clock:
    """Virtual time; callbacks of one moment run in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now = 100.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, callback: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (max(when, self.now), self._count, callback))

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, callback = heapq.heappop(self._events)
            callback()
        self.now = end


class Bottleneck:
    """`rate` bit/s behind a queue of `limit` bytes, `loss` as a share; all may change while it runs."""

    def __init__(self, clock: Clock, rate: float, limit: int = 300_000, loss: float = 0.0) -> None:
        self.clock, self.rate, self.limit, self.loss = clock, rate, limit, loss
        self._free = 0.0
        self._random = Random(7)

    def send(self, size: int, arrived: Callable[[], None]) -> bool:
        """Send `size` bytes; False where the queue is full."""
        now = self.clock.now
        free = max(self._free, now)
        if (free - now) * self.rate / 8 + size > self.limit:
            return False
        self._free = free + 8 * size / self.rate
        if self._random.random() >= self.loss:
            self.clock.at(self._free, arrived)
        return True


class Hop:
    """A sender, which takes pictures of at most `wanted` bit/s, and its receiver.

    `trains`: whether probes leave; `answers`: whether feedback comes back; `offset`: what the receiver's clock shows
    more than the sender's, in seconds.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        link: Bottleneck,
        wanted: float = 1e9,
        delay: float = 0.02,
        offset: float = 0.0,
        settings: RateSettings | None = None,
    ) -> None:
        self.clock, self.link, self.wanted, self.delay, self.offset = clock, link, wanted, delay, offset
        self.controller = Controller(settings or RateSettings(most=30e6))
        self.near = HopRate(self.controller)
        self.far = HopRate(Controller(RateSettings()))
        self.trains = self.answers = True
        self.held = 0
        #: (when, bytes with headers) of what left; (sent, arrived, bytes) of what arrived; bytes of feedback.
        self.sent: list[tuple[float, int]] = []
        self.arrived: list[tuple[float, float, int]] = []
        self.fed = 0
        self._pacer = Pacer(PACKET)
        self._queue: list[bytes] = []
        self._number = 0
        self._wakes = float("inf")
        self._listens = float("inf")
        self._picture()

    def rate(self, since: float) -> float:
        """Bit/s that arrived after the moment `since`."""
        return 8 * sum(size for _, at, size in self.arrived if at >= since) / (self.clock.now - since)

    def delays(self, since: float) -> list[float]:
        """One-way delays beyond the empty path of what left after `since`, shortest first."""
        return sorted(at - left - self.delay for left, at, _ in self.arrived if left >= since)

    def put(self, size: int) -> None:
        """Send a picture of so many bytes now."""
        self._number += 1
        self._queue += packetize(bytes(size), 0, 1, self._number, 0)
        self._pump()

    def _picture(self) -> None:
        now = self.clock.now
        self.clock.at(now + FRAME, self._picture)
        if self.wanted <= 0:
            return
        if self.near.hold(now, sum(map(len, self._queue))):
            self.held += 1
            return
        rate = min(self.wanted, self.near.media_rate or 0.0)
        self.put(max(1, int(rate / 8 * FRAME)))

    def _pump(self) -> None:
        now, near = self.clock.now, self.near
        if near.stalled(now):
            self._send(near.padding())
        probes = near.probes(now, bool(self._queue)) if self.trains else []
        self._queue += probes
        pause = None
        while self._queue:
            self._pacer.rate = near.pacing_rate
            pause = self._pacer.next_send_time(now)
            full = near.ledger.unanswered + PACKET > self.controller.congestion_window
            if pause is not None or full:
                break
            self._send(self._queue.pop(0))
        times = [when for when in (pause, near.wakes_at()) if when is not None]
        if times and (when := max(min(times), now + 1e-4)) < self._wakes - 1e-6:
            self._wakes = when
            self.clock.at(when, self._woken)

    def _woken(self) -> None:
        if self.clock.now >= self._wakes - 1e-9:
            self._wakes = float("inf")
            self._pump()

    def _send(self, payload: bytes) -> None:
        now, size = self.clock.now, len(payload) + OVERHEAD
        self.near.datagram_sent(payload, None, now)
        self.controller.on_sent(now, size, self.near.ledger.unanswered)
        self._pacer.sent(now, size)
        self.sent.append((now, size))
        self.link.send(size, lambda: self.clock.at(self.clock.now + self.delay, lambda: self._arrives(payload, now)))

    def _arrives(self, payload: bytes, left: float) -> None:
        now = self.clock.now
        self.arrived.append((left, now, len(payload) + OVERHEAD))
        self.far.datagram_received(payload, now + self.offset)
        self._answer()

    def _answer(self) -> None:
        now = self.clock.now
        feedback = self.far.take_feedback(now + self.offset)
        if feedback is not None:
            self.fed += len(feedback) + OVERHEAD
            self.clock.at(now + self.delay, lambda: self._answered(feedback))
        due = self.far.wakes_at()
        if due is not None and (when := max(now, due - self.offset)) < self._listens - 1e-6:
            self._listens = when + 1e-6
            self.clock.at(self._listens, self._listened)

    def _listened(self) -> None:
        if self.clock.now >= self._listens - 1e-9:
            self._listens = float("inf")
            self._answer()

    def _answered(self, feedback: bytes) -> None:
        if self.answers:
            self.near.datagram_received(feedback, self.clock.now)
            self._pump()


class Greedy:
    """A bulk transfer that halves its window at a loss and adds a packet a round trip, as TCP without finesse."""

    def __init__(self, clock: Clock, link: Bottleneck, delay: float = 0.02) -> None:
        self._clock, self._link, self._delay = clock, link, delay
        self._window, self._flying, self._halved = 10.0, 0, 0.0
        self._slow_start = True
        self.arrived: list[float] = []
        self._fill()

    def rate(self, since: float) -> float:
        """Bit/s that arrived after the moment `since`."""
        return 8 * 1500 * sum(at >= since for at in self.arrived) / (self._clock.now - since)

    def _fill(self) -> None:
        while self._flying < self._window:
            self._flying += 1
            now = self._clock.now
            if not self._link.send(1500, partial(self._came, now)):
                self._clock.at(now + 4 * self._delay, partial(self._back, False, now))

    def _came(self, left: float) -> None:
        self.arrived.append(self._clock.now)
        self._clock.at(self._clock.now + 2 * self._delay, lambda: self._back(True, left))

    def _back(self, came: bool, left: float) -> None:
        self._flying -= 1
        if came:
            self._window += 1.0 if self._slow_start else 1.0 / self._window
        elif left > self._halved:
            self._halved, self._window, self._slow_start = self._clock.now, max(2.0, self._window / 2), False
        self._fill()
