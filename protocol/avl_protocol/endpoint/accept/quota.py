"""Quota: how many connections are established, by source, by the network around it, and in all.

An address costs an attacker little and a network more, so both are counted. Where strangers fill a limit, one of them
gives way to the newcomer: of the same source or network the one that has been there longest, and of all the one that
has been there longest in the network that takes the most. So a source with many places loses one to a source that has
none, and a newcomer from elsewhere finds room. Friends never give way.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from avl_protocol.endpoint.accept.hits import Hits, network
from avl_protocol.endpoint.accept.sources import source
from avl_protocol.rate.limits import Places

EVERYBODY = "everybody"


class Claim:
    """One connection's place. `end()` is called when it has to give way; the claim is released by then."""

    __slots__ = ("_quota", "end", "groups", "held", "since", "trusted")

    def __init__(self, quota: Quota, groups: tuple[str, str, str], since: float, end: Callable[[], None]) -> None:
        self._quota, self.groups, self.since, self.end = quota, groups, since, end
        self.held, self.trusted = True, False

    def trust(self) -> None:
        """It is no stranger any more."""
        self._quota.trusted(self)

    def release(self) -> None:
        """The connection is over. Safe to repeat."""
        self._quota.released(self)


class _Group:
    """Those of one source, of one network, or all."""

    __slots__ = ("friends", "strangers")

    def __init__(self) -> None:
        self.friends = 0
        self.strangers: dict[Claim, None] = {}  # the one that came first stands first

    @property
    def size(self) -> int:
        return self.friends + len(self.strangers)


class Quota:
    """The places of one entrance."""

    def __init__(self, places: Places, strangers: Places, grace: float) -> None:
        """`places` for all, of which `strangers` for strangers; `grace`: seconds for which a stranger need not give
        way to one of its own source or network."""
        self._most = (places.source, places.network, places.total)
        self._strangers = (strangers.source, strangers.network, strangers.total)
        self._grace = grace
        self._groups: dict[str, _Group] = {}
        #: How often a newcomer got no place, or somebody had to give way: by the network that is too many.
        self.hits = Hits()

    def claim(self, host: str, now: float, end: Callable[[], None]) -> Claim | None:
        """A place for a stranger; None when there is none."""
        keys = (source(host), network(host), EVERYBODY)
        for index, key in enumerate(keys):
            group = self._groups.get(key)
            if group is None:
                continue
            if group.size >= self._most[index] or len(group.strangers) >= self._strangers[index]:
                victim = self._longest(group, now) if key is not EVERYBODY else self._of_the_largest(keys[1])
                self.hits.add(keys[1] if victim is None else victim.groups[1])
                if victim is None:
                    return None
                victim.release()
                victim.end()
        made = Claim(self, keys, now, end)
        for key in keys:
            self._groups.setdefault(key, _Group()).strangers[made] = None
        return made

    def shed(self, share: float) -> int:
        """The newest of all strangers give way, this share of them, at least one; how many there were."""
        group = self._groups.get(EVERYBODY)
        strangers = [] if group is None else list(group.strangers)
        newest = strangers[len(strangers) - ceil(share * len(strangers)) :]
        for victim in newest:
            self.hits.add(victim.groups[1])
            victim.release()
            victim.end()
        return len(newest)

    @property
    def size(self) -> int:
        """Places taken."""
        group = self._groups.get(EVERYBODY)
        return 0 if group is None else group.size

    @property
    def sources(self) -> int:
        """Sources, networks and the whole that are remembered: none without a connection."""
        return len(self._groups)

    def trusted(self, claim: Claim) -> None:
        """See Claim."""
        if claim.held and not claim.trusted:
            claim.trusted = True
            for key in claim.groups:
                group = self._groups[key]
                del group.strangers[claim]
                group.friends += 1

    def released(self, claim: Claim) -> None:
        """See Claim."""
        if not claim.held:
            return
        claim.held = False
        for key in claim.groups:
            group = self._groups[key]
            if claim.trusted:
                group.friends -= 1
            else:
                del group.strangers[claim]
            if not group.size:
                del self._groups[key]

    def _longest(self, group: _Group, now: float) -> Claim | None:
        first = next(iter(group.strangers), None)
        return first if first is not None and now - first.since >= self._grace else None

    def _of_the_largest(self, newcomer: str) -> Claim | None:
        """The stranger that has been there longest in the network with the most, if that is not the newcomer's."""
        networks: dict[str, int] = {}
        for claim in self._groups[EVERYBODY].strangers:
            networks[claim.groups[1]] = networks.get(claim.groups[1], 0) + 1
        largest = max(networks, key=lambda key: networks[key], default=None)
        if largest is None or networks[largest] <= networks.get(newcomer, 0):
            return None
        return next(iter(self._groups[largest].strangers))
