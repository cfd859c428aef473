"""Pace: what a TCP connection carries, judged by how fast the socket takes what waits for it, and its round trips.

TCP tells its sender nothing, so the one figure is how soon the socket takes more. What it takes at once says nothing
either: it only fills buffers. So a rate is known after the socket has once made us wait, and while it never does the
hop has none, which means that it holds nobody back.
"""

from __future__ import annotations

from math import exp

from avl_protocol.rate.control import RateState

#: Seconds and bytes that make a sample, beginning when the socket refuses more: what it took before filled buffers.
SHORTEST, LONGEST, LEAST = 0.005, 0.1, 2000
#: Seconds over which samples are averaged.
MEMORY = 0.5
#: Share of the measured rate that an encoder may use: the rest empties what waits.
SHARE = 0.9
#: While the socket takes everything at once, at this share of the rate or more, the rate grows by so much a second.
USED, GROWTH = 0.5, 0.08
#: Seconds of the rate that may wait before the next picture is too early, and that something may have waited.
PATIENCE = 0.05
#: A PING that is unanswered for so long beyond the shortest round trip stands in a queue on the way.
OVERDUE = 0.2
#: How fast the shortest round trip is forgotten, in seconds a second: paths change.
DRIFT = 0.001


class Pace:
    """Bit/s and seconds. `rate` and `rtt` are None before they are known."""

    def __init__(self, now: float) -> None:
        self.rate: float | None = None
        self.rtt: float | None = None
        self.latest: float | None = None
        self._least: tuple[float, float] | None = None
        self._asked: float | None = None
        self._waits_since: float | None = None
        self._refused: float | None = None
        self._taken = 0
        self._second, self._flowed = now, 0

    # what happened

    def taken(self, size: int) -> None:
        """The socket took a message."""
        self._flowed += size
        self._taken += size

    def waits(self, anything: bool, datagrams: bool, now: float) -> None:
        """Whether anything, and whether a datagram, is left after the socket took what it would."""
        if not datagrams:
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = now
        if self._refused is None:
            if anything:
                self._refused, self._taken = now, 0
        elif not anything or now - self._refused >= LONGEST:
            elapsed = now - self._refused
            if elapsed >= SHORTEST and self._taken >= LEAST:
                self._sample(8 * self._taken / elapsed, elapsed)
                self._second, self._flowed = now, 0
            self._refused, self._taken = (now if anything else None), 0
        if now - self._second >= 1.0:
            self._grow(now)

    def asked(self, now: float) -> None:
        """A PING left."""
        self._asked = now if self._asked is None else self._asked

    def answered(self, sent: float, now: float) -> None:
        """The PONG to a PING that left at `sent` arrived."""
        self._asked = None
        self.latest = sample = now - sent
        self.rtt = sample if self.rtt is None else self.rtt + (sample - self.rtt) / 8
        least = sample if self._least is None else self._least[0] + DRIFT * (now - self._least[1])
        self._least = min(sample, least), now

    # what follows from it

    def hold(self, backlog: int, now: float) -> bool:
        """Whether a picture taken now would only wait: `backlog` bytes of datagrams do, and the socket refused them."""
        if self._waits_since is None:
            return self._late(now)  # what was queued just now is about to be taken
        much = self.rate is not None and backlog > self.rate / 8 * PATIENCE
        return much or now - self._waits_since > PATIENCE or self._late(now)

    def queue_delay(self) -> float:
        """What the round trip has grown by."""
        return 0.0 if self.rtt is None or self._least is None else max(0.0, self.rtt - self._least[0])

    def state(self, backlog: int, now: float) -> RateState:
        """For people and logs."""
        rate = self.rate or 0.0
        reason = "more waits than the socket takes" if self.hold(backlog, now) else "the socket takes all"
        return RateState(
            state="websocket",
            reason=reason,
            target=SHARE * rate,
            capacity=rate,
            delivered=rate,
            pacing=rate,
            queue_delay=self.queue_delay(),
            loss=0.0,
            parity=0.0,
        )

    def _sample(self, rate: float, seconds: float) -> None:
        if self.rate is None:
            self.rate = rate
        else:
            self.rate += (rate - self.rate) * (1 - exp(-seconds / MEMORY))

    def _grow(self, now: float) -> None:
        elapsed = now - self._second
        used = 8 * self._flowed / elapsed
        if self.rate is not None and self._refused is None and used >= USED * self.rate:
            self.rate *= 1 + GROWTH
        self._second, self._flowed = now, 0

    def _late(self, now: float) -> bool:
        return self._asked is not None and self._least is not None and now - self._asked > self._least[0] + OVERDUE
