"""QueueDelay: how long packets wait in queues of the path, from one-way delays whose clocks don't agree (spec
10.1).

Only differences count: the least delay of the last minute stands for the empty path. Within a train the least delay
is that of what stood in the queue before it, so that our own frames are not mistaken for a queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from avl_protocol.rate.trains import Train

#: Seconds in a bucket of minima, and buckets kept: a minute.
BUCKET, BUCKETS = 2.0, 30
#: Arrival seconds over which the least delay counts as the standing queue, and how much longer where delays scatter by
#: more than QUIET seconds.
STANDING, QUIET, LONGER = 0.08, 0.0025, 60.0
#: How far a train's delay lies off its neighbours' mean is noise where it usually does: a median, found in steps. A
#: queue that fills and drains does not count, for its delays lie on a line. The factor makes it the mean change from
#: train to train of normal noise.
SPREAD, NOISE_STEP = 1.36, 1.04
#: Seconds for which a delay must be the same to count as the path's own, and by how much it may differ.
STEADY, SAME = 1.5, 0.0015
#: Bounds of the noise estimate, seconds.
LEAST_NOISE, MOST_NOISE = 0.0003, 0.005


class QueueDelay:
    """The standing queue of one hop."""

    def __init__(self) -> None:
        self._minima: deque[tuple[int, float]] = deque(maxlen=BUCKETS)
        self._past: deque[tuple[float, float]] = deque()
        self._older: float | None = None
        self._before: float | None = None
        self.base: float | None = None
        self.noise = 0.002
        #: Seconds: least of the last trains, and of the newest train alone.
        self.standing = 0.0
        self.newest = 0.0

    def update(self, trains: Sequence[Train], ended: Sequence[Train], frozen: bool) -> None:
        """Take the newest trains (oldest first) and those that have just ended. `frozen`: a queue that others keep
        filled must not become the base."""
        if not trains:
            return
        newest = trains[-1]
        for train in ended:
            self._learn(train, frozen)
        self._learn(newest, frozen)
        if self.base is None:
            return
        for train in ended:
            older, before = self._older, self._before
            self._older, self._before = before, train.least
            if older is not None and before is not None:
                bend = SPREAD * abs(before - (older + train.least) / 2)
                noise = self.noise * (NOISE_STEP if bend > self.noise else 1 / NOISE_STEP)
                self.noise = min(MOST_NOISE, max(LEAST_NOISE, noise))
        self.newest = newest.least - self.base
        standing = newest.least
        since = newest.last - STANDING - LONGER * max(0.0, self.noise - QUIET)
        for index in range(len(trains) - 2, -1, -1):
            train = trains[index]
            if train.last < since:
                break
            if train.least < standing:
                standing = train.least
        self.standing = standing - self.base
        self._past.append((newest.last, self.standing))
        while len(self._past) > 1 and self._past[1][0] <= newest.last - STEADY:
            self._past.popleft()

    def _learn(self, train: Train, frozen: bool) -> None:
        bucket = int(train.last / BUCKET)
        minima = self._minima
        if minima and minima[-1][0] >= bucket:
            if train.least >= minima[-1][1]:
                return
            minima[-1] = (minima[-1][0], train.least)
        elif not frozen or not minima or train.least < minima[-1][1]:
            minima.append((bucket, train.least))
        else:
            minima[-1] = (bucket, minima[-1][1])
            return
        self.base = min(least for _, least in minima)

    def steady(self) -> float | None:
        """The standing delay in seconds where it was the same for STEADY seconds, give or take what it scatters; None
        where it moved."""
        past = self._past
        if not past or past[-1][0] - past[0][0] < 0.9 * STEADY:
            return None
        values = [value for _, value in past]
        return min(values) if max(values) - min(values) < SAME + self.noise else None

    def rebase(self, delay: float) -> None:
        """The path itself is longer than it was by `delay` seconds."""
        self._minima.clear()
        self._past.clear()
        if self.base is not None:
            self.base += delay
        self._older = self._before = None
