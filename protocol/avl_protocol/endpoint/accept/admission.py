"""ConnectionAdmission: judges a stranger's first packet before any state is kept for it, and counts handshakes.

An unanswered handshake costs 1.7 ms and 88 kB, a Retry 33 us and nothing. So strangers are asked to prove their
address as soon as many handshakes are open, many begin a second, or one source or network opens many; proved ones are
still bounded by source and network. Where all places for handshakes are taken the oldest of the most crowded network
gives way, so that no number of slow ones keeps anybody else out.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from avl_protocol.endpoint.accept.hits import Hits, network
from avl_protocol.endpoint.accept.quota import Claim, Quota
from avl_protocol.endpoint.accept.sources import source
from avl_protocol.rate.limits import DEFAULT, Bucket, Limits, bucket
from avl_protocol.wire.registry import CloseCode

#: Sources and networks that are remembered.
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
    """Handshakes that are half open, and recent openings, by source (an IPv4 address or an IPv6 /64) and by the network
    around it (/24, /48)."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._half_open = Quota(limits.half_open, limits.half_open, limits.half_open_grace)
        self._buckets: dict[tuple[str, bool], Bucket] = {}
        self._unproved: Bucket | None = None

    @property
    def half_open(self) -> int:
        """Handshakes begun and not completed."""
        return self._half_open.size

    @property
    def hits(self) -> Hits:
        """How often a handshake got no place, or had to give way."""
        return self._half_open.hits

    def decide(self, host: str, *, proved: bool, now: float) -> Decision:
        """What to do with a first packet from `host`; `proved`: it carries a valid Retry token."""
        if not proved:
            if self._unproved is None:
                self._unproved = bucket(self._limits.unproved_in_all, now)
            if self.half_open >= self._limits.retry_above or not self._unproved.take(now):
                return Decision.RETRY
        if all(self._bucket(key, proved, now).take(now) for key in (source(host), network(host))):
            return Decision.ACCEPT
        return Decision.DROP if proved else Decision.RETRY

    def open(self, host: str, now: float, end: Callable[[], None]) -> Claim | None:
        """The place of a handshake that begins, to be released when it is completed or failed; None where there is
        none. `end()` is called if it has to give way to another's, after its place was released."""
        return self._half_open.claim(host, now, end)

    def shed(self, share: float) -> int:
        """The newest handshakes give way, this share of them; how many there were."""
        return self._half_open.shed(share)

    def blame(self, host: str, now: float) -> None:
        """A connection of this source had to be closed for what it did: it opens the next ones less often."""
        for proved in (False, True):
            found = self._bucket(source(host), proved, now)
            if found.owed(now) < LONGEST:
                found.charge(BLAME, now)

    def _bucket(self, key: str, proved: bool, now: float) -> Bucket:
        """What a source may open, or a network, whose key is written as one."""
        found = self._buckets.pop((key, proved), None)
        if found is None:
            allowed = self._limits.proved if proved else self._limits.unproved
            times = self._limits.network_openings if "/" in key else 1
            found = Bucket(times * allowed.per_second, times * allowed.burst, now)
            if len(self._buckets) >= MAX_SOURCES:
                del self._buckets[next(iter(self._buckets))]
        self._buckets[key, proved] = found  # the least recently seen is the first to be forgotten
        return found
