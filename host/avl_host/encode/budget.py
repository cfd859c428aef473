"""Budget: what the link leaves for pictures, and Allowance: what of it the next picture may take.

x264's own buffer model counts pictures and follows a lower rate only once its buffer has run dry, five to ten pictures
late. So the time between pictures is counted here, by a token bucket (as in RFC 2697), and x264 is told no more than
how large each single picture may be.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The bucket holds this much of the bit rate, but never less than bytes for one readable picture.
DEPTH_SECONDS = 0.125
LEAST_DEPTH = 50_000
#: Pictures further apart than this, in seconds, are no stream that the rate is shared out to.
STREAM_SPACING = 0.15
#: Of what was saved up one picture takes this part, so that the next ones have some too.
SAVED_PART = 0.5
#: While a debt is paid back a picture still gets this part of its share, or it would show nothing.
DEBT_PART = 0.5
#: What was sent too fast for so many seconds still waits on the way when a lower rate is told.
QUEUE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Budget:
    """`bitrate` in bits per second; `frame_bytes` is the most that any one picture should have, key frames too (None:
    as many as the bit rate allows).
    """

    bitrate: int
    frame_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Slow:
    """What those take who cannot follow: `bitrate` in bits per second of the slowest; `pictures`: whether they get
    pictures of their own."""

    bitrate: int
    pictures: bool


class Allowance:
    """A token bucket in bytes. Times are seconds of the caller's clock; `rate` is the most pictures per second."""

    __slots__ = ("_at", "_budget", "_interval", "_least_interval", "_level")

    def __init__(self, budget: Budget, rate: int) -> None:
        self._budget = budget
        self._least_interval = self._interval = 1.0 / rate
        self._at: float | None = None
        self._level = self._depth

    def set_budget(self, budget: Budget) -> None:
        """Share out another budget from the next picture on; after a lower rate nothing is left of what was saved."""
        excess = (self._budget.bitrate - budget.bitrate) / 8 * QUEUE_SECONDS
        self._budget = budget
        if excess > 0:
            # The next picture may spend what was credited since the last one.
            self._level = min(self._level, max(0.0, self._level - excess))
        self._level = min(self._level, self._depth)

    def limit(self, now: float, key: bool = False) -> int:
        """Bytes that a picture captured at `now` may have; a key frame may go into debt."""
        since = self._least_interval if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._interval = max(self._least_interval, since) if since <= STREAM_SPACING else self._least_interval
        if self._level < self._depth:
            self._level = min(self._depth, self._level + since * self._budget.bitrate / 8)
        if key:
            wanted = max(self._depth, self._share)
        else:
            wanted = max(self._share * DEBT_PART, self._share + (self._level - self._share) * SAVED_PART)
        most = self._budget.frame_bytes
        return max(1, round(wanted if most is None else min(wanted, most)))

    def spend(self, size: int) -> None:
        """The picture has `size` bytes."""
        self._level = max(-self._depth, self._level - size)

    @property
    def _share(self) -> float:
        """Bytes of one picture in a stream of them."""
        return self._budget.bitrate / 8 * self._interval

    @property
    def _depth(self) -> float:
        """The most that can be saved up: enough for one largest picture at once."""
        most = self._budget.frame_bytes
        depth = max(LEAST_DEPTH, self._budget.bitrate / 8 * DEPTH_SECONDS) if most is None else most / SAVED_PART
        return max(depth, 2 * self._share)


class Bucket:
    """What exact pixels may take: a token bucket in bytes (as in RFC 2697). Times are seconds of the caller's clock."""

    __slots__ = ("_at", "_level", "_rate", "depth")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self.depth = _depth(rate)
        self._level = self.depth
        self._at = 0.0

    def refill(self, rate: float, now: float) -> None:
        """It fills at `rate` bytes per second from now on."""
        self._level = min(self.depth, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
        self._rate, self.depth = rate, _depth(rate)

    @property
    def level(self) -> float:
        """What is in it; less than nothing after something that could not wait."""
        return self._level

    def spend(self, size: int) -> None:
        """So many bytes were sent."""
        self._level -= size

    def full_at(self, level: float) -> float:
        """When so much is in it, at the earliest now."""
        return self._at + max(0.0, level - self._level) / max(1.0, self._rate)


def _depth(rate: float) -> float:
    return max(LEAST_DEPTH, rate * DEPTH_SECONDS)
