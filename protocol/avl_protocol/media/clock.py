"""The offset between the host's clock and ours, from ping exchanges by a minimum filter (spec 05-media, 5.6).

The exchange with the least round trip of the last ones bounds the offset best (NTP, RFC 5905, section 10): half of
its round trip is the error.
"""

from __future__ import annotations

from collections import deque

#: Exchanges whose least round trip is the path's as it is now.
NEWEST = 3


class ClockOffset:
    """host time = our time + `offset`, both in seconds."""

    def __init__(self, window: int = 16) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=window)
        self._trips: deque[float] = deque(maxlen=NEWEST)

    def sample(self, sent: float, host: float, received: float) -> None:
        """One exchange: we sent at `sent`, the host answered at its `host`, we received at `received`."""
        if received >= sent:
            self._trips.append(received - sent)
            self._samples.append((received - sent, host - (sent + received) / 2))

    def seed(self, host: float, received: float) -> None:
        """A first guess from a one-way message, replaced by the first exchange."""
        if not self._samples:
            self._samples.append((10.0, host - received))

    @property
    def offset(self) -> float | None:
        """Seconds to add to our time to get the host's; None before the first sample."""
        return min(self._samples)[1] if self._samples else None

    @property
    def error(self) -> float | None:
        """Half the round trip of the best exchange."""
        return min(self._samples)[0] / 2 if self._samples else None

    @property
    def round_trip(self) -> float | None:
        """Seconds of the best of the newest exchanges; None before the first."""
        return min(self._trips, default=None)

    def to_host(self, ours: float) -> float:
        """Our time as the host's clock shows it (unchanged before the first sample)."""
        return ours + (self.offset or 0.0)

    def from_host(self, host: float) -> float:
        """The host's time as our clock shows it."""
        return host - (self.offset or 0.0)
