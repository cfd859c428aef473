"""Snow: the test card above a strip of noise, which no encoder makes small; for links that are meant to be too slow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, changed_cells
from avl_host.capture.pattern import PatternSource
from avl_host.capture.source import Picture
from avl_protocol.media.frame import Monitor

HEIGHT = 128


class Snow:
    """A PatternSource with `HEIGHT` more rows, grey and new at every step; the same for the same numbers."""

    def __init__(self, clock: Callable[[], float], size: tuple[int, int]) -> None:
        self._card = PatternSource(clock, size)
        self._previous: NDArray[np.uint8] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._card, name)

    @property
    def size(self) -> tuple[int, int]:
        return self._card.size[0], self._card.size[1] + HEIGHT

    def monitors(self) -> tuple[Monitor, ...]:
        return (Monitor("snow", 0, 0, *self.size, True),)

    def grab(self, whole: bool = False, moving: Cells | None = None) -> Picture | None:
        picture = self._card.grab(whole)
        if picture is None:
            return None
        width = self._card.size[0]
        grey = np.random.default_rng(self._card.number).integers(0, 256, (HEIGHT // 2, width, 1), np.uint8)
        strip = np.repeat(np.repeat(grey, 2, 0), 4, 2)
        pixels = np.ascontiguousarray(np.concatenate((picture.pixels, strip)))
        before = self._previous if self._previous is not None else np.zeros_like(pixels)
        self._previous = pixels
        changed = changed_cells(before, pixels, [(0, len(pixels))])
        return replace(picture, pixels=pixels, changed=changed)
