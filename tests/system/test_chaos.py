"""Chaos, run after run: whatever happens to the ways, no key comes twice or late, and the picture comes back.

`./dev bench paths` does the same for a thousand seeds, and for two hundred of copies.
"""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from avl_host.desktop.clipboard import MemoryClipboard
from avl_protocol.wire.clipformats import PNG, Copy, Format
from interop.bench.paths import copies
from interop.bench.paths.chaos import live

#: One seed, and those of the bench's thousand that have found something once.
SEEDS = (0, 501, 925)
#: Seeds of the bench's two hundred in which people copy and paste.
COPIES = (0, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_must_hold_holds_whatever_happens_to_the_ways(seed: int) -> None:
    verdict = live(seed)
    assert not verdict.broken, verdict.events
    assert verdict.arrived > 20


@pytest.mark.parametrize("seed", COPIES)
def test_both_clipboards_end_with_the_newest_copy_whatever_happens_to_the_ways(seed: int) -> None:
    verdict = copies.live(seed)
    assert not verdict.broken, verdict.events
    assert verdict.arrived > 1


class _Fetching:
    """A viewer that fetches the picture of this copy whatever it is asked for; none: nothing comes."""

    def __init__(self, number: int) -> None:
        self.client: Any = SimpleNamespace(features=SimpleNamespace(clipboard=self))
        self._number = number

    async def fetch(self, stamp: int, format: str) -> bytes:
        return copies.picture(self._number) if self._number else b""


@pytest.mark.parametrize(
    ("there", "here", "brings", "went", "said"),
    [
        (2, 2, 2, [1, 2], None),
        (1, 2, 2, [1, 2], "copy 2 is the newest; the host has 1, the viewer 2"),
        (2, 1, 2, [1, 2], "copy 2 is the newest; the host has 2, the viewer 1"),
        (2, 2, 1, [1, 2], "at the viewer copy 2 was pasted as another"),
        (2, 2, 0, [1, 2], "at the viewer copy 2 was pasted as another"),
        (2, 2, 2, [2, 1], "the viewer went back to an older copy: [2, 1]"),
        (2, 2, 2, [1, 1], "the viewer went back to an older copy: [1, 1]"),
    ],
)
def test_the_judge_of_copies_sees_an_old_one(there: int, here: int, brings: int, went: list[int], said: str) -> None:
    async def main() -> list[str]:
        clipboard = MemoryClipboard()
        clipboard.copy(f"copy {there}", {PNG: copies.picture(there)})
        host, desktop = cast(Any, SimpleNamespace(clipboard=clipboard)), cast(Any, _Fetching(brings))
        ends = copies.Ends(host, desktop, random.Random(1), lambda: 0.0, made=2, there={1, 2}, came=went)
        ends.local, ends.of_host = here, Copy(f"copy {here}", (Format(PNG),))
        await ends.judge()
        return ends.broken

    assert asyncio.run(main()) == ([said] if said else [])
