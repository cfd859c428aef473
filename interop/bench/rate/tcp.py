"""TCP traffic beside the media: CUBIC (RFC 9438), as long flows and as short transfers.

Loss is found as modern stacks find it: each packet is acknowledged for itself over an uncongested way back, one is lost
when three sent after it have arrived, and silence is answered by a timeout. What a receiver would do is left out: it
neither delays acknowledgements nor limits the window.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from interop.bench.rate.clock import Clock
from interop.bench.rate.link import Link
from interop.bench.rate.spec import TcpSpec

C = 0.4  # RFC 9438, section 4.6
BETA = 0.7
ALPHA = 3 * (1 - BETA) / (1 + BETA)  # growth of the Reno-friendly window, section 4.3
INITIAL = 10.0  # segments (RFC 6928)
LEAST_TIMEOUT = 0.200  # seconds, as Linux has it
REORDERING = 3  # packets


class Cubic:
    """One transfer of `total` bytes (None: until stopped). `done(now)` is called when all of it has arrived."""

    def __init__(
        self, *, clock: Clock, link: Link, number: int, spec: TcpSpec, total: int | None, done: Callable[[float], None]
    ) -> None:
        self._clock = clock
        self._link = link
        self._number = number
        self._delay = spec.delay
        self._segment = spec.segment
        self._left = total
        self._done = done
        self._finished = False
        self.window = INITIAL  # segments
        self._threshold = float("inf")
        self._next = 0
        self._flight: dict[int, tuple[float, int]] = {}
        self._largest = -1
        self._recovery = -1  # losses up to this packet belong to the last reduction
        self._epoch: float | None = None
        self._most = 0.0
        self._origin = 0.0
        self._rise = 0.0
        self._friendly = 0.0
        self._smooth = 0.0
        self._variation = 0.0
        self._least = float("inf")
        self._round_end = -1
        self._round_least = float("inf")
        self._armed = False
        self._heard = 0.0
        self._backoff = 1.0

    def start(self) -> None:
        """Begin to send."""
        self._heard = self._clock.now
        self._fill()

    def stop(self) -> None:
        """Send nothing more."""
        self._finished = True

    def _fill(self) -> None:
        now = self._clock.now
        while len(self._flight) < self.window and not self._finished and self._left != 0:
            size = self._segment if self._left is None else min(self._segment, self._left)
            if self._left is not None:
                self._left -= size
            number = self._next
            self._next += 1
            self._flight[number] = (now, size)
            self._link.send(number, size + 40, self._arrived, flow=self._number, delay=self._delay)
        if self._flight and not self._armed:
            self._armed = True
            self._clock.call_at(self._heard + self._timeout(), self._check)

    def _arrived(self, packet: object) -> None:
        """At the receiver; its acknowledgement takes the way back without a queue."""
        self._clock.call_at(self._clock.now + self._delay, lambda: self._acknowledged(packet))

    def _timeout(self) -> float:
        usual = max(LEAST_TIMEOUT, self._smooth + 4 * self._variation) if self._smooth else 1.0
        return usual * self._backoff

    def _check(self) -> None:
        """The retransmission timer: everything in flight counts as lost after a silence (RFC 6298)."""
        self._armed = False
        if self._finished or not self._flight:
            return
        now = self._clock.now
        if now >= self._heard + self._timeout() - 1e-9:
            self._reduce()
            self.window = 1.0
            self._backoff = min(64.0, 2 * self._backoff)
            self._lose(list(self._flight))
            self._heard = now
        self._fill()

    def _acknowledged(self, packet: object) -> None:
        assert isinstance(packet, int)
        entry = self._flight.pop(packet, None)
        if entry is None or self._finished:
            return
        now = self._clock.now
        self._heard = now
        self._backoff = 1.0
        self._sample(now - entry[0], packet)
        self._largest = max(self._largest, packet)
        missing = []
        for number in self._flight:  # in the order of sending
            if number > self._largest - REORDERING:
                break
            missing.append(number)
        if missing:
            if missing[-1] > self._recovery:
                self._reduce()
            self._lose(missing)
        elif packet > self._recovery:
            self._grow(now)
        if self._left == 0 and not self._flight:
            self._finished = True
            self._done(now - self._delay)
            return
        self._fill()

    def _lose(self, numbers: list[int]) -> None:
        """Send the bytes of these packets again, under new numbers."""
        for number in numbers:
            _, size = self._flight.pop(number)
            if self._left is not None:
                self._left += size

    def _sample(self, rtt: float, packet: int) -> None:
        """A round-trip time: smoothing (RFC 6298), and leaving slow start when a round's least has grown (RFC 9406)."""
        if self._smooth:
            self._variation += 0.25 * (abs(rtt - self._smooth) - self._variation)
            self._smooth += 0.125 * (rtt - self._smooth)
        else:
            self._smooth, self._variation = rtt, rtt / 2
        self._least = min(self._least, rtt)
        self._round_least = min(self._round_least, rtt)
        if packet < self._round_end:
            return
        slack = min(0.016, max(0.004, self._least / 8))
        if self.window < self._threshold and self._round_least > self._least + slack:
            self._threshold = self.window
        self._round_end, self._round_least = self._next, float("inf")

    def _grow(self, now: float) -> None:
        """One acknowledgement outside of recovery (sections 4.2 to 4.5, 4.10)."""
        if self.window < self._threshold:
            self.window += 1.0
            return
        if self._epoch is None:
            self._epoch = now
            self._friendly = self.window
            self._origin = max(self._most, self.window)
            self._rise = ((self._origin - self.window) / C) ** (1 / 3)
        elapsed = now - self._epoch + self._smooth
        wanted = self._origin + C * (elapsed - self._rise) ** 3
        self._friendly += (ALPHA if self._friendly < self._most else 1.0) / self.window
        wanted = max(wanted, self._friendly)
        self.window += min(max(0.0, wanted - self.window), 0.5 * self.window) / self.window

    def _reduce(self) -> None:
        """A congestion event (sections 4.6 and 4.7)."""
        fast = self.window < self._most
        self._most = self.window * (1 + BETA) / 2 if fast else self.window
        self.window = self._threshold = max(2.0, self.window * BETA)
        self._epoch = None
        self._recovery = self._next - 1


class LongTcp:
    """A transfer without end, from `spec.start` to `spec.stop`."""

    def __init__(self, clock: Clock, link: Link, number: int, spec: TcpSpec) -> None:
        self.completions: list[float] = []
        self._flow = Cubic(clock=clock, link=link, number=number, spec=spec, total=None, done=lambda now: None)
        clock.call_at(spec.start, self._flow.start)
        clock.call_at(spec.stop, self._flow.stop)


class ShortTcp:
    """Transfers of `spec.short` bytes one after the other, with exponential pauses of mean `spec.off` between them."""

    def __init__(self, *, clock: Clock, link: Link, number: int, spec: TcpSpec, rng: Random) -> None:
        if spec.short is None:
            raise ValueError("a short TCP flow needs the size of its transfers")
        self._clock = clock
        self._link = link
        self._number = number
        self._spec = spec
        self._rng = rng
        self._sizes = spec.short
        self._began = 0.0
        #: Seconds that each transfer took.
        self.completions: list[float] = []
        clock.call_at(spec.start + rng.expovariate(1 / spec.off), self._begin)

    def _begin(self) -> None:
        if self._clock.now >= self._spec.stop:
            return
        self._began = self._clock.now
        total = self._rng.randint(*self._sizes)
        Cubic(
            clock=self._clock, link=self._link, number=self._number, spec=self._spec, total=total, done=self._end
        ).start()

    def _end(self, now: float) -> None:
        self.completions.append(now - self._began)
        self._clock.call_at(now + self._rng.expovariate(1 / self._spec.off), self._begin)
