"""Snapshot: the counters of a part of a program at one moment, and of the parts it is made of.

The one way in which a program is looked into: by its local control, by tests, and by whatever gathers figures. A name
means the same for as long as the program runs; whatever goes up and down says how much there is now. What only ever
grows stands in a part of its own, whose name ends in "so far"; parts of one such name belong together, wherever they
are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counters by name, and the snapshots of parts."""

    name: str
    counts: Mapping[str, int]
    parts: tuple[Snapshot, ...] = ()

    def __getitem__(self, name: str) -> int:
        """One counter. Raises KeyError."""
        return self.counts[name]

    def part(self, name: str) -> Snapshot:
        """The first part of this name. Raises KeyError."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    def total(self, name: str) -> Counter[str]:
        """The counters of all parts of this name, at any depth, added up."""
        found: Counter[str] = Counter()
        for part in self.parts:
            if part.name == name:
                found.update(part.counts)
            found.update(part.total(name))
        return found


class Countable(Protocol):
    """What can be looked into."""

    def snapshot(self) -> Snapshot:
        """How it stands."""
