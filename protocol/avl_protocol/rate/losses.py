"""Losses: how much is lost, whether a full queue or the air loses it, and how much parity that is worth (spec 07-rate,
7.3)."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from math import exp

from avl_protocol.rate.control import Arrival

#: Seconds over which the loss rate is looked at for congestion, and packets it takes to mean anything.
RECENT, ENOUGH = 1.0, 16
#: Weight of one packet in the long average, in which the first count more.
WEIGHT = 0.0004
#: Below this share nothing is done about loss.
WORTH = 0.004
#: Delay of the slowest twentieth of the objects that is felt like a loss of 1 - 1/e of the rate, seconds.
LATE_SCALE = 0.15
#: How sharply the cost rises as the objects late come near that twentieth.
SHARPNESS = 5
#: Losses come of a full queue when they come at this share of the longest delay, of which a report leaves so much.
FULL, PEAK_DECAY = 0.8, 0.9985
#: Departures remembered to tell bursts of losses, and the weight of one burst in their mean length.
ORDERED, BURST_WEIGHT = 512, 0.1
#: Most parity for one object, as a share of its fragments.
MOST_PARITY = 0.5


class Losses:
    """Loss of one hop."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, int, int]] = deque()
        self._seconds: deque[list[int]] = deque(maxlen=11)
        self._sum = self._lost = self._count = 0
        self.average = 0.0
        #: Queueing delay when losses were noticed, and usually; seconds.
        self.delay_at_loss: float | None = None
        self._delay = 0.0
        self._longest = 0.0
        self._arrived: deque[float] = deque(maxlen=ORDERED)
        self._run_at = float("-inf")
        self._run = 0
        #: Packets lost in a row, on average.
        self.burst = 1.0

    def order(self, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        """Take departures in their order: losses with no arrival between them are one burst."""
        self._arrived.extend(sent for sent, _, _ in arrivals)
        if not lost:
            return
        between = sorted(self._arrived)
        for sent, _ in lost:
            place = bisect_right(between, self._run_at)
            if self._run and sent >= self._run_at and (place == len(between) or between[place] >= sent):
                self._run += 1
            else:
                if self._run:
                    self.burst += BURST_WEIGHT * (self._run - self.burst)
                self._run = 1
            self._run_at = sent

    def update(self, now: float, arrived: int, lost: int, delay: float, overloaded: bool) -> None:
        """Take a report's counts, with the largest queueing delay in it. What an overloaded path loses is not the
        air's."""
        total = arrived + lost
        if not overloaded and not self.congestive:
            self._count += total
            self.average += (lost / total - self.average) * min(
                0.5, total * max(WEIGHT / self.burst, 1 / (self._count + 200))
            )
        self._recent.append((now, total, lost))
        self._sum += total
        self._lost += lost
        while self._recent[0][0] < now - RECENT:
            _, gone, were_lost = self._recent.popleft()
            self._sum -= gone
            self._lost -= were_lost
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
        self._seconds[-1][1] += total
        self._seconds[-1][2] += lost
        if lost:
            known = self.delay_at_loss
            self.delay_at_loss = delay if known is None else 0.7 * known + 0.3 * delay
        self._delay += 0.02 * (delay - self._delay)
        self._longest = max(delay, self._longest * PEAK_DECAY)

    @property
    def recent(self) -> float:
        """Share lost during the last second; 0 while that is too little to say."""
        return self._lost / self._sum if self._sum >= ENOUGH else 0.0

    @property
    def usual(self) -> float:
        """What was lost in the better seconds of the last ten: the air's share."""
        shares = sorted(lost / total for _, total, lost in list(self._seconds)[:-1] if total > 20)
        return shares[len(shares) // 3] if shares else 0.0

    @property
    def congestive(self) -> bool:
        """Losses come when the queue is about as long as it ever gets: it overflows, and is a short one."""
        at = self.delay_at_loss
        return at is not None and at < 0.06 and at > max(1.4 * self._delay + 0.003, FULL * self._longest)

    def parity(self, fragments: int, repair_delay: float, interval: float) -> int:
        """Parity fragments for an object of so many, when a repair comes `repair_delay` seconds late and objects
        follow each other every `interval`."""
        if self.average < WORTH:
            return 0
        return _parity(fragments, round(self.average, 3), round(self.burst, 1), round(repair_delay, 3), interval)


@lru_cache(maxsize=4096)
def _parity(fragments: int, loss: float, burst: float, late: float, interval: float) -> int:
    """The parity that costs least: its own share of the rate, or late objects, each of which delays those behind it.

    What a viewer notices is the slowest twentieth: objects that wait for a repair cost little while they, and those
    behind them, are fewer, and as much as their delay is felt when they are more. Long bursts leave nothing that
    parity within an object could repair.
    """
    felt = 1 - exp(-late / LATE_SCALE)
    best, least = 0, float("inf")
    for rows, broken in enumerate(_broken(fragments, max(1, int(fragments * MOST_PARITY)), loss, burst)):
        cost = rows / (fragments + rows) + felt * min(1.0, max(0.0, broken) * (1 + late / interval) / 0.05) ** SHARPNESS
        if cost < least:
            best, least = rows, cost
    return best


@lru_cache(maxsize=1024)
def _broken(fragments: int, most: int, loss: float, burst: float) -> tuple[float, ...]:
    """Probabilities that an object of so many fragments and 0, 1, ... `most` rows loses more packets than it has rows.

    By Gilbert's model: losses come in geometric bursts. One pass over the packets serves all of them, and more losses
    than `most` need not be told apart.
    """
    leave = 1 / burst
    enter = min(1.0, loss * leave / (1 - loss)) if burst > 1.05 else loss
    stay = 1 - leave if burst > 1.05 else loss
    # good, bad: the next packet arrives or is lost, with so many lost before it.
    good, bad = [1 - loss] + [0.0] * most, [loss] + [0.0] * most
    out = []
    for packets in range(fragments + most + 1):
        if packets >= fragments:
            rows = packets - fragments
            out.append(1 - sum(good[: rows + 1]) - sum(bad[: rows + 1]))
        failed = [0.0, *bad[:-1]]
        good, bad = (
            [arrives * (1 - enter) + fails * (1 - stay) for arrives, fails in zip(good, failed, strict=True)],
            [arrives * enter + fails * stay for arrives, fails in zip(good, failed, strict=True)],
        )
    return tuple(out)
