"""Film: a desktop full of many colours that pans, which no exact pixels keep up with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from avl_host.capture.cells import Cells
from avl_host.capture.pattern import PatternSource
from avl_host.capture.source import Picture
from avl_protocol.wire.registry import CELL

#: Pixels from one picture to the next, and how many pictures there are before it begins again.
STEP, PICTURES = 4, 50


class Film:
    """A PatternSource with other pixels, all of them new at every step."""

    def __init__(self, clock: Callable[[], float], size: tuple[int, int]) -> None:
        self._card = PatternSource(clock, size)
        width, height = size
        noise = np.random.default_rng(7).integers(0, 256, (height, width + STEP * PICTURES, 4), dtype=np.uint8)
        self._reel = (noise // 2 + np.roll(noise, 1, 1) // 2).astype(np.uint8)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._card, name)

    def grab(self, whole: bool = False, moving: Cells | None = None) -> Picture | None:
        picture = self._card.grab(whole)
        if picture is None:
            return None
        width, height = self._card.size
        left = self._card.number % PICTURES * STEP
        pixels = np.ascontiguousarray(self._reel[:, left : left + width])
        changed = np.ones((-(-height // CELL), -(-width // CELL)), np.bool_)
        return replace(picture, pixels=pixels, changed=changed)
