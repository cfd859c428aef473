"""Caps: how much a relay forwards, of one session, of one device, and in all.

Each is a token bucket of bytes, or there is none. What passes is charged to all that bear on it and may overdraw them,
so that nothing is cut in the middle: media begin no new object while anything is owed, streams get no new credit.
"""

from __future__ import annotations

from collections.abc import Iterable

from avl_protocol.rate.limits import Allowance, Bucket, bucket

#: Seconds that a sum of times may be wrong by: who waits for less would wait for ever.
ROUNDING = 1e-6


class Cap:
    """One bound, of bytes a second. `shared`: how many have a part in it now."""

    __slots__ = ("_bucket", "_rate", "shared")

    def __init__(self, allowance: Allowance, now: float) -> None:
        self._bucket: Bucket = bucket(allowance, now)
        self._rate = 8 * allowance.per_second
        self.shared = 1

    @property
    def rate(self) -> float:
        """Bits a second for each of those who share it."""
        return self._rate / max(1, self.shared)

    def charge(self, size: int, now: float) -> None:
        """Bytes have passed."""
        self._bucket.charge(size, now)

    def owed(self, now: float) -> float:
        """Seconds until something may begin again."""
        return self._bucket.owed(now)


class Caps:
    """All that bear on one session; none is the same as no cap."""

    __slots__ = ("_caps",)

    def __init__(self, caps: Iterable[Cap | None]) -> None:
        self._caps = tuple(cap for cap in caps if cap is not None)

    def __bool__(self) -> bool:
        return bool(self._caps)

    def charge(self, size: int, now: float) -> None:
        """Bytes have passed."""
        for cap in self._caps:
            cap.charge(size, now)

    def owed(self, now: float, patience: float = 0.0) -> float:
        """Seconds until something may begin again, or until no more than `patience` of them are left: as long as the
        slowest of them says."""
        owed = max((cap.owed(now) for cap in self._caps), default=0.0) - patience
        return owed if owed > ROUNDING else 0.0

    @property
    def rate(self) -> float | None:
        """The rate that they leave to this session, in bit/s; None: any."""
        return min((cap.rate for cap in self._caps), default=None)


#: No caps at all.
FREE = Caps(())


def cap(allowance: Allowance | None, now: float) -> Cap | None:
    """The cap that an allowance makes."""
    return None if allowance is None else Cap(allowance, now)
