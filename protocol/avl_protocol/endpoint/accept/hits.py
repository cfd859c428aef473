"""Hits: how often a limit was hit, in all, and by the network that hit it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from avl_protocol.session.snapshot import Snapshot

#: Networks that are remembered of each limit; the one that hit it longest ago is forgotten first.
MOST_NETWORKS = 256
#: Parts of a snapshot: by limit, and by limit and network, named "LIMIT NETWORK".
LIMITS, BY_NETWORK = "limits hit so far", "limits hit by network so far"


class Hits:
    """Of one limit, since the start."""

    def __init__(self) -> None:
        self.total = 0
        self._networks: dict[str, int] = {}

    def add(self, network: str) -> None:
        """Somebody of a network ("": nobody in particular) has hit it."""
        self.total += 1
        if network:
            count = self._networks.pop(network, 0)
            if len(self._networks) >= MOST_NETWORKS:
                del self._networks[next(iter(self._networks))]
            self._networks[network] = count + 1

    @property
    def networks(self) -> Mapping[str, int]:
        """How often by each network that is remembered."""
        return self._networks


def limits_hit(limits: Mapping[str, Hits]) -> tuple[Snapshot, Snapshot]:
    """The two parts of a snapshot that tell of limits, by name."""
    by_network = {f"{name} {one}": n for name, hits in limits.items() for one, n in hits.networks.items()}
    return Snapshot(LIMITS, {name: hits.total for name, hits in limits.items()}), Snapshot(BY_NETWORK, by_network)


def network(host: str) -> str:
    """What is counted around a source: an IPv4 /24, an IPv6 /48. Written so that it equals no source."""
    bits = 48 if ":" in host else 24
    return str(ipaddress.ip_network((host.partition("%")[0], bits), strict=False))
