"""Tries of each source: an address (of IPv6: the /64), its network, and all together.

Counted in this process's memory: what a crowd can do to one person is bounded by that person's own counter (delay.py);
this bounds what it costs everybody else.
"""

from __future__ import annotations

from avl_protocol.endpoint.accept.sources import network, source
from avl_protocol.rate.limits import Allowance
from avl_relay.forward.limits import Buckets

#: Tries a second of one address, of one network, and of all; `burst` at once.
ADDRESS, NETWORK, ALL = Allowance(0.2, 30), Allowance(2.0, 200), Allowance(100.0, 500)


class SourceLimits:
    """Token buckets in front of everything that can be guessed at."""

    def __init__(self, address: Allowance = ADDRESS, net: Allowance = NETWORK, everybody: Allowance = ALL) -> None:
        self._address = Buckets(address.per_second, int(address.burst))
        self._network = Buckets(net.per_second, int(net.burst))
        self._all = Buckets(everybody.per_second, int(everybody.burst))

    def takes(self, host: str, now: float) -> bool:
        """Whether a try from this IP literal is looked at. `now`: monotonic seconds."""
        try:
            own = source(host)
        except ValueError:
            own = host
        return self._address.take(own, now) and self._network.take(network(host), now) and self._all.take("all", now)
