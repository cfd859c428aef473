"""Chaos, run after run: whatever happens to the ways, no key comes twice or late, and the picture comes back.

`./dev bench paths` does the same for a thousand seeds, and for two hundred of copies.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from interop.bench.paths import copies
from interop.bench.paths.chaos import live

SEEDS = 10
#: Seeds of the bench's thousand that have found something once.
FOUND = (501, 925)
#: Seeds of one test: enough that processes cost nothing, few enough that a failure is soon seen.
PART = 10
#: Seeds of the bench's two hundred in which people copy and paste.
COPIES = 4


@pytest.mark.parametrize("seeds", [*(range(at, at + PART) for at in range(0, SEEDS, PART)), FOUND], ids=str)
def test_what_must_hold_holds_whatever_happens_to_the_ways(seeds: Sequence[int]) -> None:
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        verdicts = dict(zip(seeds, pool.map(live, seeds), strict=True))
    broken = {seed: (verdict.broken, verdict.events) for seed, verdict in verdicts.items() if verdict.broken}
    assert not broken
    assert all(verdict.arrived > 20 for verdict in verdicts.values())


def test_both_clipboards_end_with_the_newest_copy_whatever_happens_to_the_ways() -> None:
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        verdicts = dict(enumerate(pool.map(copies.live, range(COPIES))))
    assert not {seed: (verdict.broken, verdict.events) for seed, verdict in verdicts.items() if verdict.broken}
    assert sum(verdict.arrived for verdict in verdicts.values()) > COPIES
