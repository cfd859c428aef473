"""Viewer time: for how many seconds sessions have been served, all together, which CPU time is divided by."""

from __future__ import annotations


class ViewerTime:
    """The integral of the number of admitted sessions over time."""

    def __init__(self) -> None:
        self.count = 0
        self._seconds = self._at = 0.0

    def came(self, now: float) -> None:
        """One more."""
        self._pass(now)
        self.count += 1

    def left(self, now: float) -> None:
        """One fewer."""
        self._pass(now)
        self.count -= 1

    def seconds(self, now: float) -> float:
        """Up to now."""
        return self._seconds + self.count * (now - self._at)

    def _pass(self, now: float) -> None:
        self._seconds = self.seconds(now)
        self._at = now
