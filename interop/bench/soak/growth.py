"""Growth: what a program holds whenever all its guests have gone, and whether that became more.

A program fills caches and learns names at first. So the first third of the samples says nothing; what the last third
holds, in the middle of its samples, is compared with what the second did.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from avl_protocol.session.snapshot import Snapshot

#: Growth of memory that is no growth: so many parts of it, or so many bytes or blocks.
SHARE, BYTES, BLOCKS = 0.02, 1 << 20, 2000
#: Counters that only ever go up, or are bounded memories of what was; parts of a snapshot named like the second hold
#: nothing else (operators/metrics.py).
TOTALS = ("strays", "skipped", "remembered sessions", "sources of NAT tests")
TOTAL_PART = " so far"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What there was at a moment: `at` in seconds; resident bytes and allocated blocks; tasks, file descriptors, and
    the counters of a snapshot by their path."""

    at: float
    resident: int
    blocks: int
    tasks: int
    descriptors: int
    counts: Mapping[str, int]


def counts_of(snapshot: Snapshot, above: str = "") -> dict[str, int]:
    """All counters of a snapshot and its parts that say how much there is now, by path."""
    name = f"{above}{snapshot.name}/"
    found = {name + key: value for key, value in snapshot.counts.items() if key not in TOTALS}
    for part in snapshot.parts:
        if part.name.endswith(TOTAL_PART):
            continue
        found |= counts_of(part, name)
    return found


def sample(at: float, snapshot: Snapshot) -> Sample:
    """This process now, on its event loop's thread."""
    gc.collect()
    gc.collect()
    return Sample(
        at=at,
        resident=psutil.Process().memory_info().rss,
        blocks=sys.getallocatedblocks(),
        tasks=len(asyncio.all_tasks()),
        descriptors=len(list(Path("/proc", str(os.getpid()), "fd").iterdir())),
        counts=counts_of(snapshot),
    )


def from_json(row: Mapping[str, Any]) -> Sample:
    """A sample that another process has written."""
    return Sample(**row)


def grown(samples: Sequence[Sample]) -> list[str]:
    """What became more, a sentence each. Raises ValueError where there are too few samples to say."""
    if len(samples) < 6:
        raise ValueError(f"{len(samples)} samples say nothing: it takes 6")
    third = len(samples) // 3
    before, after = samples[third : 2 * third], samples[2 * third :]
    found = []

    def compare(what: str, was: Sequence[int], now: Sequence[int], allowed: float) -> None:
        had, has = statistics.median(was), statistics.median(now)
        if has - had > allowed:
            found.append(f"{what}: {had:,.0f}, later {has:,.0f}")

    for name, least in (("resident", BYTES), ("blocks", BLOCKS)):
        was, now = ([getattr(one, name) for one in part] for part in (before, after))
        compare(name, was, now, max(least, SHARE * statistics.median(was)))
    for name in ("tasks", "descriptors"):
        compare(name, [getattr(one, name) for one in before], [getattr(one, name) for one in after], 0)
    for name in after[-1].counts:
        compare(name, [one.counts.get(name, 0) for one in before], [one.counts.get(name, 0) for one in after], 0)
    return found
