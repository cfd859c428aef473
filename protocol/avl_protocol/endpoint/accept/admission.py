"""ConnectionAdmission: judges a stranger's first packet before any state is kept for it.

An unanswered handshake costs 1.7 ms and 88 kB, a Retry 33 us and nothing. So strangers are asked to prove their
address as soon as many handshakes are open or one source opens many; proved ones are still bounded by source and in
total.
"""

from __future__ import annotations

import ipaddress
from enum import Enum

from avl_protocol.rate.limits import Bucket
from avl_protocol.wire.registry import CloseCode

RETRY_ABOVE = 64
MAX_HALF_OPEN = 512
MAX_HALF_OPEN_PER_SOURCE = 32
#: Connections a second and in a burst that one source may open unproved, and proved.
UNPROVED = (10.0, 40.0)
PROVED = (50.0, 200.0)
MAX_SOURCES = 4096
#: Codes of connections that had to be closed for what a stranger did.
BLAMED = (CloseCode.PROTOCOL_ERROR, CloseCode.LIMIT)
#: Openings that a connection counts for which had to be closed, and seconds that it can cost at most.
BLAME, LONGEST = 10, 2.0


class Decision(Enum):
    """What to do with a first packet."""

    ACCEPT = "accept"
    RETRY = "retry"
    DROP = "drop"


class ConnectionAdmission:
    """Counts of half-open handshakes and of recent openings by source (an IPv4 address or an IPv6 /64)."""

    def __init__(self) -> None:
        self._half_open: dict[str, int] = {}
        self._total = 0
        self._buckets: dict[tuple[str, bool], Bucket] = {}

    @property
    def half_open(self) -> int:
        """Handshakes begun and not completed."""
        return self._total

    def decide(self, host: str, *, proved: bool, now: float) -> Decision:
        """What to do with a first packet from `host`; `proved`: it carries a valid Retry token."""
        key = source(host)
        if self._total >= MAX_HALF_OPEN:
            return Decision.DROP
        if not proved and self._total >= RETRY_ABOVE:
            return Decision.RETRY
        if self._half_open.get(key, 0) >= MAX_HALF_OPEN_PER_SOURCE:
            return Decision.DROP if proved else Decision.RETRY
        if self._bucket(key, proved, now).take(now):
            return Decision.ACCEPT
        return Decision.DROP if proved else Decision.RETRY

    def opened(self, host: str) -> None:
        """A handshake began."""
        key = source(host)
        self._half_open[key] = self._half_open.get(key, 0) + 1
        self._total += 1

    def settled(self, host: str) -> None:
        """A handshake completed or failed."""
        key = source(host)
        self._total -= 1
        left = self._half_open[key] - 1
        if left:
            self._half_open[key] = left
        else:
            del self._half_open[key]

    def blame(self, host: str, now: float) -> None:
        """A connection of this source had to be closed for what it did: it opens the next ones less often."""
        for proved in (False, True):
            bucket = self._bucket(source(host), proved, now)
            if bucket.owed(now) < LONGEST:
                bucket.charge(BLAME, now)

    def _bucket(self, key: str, proved: bool, now: float) -> Bucket:
        found = self._buckets.pop((key, proved), None)
        if found is None:
            found = Bucket(*(PROVED if proved else UNPROVED), now)
            if len(self._buckets) >= MAX_SOURCES:
                del self._buckets[next(iter(self._buckets))]
        self._buckets[key, proved] = found  # the least recently seen is the first to be forgotten
        return found


def source(host: str) -> str:
    """The unit that is counted."""
    if ":" not in host:
        return host
    return str(ipaddress.ip_network((host.partition("%")[0], 64), strict=False).network_address)
