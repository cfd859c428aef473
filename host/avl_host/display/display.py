"""Display: what can be asked to have another size (spec 04-session, 4.11), with its double in memory.

A display says what it is like as a text that only it reads, so that this can be kept in a file: a host that was killed
puts the display back when it starts again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from avl_protocol.wire.registry import MAX_FIT_SCALE, MAX_FIT_SIDE, MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE

Size = tuple[int, int]


class SizeRefused(Exception):
    """The display keeps its size; the text is a sentence that says why."""


class Display(Protocol):
    """A display whose size may be changed. Every call may take seconds, and none blocks the event loop."""

    @property
    def name(self) -> str:
        """What it is called: what was kept of another display is none of its business."""

    async def state(self) -> str:
        """What `restore` needs to put it back. Raises SizeRefused where its size can't be changed."""

    async def resize(self, width: int, height: int, scale: int) -> Size:
        """Have this size, or the nearest there is, and draw things `scale` hundredths as large as usual where the
        system can be told so; the size that it has then. Raises SizeRefused."""

    async def restore(self, state: str) -> None:
        """Be as it was. Raises SizeRefused."""


class MemoryDisplay:
    """The double: takes every size up to `most`, and tells `resized` of each."""

    def __init__(self, size: Size, resized: Callable[[Size], None] = lambda size: None) -> None:
        self.size = size
        self.scale = 100
        self.most: Size = (MAX_PICTURE_SIDE, MAX_PICTURE_SIDE)
        #: Why it keeps its size; empty: it does not.
        self.refuses = ""
        #: Every size that it has had since.
        self.sizes: list[Size] = []
        self._resized = resized

    @property
    def name(self) -> str:
        """It has one."""
        return "memory"

    async def state(self) -> str:
        """Its size and scale."""
        self._check()
        return f"{self.size[0]} {self.size[1]} {self.scale}"

    async def resize(self, width: int, height: int, scale: int) -> Size:
        """Have this size, as far as that goes."""
        self._check()
        self._set((min(width, self.most[0]), min(height, self.most[1])), scale)
        return self.size

    async def restore(self, state: str) -> None:
        """Have the size of before."""
        width, height, scale = map(int, state.split())
        self._set((width, height), scale)

    def _set(self, size: Size, scale: int) -> None:
        self.size, self.scale = size, scale
        self.sizes.append(size)
        self._resized(size)

    def _check(self) -> None:
        if self.refuses:
            raise SizeRefused(self.refuses)


def bounded(width: int, height: int) -> Size:
    """The size of a desktop for a window of this one: even, as pictures are, and none that viewers would refuse."""
    width, height = (max(MAX_FIT_SIDE, min(side, MAX_PICTURE_SIDE)) for side in (width, height))
    if width * height > MAX_PICTURE_PIXELS:
        shrink = (MAX_PICTURE_PIXELS / (width * height)) ** 0.5
        width, height = (max(MAX_FIT_SIDE, int(side * shrink)) for side in (width, height))
    return width & ~1, height & ~1


def bounded_scale(scale: int) -> int:
    """A scale in hundredths that things can be drawn at."""
    return max(100, min(scale, MAX_FIT_SCALE))


def nearest(sizes: Iterable[Size], width: int, height: int) -> Size | None:
    """Of the sizes that a display has the one for a window: the largest that it shows whole, else the smallest there
    is; None where there is none."""
    sizes = list(sizes)
    whole = [size for size in sizes if size[0] <= width and size[1] <= height]
    return max(whole, key=_area, default=None) or min(sizes, key=_area, default=None)


def _area(size: Size) -> int:
    return size[0] * size[1]
