"""HandshakeLimits: who may begin a handshake with a host, so that strangers together can't lock anybody out (spec
06-security, 6.6).

There is no cap that all share alike. Sources have their own shares, and so have networks. A source that is new does
not compete with sources that came and were not admitted; a source that was admitted lately competes with none.
And where all places are taken, a newcomer gets that of the source that has most.

A source is a tag of 8 bytes, the first half of which names its network (`endpoint.sources`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K")

#: Bytes of a tag, and those of them that name the network.
TAG_BYTES, NETWORK_BYTES = 8, 4
#: (tokens a second, tokens at most) of one source, of it in an hour, and of a source that was admitted.
OF_SOURCE, OF_SOURCE_HOURLY, OF_FRIEND = (5 / 60, 5), (20 / 3600, 20), (20 / 60, 20)
#: The same for all sources of a network, and of a host: for those that come for the first time (as many as a /24 has),
#: and for those that came before and were not admitted.
NEW_OF_NETWORK, RETURNING_OF_NETWORK = (20 / 60, 256), (20 / 60, 20)
NEW, RETURNING = (25.0, 1024), (30 / 60, 30)
#: Seconds after which a source that was not admitted counts as new again.
FORGIVEN = 3600.0
#: Sources remembered, and sources that were admitted: these of one host, and hosts.
REMEMBERED, FRIENDS, HOSTS = 16_384, 64, 1024


class Tokens:
    """A bucket of tokens that is refilled at a rate."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, allowance: tuple[float, int], now: float) -> None:
        self._rate, self._burst = allowance
        self._level, self._at = float(self._burst), now

    def left(self, now: float) -> bool:
        """Whether there is a token."""
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        return self._level >= 1.0

    def take(self) -> None:
        """Take one that is left."""
        self._level -= 1.0

    def give_back(self) -> None:
        """Return one."""
        self._level = min(self._burst, self._level + 1.0)


class _Source:
    """What is remembered of one source at one host."""

    __slots__ = ("hourly", "minutely", "shared", "tried_at")

    def __init__(self, now: float) -> None:
        self.minutely, self.hourly = Tokens(OF_SOURCE, now), Tokens(OF_SOURCE_HOURLY, now)
        #: When it last came and has not been admitted since, and what it took tokens of that others share.
        self.tried_at: float | None = None
        self.shared: tuple[Tokens, ...] = ()


class _Crowd:
    """What many sources share: those that come for the first time, and those that come again."""

    __slots__ = ("new", "returning")

    def __init__(self, new: tuple[float, int], returning: tuple[float, int], now: float) -> None:
        self.new, self.returning = Tokens(new, now), Tokens(returning, now)


class _Host:
    """The allowance that all strangers to one host share, and the sources that were admitted there."""

    __slots__ = ("crowd", "friends")

    def __init__(self, now: float) -> None:
        self.crowd = _Crowd(NEW, RETURNING, now)
        self.friends: dict[bytes, Tokens] = {}


class HandshakeLimits:
    """The limits of one host, or of all hosts of a relay: `host` names one of them."""

    def __init__(self) -> None:
        self._sources: dict[tuple[Hashable, bytes], _Source] = {}
        self._networks: dict[tuple[Hashable, bytes], _Crowd] = {}
        self._hosts: dict[Hashable, _Host] = {}

    def take(self, host: Hashable, tag: bytes, now: float) -> bool:
        """Whether a handshake may begin; if so, it counts until it is `admitted`."""
        friend = self._of_host(host, now).friends.get(tag)
        return _take((friend,), now) if friend is not None else self._take_of_strangers(host, tag, now)

    def _take_of_strangers(self, host: Hashable, tag: bytes, now: float) -> bool:
        crowd = self._of_host(host, now).crowd
        of_network = (host, tag[:NETWORK_BYTES])
        network = self._networks.pop(of_network, None) or _Crowd(NEW_OF_NETWORK, RETURNING_OF_NETWORK, now)
        _keep(self._networks, of_network, network, REMEMBERED)
        source = self._sources.pop((host, tag), None) or _Source(now)
        _keep(self._sources, (host, tag), source, REMEMBERED)
        if source.tried_at is None or now - source.tried_at >= FORGIVEN:
            shared = (network.new, crowd.new)
        else:
            shared = (network.returning, crowd.returning)
        if not _take((source.minutely, source.hourly, *shared), now):
            return False
        source.tried_at, source.shared = now, shared
        return True

    def admitted(self, host: Hashable, tag: bytes, now: float) -> None:
        """A handshake from this source ended in admission: it costs nothing, and its source is no stranger any more."""
        friends = self._of_host(host, now).friends
        friend = friends.pop(tag, None)
        if friend is not None:
            friend.give_back()
        if (source := self._sources.pop((host, tag), None)) is not None:
            for bucket in source.shared:
                bucket.give_back()
        _keep(friends, tag, friend or Tokens(OF_FRIEND, now), FRIENDS)

    def crowded_out(self, host: Hashable, waiting: Sequence[tuple[bytes, T]]) -> T | None:
        """Which of those that wait makes room for another (`most_crowding`). None where all were admitted before."""
        of_host = self._hosts.get(host)
        return most_crowding([row for row in waiting if of_host is None or row[0] not in of_host.friends])

    def _of_host(self, host: Hashable, now: float) -> _Host:
        found = self._hosts.pop(host, None) or _Host(now)
        _keep(self._hosts, host, found, HOSTS)
        return found


def most_crowding(waiting: Sequence[tuple[bytes, T]]) -> T | None:
    """Of those that wait, with their tags and the oldest first: the oldest of the source that has most, of the network
    that has most. None where nobody waits."""
    sources = Counter(tag for tag, _ in waiting)
    networks = Counter(tag[:NETWORK_BYTES] for tag, _ in waiting)
    row = max(waiting, key=lambda row: (sources[row[0]], networks[row[0][:NETWORK_BYTES]]), default=None)
    return row[1] if row is not None else None


def _take(buckets: Sequence[Tokens], now: float) -> bool:
    """Take a token of each bucket, or of none."""
    if not all(bucket.left(now) for bucket in buckets):
        return False
    for bucket in buckets:
        bucket.take()
    return True


def _keep(kept: dict[K, T], key: K, value: T, most: int) -> None:
    """Keep a value as the most recent; the least recent are forgotten."""
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]
