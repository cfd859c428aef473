"""The delay-based detector of Google Congestion Control: packet groups, trendline and adaptive threshold.

draft-ietf-rmcat-gcc-02, sections 5.1 to 5.4, with the trendline filter that replaced the draft's Kalman filter
(Carlucci et al., "Congestion Control for Web Real-Time Communication", IEEE/ACM Transactions on Networking 2017,
describes the adaptive threshold). Milliseconds are used within, because the thresholds are figures of milliseconds.

Simplified against libwebrtc: time stamps are not rounded to 250 us, and a step of the peer's clock is not looked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

#: Packets sent within so many seconds form one group (section 5.2).
GROUP_LENGTH = 0.005
#: Packets that arrive so close together after a wait join the group, but for no longer than BURST_MOST seconds.
BURST_GAP = 0.005
BURST_MOST = 0.1

WINDOW = 20
SMOOTHING = 0.9
GAIN = 4.0
#: The slope counts with as much weight as deltas were seen, up to this.
MOST_DELTAS = 60

#: Threshold of the modified trend at the start, and its limits (sections 5.4 and 5.6).
FIRST_THRESHOLD = 12.5
LEAST_THRESHOLD, MOST_THRESHOLD = 6.0, 600.0
#: libwebrtc's gains per millisecond; the draft's (0.01 and 0.00018) belong to its Kalman filter.
GAIN_UP, GAIN_DOWN = 0.0087, 0.039
#: A trend farther than this above the threshold does not move it: a sudden drop must not blind the detector.
ADAPT_OFFSET = 15.0
ADAPT_MOST_MS = 100.0
#: Milliseconds that the trend must stay above the threshold (section 5.4, overuse_time_th).
OVERUSE_MS = 10.0


class Usage(Enum):
    """What the detector thinks of the path (section 5.4)."""

    NORMAL = "normal"
    OVERUSE = "over-use"
    UNDERUSE = "under-use"


@dataclass(slots=True)
class _Group:
    first_sent: float
    last_sent: float
    first_arrived: float
    last_arrived: float


class PacketGroups:
    """Cuts arrivals into groups and gives the difference between successive ones (sections 5.1 and 5.2)."""

    def __init__(self) -> None:
        self._current: _Group | None = None
        self._previous: _Group | None = None

    def add(self, sent: float, arrived: float) -> tuple[float, float] | None:
        """Take a packet; when it opens a group, the (send, arrival) deltas of the two before it, in seconds."""
        current = self._current
        if current is None:
            self._current = _Group(sent, sent, arrived, arrived)
            return None
        if sent < current.first_sent:
            return None
        deltas = None
        if self._opens(current, sent, arrived):
            previous = self._previous
            if previous is not None:
                arrival_delta = current.last_arrived - previous.last_arrived
                if arrival_delta >= 0:
                    deltas = (current.last_sent - previous.last_sent, arrival_delta)
            self._previous, self._current = current, _Group(sent, sent, arrived, arrived)
        else:
            current.last_sent = max(current.last_sent, sent)
            current.last_arrived = arrived
        return deltas

    @staticmethod
    def _opens(current: _Group, sent: float, arrived: float) -> bool:
        send_gap, arrival_gap = sent - current.last_sent, arrived - current.last_arrived
        if send_gap == 0:
            return False
        # Packets that waited behind an outage come in one lump; their spacing says nothing about the queue.
        lump = arrival_gap < send_gap and arrival_gap <= BURST_GAP and arrived - current.first_arrived < BURST_MOST
        return not lump and sent - current.first_sent > GROUP_LENGTH


class TrendlineDetector:
    """Slope of the smoothed queueing delay over the last WINDOW groups, judged against an adaptive threshold."""

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self.threshold = FIRST_THRESHOLD
        self.trend = 0.0
        self._deltas = 0
        self._accumulated = 0.0
        self._smoothed = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._first_arrival: float | None = None
        self._overuse_ms: float | None = None
        self._overuses = 0
        self._adapted_at: float | None = None

    def add(self, send_delta: float, arrival_delta: float, arrived: float) -> None:
        """Take the deltas of two groups in seconds, at arrival time `arrived` (the peer's clock)."""
        send_ms, arrived_ms = 1000 * send_delta, 1000 * arrived
        if self._first_arrival is None:
            self._first_arrival = arrived_ms
        self._deltas += 1
        self._accumulated += 1000 * arrival_delta - send_ms
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * self._accumulated
        self._points.append((arrived_ms - self._first_arrival, self._smoothed))
        trend = self.trend
        if len(self._points) == WINDOW:
            trend = self._slope(trend)
        self._detect(trend, send_ms, arrived_ms)

    def _slope(self, otherwise: float) -> float:
        """Least squares through the window; `otherwise` where all points have one time."""
        points = self._points
        mean_x = sum(x for x, _ in points) / len(points)
        mean_y = sum(y for _, y in points) / len(points)
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else otherwise

    def _detect(self, trend: float, send_ms: float, arrived_ms: float) -> None:
        if self._deltas < 2:
            return
        modified = min(self._deltas, MOST_DELTAS) * trend * GAIN
        if modified > self.threshold:
            self._overuse_ms = send_ms / 2 if self._overuse_ms is None else self._overuse_ms + send_ms
            self._overuses += 1
            # A falling trend means that the queue's growth already slows: wait.
            if self._overuse_ms > OVERUSE_MS and self._overuses > 1 and trend >= self.trend:
                self._overuse_ms, self._overuses = 0.0, 0
                self.usage = Usage.OVERUSE
        else:
            self._overuse_ms, self._overuses = None, 0
            self.usage = Usage.UNDERUSE if modified < -self.threshold else Usage.NORMAL
        self.trend = trend
        self._adapt(abs(modified), arrived_ms)

    def _adapt(self, size: float, arrived_ms: float) -> None:
        elapsed = 0.0 if self._adapted_at is None else min(arrived_ms - self._adapted_at, ADAPT_MOST_MS)
        self._adapted_at = arrived_ms
        if size > self.threshold + ADAPT_OFFSET:
            return
        gain = GAIN_DOWN if size < self.threshold else GAIN_UP
        moved = self.threshold + gain * (size - self.threshold) * elapsed
        self.threshold = max(LEAST_THRESHOLD, min(moved, MOST_THRESHOLD))
