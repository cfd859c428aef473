"""Tally: what happened at a relay since its start, and which limits were hit, by name."""

from __future__ import annotations

from collections import Counter, defaultdict

from avl_protocol.endpoint.accept.hits import Hits, network
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode


class Tally:
    """Two counts, for operators."""

    def __init__(self) -> None:
        self.happened: Counter[str] = Counter()
        self.limits: defaultdict[str, Hits] = defaultdict(Hits)

    def hit(self, limit: str, host: str = "") -> None:
        """A limit was hit from an address ("": from nowhere in particular)."""
        self.limits[limit].add(network(host) if host else "")

    def beyond(self, limit: str, host: str) -> Refused:
        """The refusal of what is beyond a limit, which is counted."""
        self.hit(limit, host)
        return Refused(CloseCode.LIMIT)
