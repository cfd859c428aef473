"""The one reading of clock and entropy: everything else is told what time it is and handed its random bytes."""

from __future__ import annotations

import os
import time
from typing import Protocol


class Clock(Protocol):
    """Where an assembled program gets its times from."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start, never going back."""

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC."""


class SystemClock:
    """The machine's own clock. An event loop's time() is not used: uvloop's is cached and a millisecond coarse."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


def entropy(size: int) -> bytes:
    """`size` unpredictable bytes of the operating system."""
    return os.urandom(size)
