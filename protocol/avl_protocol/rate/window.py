"""MinimumFilter: the least value of about the last so many seconds, in constant space.

Two half windows are kept, so that an old minimum is forgotten after one to one and a half windows.
"""

from __future__ import annotations


class MinimumFilter:
    """Running minimum over a sliding window of `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._half = seconds / 2
        self._began = 0.0
        self._current: float | None = None
        self._previous: float | None = None
        self._before: float | None = None

    @property
    def value(self) -> float | None:
        """The minimum, None before the first sample."""
        known = [value for value in (self._current, self._previous, self._before) if value is not None]
        return min(known, default=None)

    def add(self, now: float, value: float) -> None:
        """Take a sample at time `now`."""
        if self._current is None:
            self._began, self._current = now, value
        elif now - self._began >= self._half:
            self._before, self._previous, self._current, self._began = self._previous, self._current, value, now
        else:
            self._current = min(self._current, value)

    def reset(self, now: float, value: float) -> None:
        """Forget everything but this sample."""
        self._before = self._previous = None
        self._began, self._current = now, value
