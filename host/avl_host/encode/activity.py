"""Activity: how often parts of the desktop change, and what their exact pixels would take."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, box
from avl_protocol.wire.registry import CELL

#: Cells on a side of a tile, which is what becomes hot: 64 pixels.
TILE = 4
#: Seconds after which a change counts for a third.
MEMORY = 0.5
#: Changes within the memory from which on a tile is hot: ten a second and more.
HOT = 5.0
#: Every so many rows one is looked at.
EACH_ROW = 4
#: Bytes of a pixel that equals its left neighbour, and of one that does not, by the square of how many do not. Measured
#: with zstd at level 1: coloured code takes 0.19 bytes a pixel where a quarter differ, photographs and film take 2.6
#: where nearly all do.
FLAT, ROUGH = 0.004, 2.9
#: From so many bytes a pixel on it is a photograph or a film, not text: 6 bits.
BUSY = 0.75


class Activity:
    """Counts the changes of each tile. Times are seconds of the caller's clock."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._heat = np.zeros((-(-shape[0] // TILE), -(-shape[1] // TILE)), np.float32)
        self._at = 0.0
        #: When each cell changed last.
        self.changed_at = np.full(shape, -np.inf)

    def note(self, changed: Cells, now: float) -> None:
        """These cells have changed."""
        self._heat *= math.exp(min(0.0, self._at - now) / MEMORY)
        self._at = now
        self._heat += tiles(changed)
        self.changed_at[changed] = now

    @property
    def rate(self) -> float:
        """Changes per second of the tile that changes most."""
        return float(self._heat.max()) / MEMORY

    @property
    def hot(self) -> Cells:
        """The cells of tiles that change all the time."""
        return spread(self._heat >= HOT, self._shape)


def tiles(cells: Cells) -> Cells:
    """The tiles that have a marked cell."""
    down = np.logical_or.reduceat(cells, np.arange(0, cells.shape[0], TILE), axis=0)
    return np.logical_or.reduceat(down, np.arange(0, cells.shape[1], TILE), axis=1)


def spread(marked: Cells, shape: tuple[int, int]) -> Cells:
    """The cells of marked tiles."""
    return np.repeat(np.repeat(marked, TILE, 0), TILE, 1)[: shape[0], : shape[1]]


def cost(pixels: NDArray[np.uint8], cells: Cells) -> NDArray[np.float32]:
    """For each marked cell about how many bytes its exact pixels take; 0 for the others. `pixels` is BGRA, uint8, shape
    (height, width, 4)."""
    height, width = pixels.shape[:2]
    found = np.zeros(cells.shape, np.float32)
    around = box(cells, width, height)
    if around is None:
        return found
    words = pixels.view(np.uint32)[:, :, 0]
    right, bottom = around.x + around.width, around.y + around.height
    sample = words[around.y : bottom : EACH_ROW, around.x : right]
    differs = np.zeros(sample.shape, np.float32)
    np.not_equal(sample[:, 1:], sample[:, :-1], out=differs[:, 1:], casting="unsafe")
    down = np.add.reduceat(differs, np.arange(0, len(sample), CELL // EACH_ROW), axis=0)
    counts = np.add.reduceat(down, np.arange(0, around.width, CELL), axis=1)
    share = counts / (CELL * CELL / EACH_ROW)
    top, left = around.y // CELL, around.x // CELL
    inside = slice(top, top + share.shape[0]), slice(left, left + share.shape[1])
    found[inside] = np.where(cells[inside], (FLAT + ROUGH * share * share) * CELL * CELL, 0)
    return found
