"""What stays behind: objects that the collector knows, and blocks of the allocator, before and after something."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """What a process holds after a collection: objects by class, and blocks of memory of any kind."""

    objects: Counter[type]
    blocks: int


def kept() -> Kept:
    """Collect what can be collected, and count the rest."""
    gc.collect()
    gc.collect()
    return Kept(Counter(type(thing) for thing in gc.get_objects()), sys.getallocatedblocks())


def nothing_stays(before: Kept, after: Kept, rounds: int, blocks_a_round: float = 1.0, others: float = 1.0) -> None:
    """Fail if after so many rounds there is more of anything of ours, `others` a round of all else, or more than
    `blocks_a_round`: names that are learned, caches of libraries that fill."""
    more = after.objects - before.objects
    ours = {kind.__name__: count for kind, count in more.items() if str(kind.__module__).startswith("avl_")}
    assert not ours, f"kept after {rounds} rounds: {ours}"
    assert more.total() < rounds * others, f"kept after {rounds} rounds: {more.most_common(8)}"
    grown = after.blocks - before.blocks
    assert grown < rounds * blocks_a_round, f"{grown} blocks kept after {rounds} rounds"
