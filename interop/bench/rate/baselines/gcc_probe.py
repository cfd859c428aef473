"""Probing of Google Congestion Control: when trains are sent, what they measure, when a sender is application limited.

Not in draft-ietf-rmcat-gcc-02; as libwebrtc does it: 3 and 6 times the start rate, then twice the result while it is
above 0.7 of what was tried; twice the estimate every 5 s while application limited; 0.85 of the rate before a drop
once the path has recovered, if the sender is or was just application limited.

Simplified against libwebrtc: trains come one after another (never two rates in one burst), a train that did not leave
at about its rate is not judged, and no probe follows a change of the allocation.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from avl_protocol.rate.control import Arrival, Probe
from interop.bench.rate.baselines.base import clamped

FIRST_PROBES = (3.0, 6.0)
FURTHER_SHARE, FURTHER = 0.7, 2.0
ALR_INTERVAL, ALR_SCALE = 5.0, 2.0
#: A drop to less than this share may be undone by a probe within DROP_TIME seconds.
DROP_SHARE, DROP_TIME, RECOVERY_SCALE = 0.66, 5.0, 0.85
ALR_ENDED_TIME = 3.0
UNCERTAINTY = 0.05
RESULT_TIME = 1.0
#: Duration of a train in seconds, and its least packets.
TRAIN, TRAIN_PACKETS = 0.015, 5
#: Share of a train that must be reported, and that it must at least have left at of its rate.
REPORTED_SHARE, SENT_SHARE = 0.8, 0.75
#: Smaller packets are not part of a train.
LEAST_SIZE = 200
#: A result below this share of the sent rate is the link's capacity, of which CAPACITY_SHARE is taken.
UNSATURATED, CAPACITY_SHARE = 0.9, 0.95
MOST_RATIO = 2.0
#: Send times are compared with this tolerance in seconds.
TOLERANCE = 0.0002

ALR_USAGE, ALR_START, ALR_STOP, ALR_WINDOW = 0.65, 0.8, 0.5, 0.5


class AlrDetector:
    """Whether less than ALR_USAGE of the estimate is used: a budget that sending spends and time refills.

    `since` is the time at which the application-limited region began, None outside of one; `ended` that of its last
    end.
    """

    def __init__(self) -> None:
        self.since: float | None = None
        self.ended = -math.inf
        self._level = 0.0
        self._at: float | None = None

    def advance(self, now: float, rate: float, size: int) -> None:
        """`size` bytes leave now (0: none) while `rate` bit/s is the estimate."""
        most = ALR_USAGE * rate / 8 * ALR_WINDOW
        if self._at is not None:
            spent = max(self._level - size, -most)
            self._level = min(spent + ALR_USAGE * rate / 8 * (now - self._at), most)
        self._at = now
        if self.since is None and self._level > ALR_START * most:
            self.since = now
        elif self.since is not None and self._level < ALR_STOP * most:
            self.since, self.ended = None, now


@dataclass(slots=True, kw_only=True)
class _Train:
    """A train told to the sender; of what left and arrived, what a rate needs."""

    rate: float
    packets: int
    told: float
    left: int = 0
    left_bytes: int = 0
    first_sent: float = math.inf
    last_sent: float = -math.inf
    arrived: int = 0
    arrived_bytes: int = 0
    sent_begin: float = math.inf
    sent_end: float = -math.inf
    sent_last_size: int = 0
    begin: float = math.inf
    end: float = -math.inf
    first_size: int = 0

    def sending(self, now: float) -> bool:
        """Whether packets that leave now belong to it."""
        return self.left < self.packets and now - self.told < RESULT_TIME

    def add(self, sent: float, arrived: float, size: int) -> None:
        self.arrived += 1
        self.arrived_bytes += size
        self.sent_begin = min(self.sent_begin, sent)
        if sent >= self.sent_end:
            self.sent_end, self.sent_last_size = sent, size
        if arrived < self.begin:
            self.begin, self.first_size = arrived, size
        self.end = max(self.end, arrived)

    def result(self) -> float | None:
        """Bit/s that the path showed it can carry, None while too little is known or it makes no sense."""
        reported = self.arrived >= REPORTED_SHARE * self.packets
        if not reported or self.arrived_bytes < REPORTED_SHARE * self.left_bytes:
            return None
        send_time, arrival_time = self.sent_end - self.sent_begin, self.end - self.begin
        if not (0 < send_time <= RESULT_TIME and 0 < arrival_time <= RESULT_TIME):
            return None
        # The last packet left, and the first one arrived, outside of the times measured.
        sent = 8 * (self.arrived_bytes - self.sent_last_size) / send_time
        received = 8 * (self.arrived_bytes - self.first_size) / arrival_time
        if received > MOST_RATIO * sent or sent < SENT_SHARE * self.rate:
            return None
        return CAPACITY_SHARE * received if received < UNSATURATED * sent else min(sent, received)


class ProbeControl:
    """Decides on trains and reads their results; rates in bit/s, times in seconds."""

    def __init__(self, rstart: float, rmax: float, packet_size: int) -> None:
        self._rmax, self._packet_size = rmax, packet_size
        self._wanted: deque[float] = deque()
        self._trains: list[_Train] = []
        self._estimate = rstart
        #: Result above which the next train goes farther; None when no result is waited for.
        self._further: float | None = None
        self._initiated = -math.inf
        self._dropped_at = -math.inf
        self._before_drop = 0.0
        self._recovery_at = -math.inf
        self._initiate(0.0, [scale * rstart for scale in FIRST_PROBES], further=True)
        self._initiated = math.inf  # the wait for results begins with the first train

    def next(self, now: float, alr_since: float | None) -> Probe | None:
        """The train to send now, if any."""
        if self._initiated < math.inf and now - self._initiated > RESULT_TIME:
            self._further = None
            self._wanted.clear()
            if alr_since is not None and now >= max(alr_since, self._initiated) + ALR_INTERVAL:
                self._initiate(now, [ALR_SCALE * self._estimate], further=True)
        if not self._wanted or any(train.sending(now) for train in self._trains):
            return None
        if self._initiated == math.inf:
            self._initiated = now
        rate = self._wanted.popleft()
        packets = max(TRAIN_PACKETS, math.ceil(rate * TRAIN / 8 / self._packet_size))
        self._trains.append(_Train(rate=rate, packets=packets, told=now))
        return Probe(packets, rate / 8)

    def on_sent(self, now: float, size: int) -> None:
        """A packet left: the train told last takes it, unless complete."""
        train = self._trains[-1] if self._trains else None
        if train is not None and size >= LEAST_SIZE and train.sending(now):
            train.left += 1
            train.left_bytes += size
            train.first_sent = min(train.first_sent, now)
            train.last_sent = now

    def on_arrival(self, arrival: Arrival) -> None:
        """A packet arrived: the train in whose time it was sent counts it."""
        sent, arrived, size = arrival
        if size >= LEAST_SIZE:
            for train in self._trains:
                if train.first_sent - TOLERANCE <= sent <= train.last_sent + TOLERANCE:
                    train.add(sent, arrived, size)
                    break

    def measured(self, now: float) -> float | None:
        """The newest result that became known with this report, each told once."""
        found = None
        for train in list(self._trains):
            if train.left >= train.packets and (result := train.result()) is not None:
                found = result
                self._trains.remove(train)
            elif now - train.told > RESULT_TIME + TRAIN:
                self._trains.remove(train)
        return found

    def on_estimate(self, now: float, rate: float) -> None:
        """The target became `rate`: go farther if it is a success, remember a drop."""
        if self._further is not None and rate > self._further:
            self._initiate(now, [FURTHER * rate], further=True)
        if rate < DROP_SHARE * self._estimate:
            self._dropped_at, self._before_drop = now, self._estimate
        self._estimate = rate

    def on_recovery(self, now: float, alr: AlrDetector) -> None:
        """The queue has drained: try what was there before the drop."""
        if alr.since is None and now - alr.ended >= ALR_ENDED_TIME:
            return
        rate = RECOVERY_SCALE * self._before_drop
        idle = self._further is None and not self._wanted
        recent = now - self._dropped_at < DROP_TIME and now - self._recovery_at > ALR_INTERVAL
        if idle and recent and (1 - UNCERTAINTY) * rate > self._estimate:
            self._recovery_at = now
            self._initiate(now, [rate], further=False)

    def _initiate(self, now: float, rates: list[float], further: bool) -> None:
        self._initiated = now
        self._wanted.clear()
        for rate in rates:
            further = further and rate <= self._rmax
            self._wanted.append(clamped(rate, 1.0, self._rmax))
        # What is at the maximum already need not be tried twice.
        while len(self._wanted) > 1 and self._wanted[-1] == self._wanted[-2]:
            self._wanted.pop()
        self._further = FURTHER_SHARE * self._wanted[-1] if further else None
