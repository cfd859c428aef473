"""Tally: what happened at a relay since its start, and which limits were hit, by name."""

from __future__ import annotations

from collections import Counter

from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode


class Tally:
    """Two counts, for operators."""

    def __init__(self) -> None:
        self.happened: Counter[str] = Counter()
        self.limits: Counter[str] = Counter()

    def beyond(self, limit: str) -> Refused:
        """The refusal of what is beyond a limit, which is counted."""
        self.limits[limit] += 1
        return Refused(CloseCode.LIMIT)
