"""Token buckets: how often something may happen, per host and per source (spec 06-security, 6.6)."""

from __future__ import annotations

from heapq import nlargest

#: Buckets remembered at most; the fullest (least interesting) are forgotten first.
REMEMBERED = 4096


class Buckets:
    """One bucket a key, of `burst` tokens, refilled at `rate` a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._levels: dict[object, tuple[float, float]] = {}

    def __len__(self) -> int:
        """Buckets that are remembered."""
        return len(self._levels)

    def take(self, key: object, now: float) -> bool:
        """Take a token; False when there is none."""
        level = self._level(key, now)
        if level < 1.0:
            self._levels[key] = (level, now)
            return False
        self._levels[key] = (level - 1.0, now)
        if len(self._levels) > REMEMBERED:  # many at once: to look for them costs more than a bucket
            for fullest in nlargest(REMEMBERED // 4, self._levels, key=lambda k: self._level(k, now)):
                del self._levels[fullest]
        return True

    def give_back(self, key: object, now: float) -> None:
        """Return a token: what it was taken for turned out well."""
        self._levels[key] = (min(self._burst, self._level(key, now) + 1.0), now)

    def _level(self, key: object, now: float) -> float:
        level, at = self._levels.get(key, (self._burst, now))
        return min(self._burst, level + (now - at) * self._rate)
