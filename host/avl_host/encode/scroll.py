"""Scrolling: finds that what changed is what was there before, some rows further up or down.

Rows are told by a weighted sum of some of their pixels, and vote for a distance; what the winner says is then compared
pixel by pixel, so that a wrong guess costs time and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, box, grid, rectangles
from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import CELL

#: The smallest area that is worth a look, in pixels on a side.
LEAST_SIDE = 96
#: Columns of a row that are looked at, and the part of the rows told apart that must agree on a distance.
COLUMNS, AGREE = 128, 0.3
#: Rows that must vote at least.
LEAST_VOTES = 12

_weights = np.random.Generator(np.random.PCG64(1)).integers(1, 1 << 62, COLUMNS, np.uint64) | np.uint64(1)


@dataclass(frozen=True, slots=True)
class Scrolled:
    """Cells that show what was `down` rows above them before (below them: negative)."""

    cells: Cells
    down: int


def find(previous: NDArray[np.uint8], pixels: NDArray[np.uint8], changed: Cells) -> Scrolled | None:
    """What of the changed cells was scrolled vertically; None where nothing was. Both pictures are BGRA, uint8,
    C-contiguous, shape (height, width, 4)."""
    height, width = pixels.shape[:2]
    area = box(changed, width, height)
    if area is None or area.width < LEAST_SIDE or area.height < LEAST_SIDE:
        return None
    before, after = (picture.view(np.uint32)[:, :, 0] for picture in (previous, pixels))
    rows, columns = slice(area.y, area.y + area.height), slice(area.x, area.x + area.width)
    down = _distance(before[rows, columns], after[rows, columns])
    if down is None:
        return None
    return _verified(before, after, changed, area, down)


def _distance(before: NDArray[np.uint32], after: NDArray[np.uint32]) -> int | None:
    step = max(1, before.shape[1] // COLUMNS)
    old, new = (_sums(picture[:, ::step][:, :COLUMNS]) for picture in (before, after))
    told, first, count = np.unique(old, return_index=True, return_counts=True)
    told, first = told[count == 1], first[count == 1]
    if not told.size:
        return None
    places = np.minimum(np.searchsorted(told, new), told.size - 1)
    hits = np.flatnonzero(told[places] == new)
    distances = hits - first[places[hits]]
    distances = distances[distances != 0]
    if distances.size < LEAST_VOTES:
        return None
    values, votes = np.unique(distances, return_counts=True)
    best = int(np.argmax(votes))
    if votes[best] < max(LEAST_VOTES, AGREE * len(np.unique(new))):
        return None
    return int(values[best])


def _sums(rows: NDArray[np.uint32]) -> NDArray[np.uint64]:
    found: NDArray[np.uint64] = (rows.astype(np.uint64) * _weights[: rows.shape[1]]).sum(axis=1, dtype=np.uint64)
    return found


def _verified(
    before: NDArray[np.uint32], after: NDArray[np.uint32], changed: Cells, area: Rect, down: int
) -> Scrolled | None:
    """The cells of which every pixel is what the distance says."""
    height, width = after.shape
    top, bottom = max(area.y, area.y + down, 0), min(area.y + area.height, area.y + area.height + down, height)
    top = -(-top // CELL) * CELL
    if bottom < height:
        bottom = bottom // CELL * CELL
    if bottom <= top:
        return None
    columns = slice(area.x, area.x + area.width)
    differs = after[top:bottom, columns] != before[top - down : bottom - down, columns]
    wrong = np.logical_or.reduceat(differs, np.arange(0, bottom - top, CELL), axis=0)
    wrong = np.logical_or.reduceat(wrong, np.arange(0, area.width, CELL), axis=1)
    cells = np.zeros(grid(width, height), np.bool_)
    row, column = top // CELL, area.x // CELL
    cells[row : row + wrong.shape[0], column : column + wrong.shape[1]] = ~wrong
    cells &= changed
    return Scrolled(cells, down) if cells.any() else None


def copies(cells: Cells, down: int, width: int, height: int) -> list[tuple[Rect, tuple[int, int]]]:
    """Rectangles to copy from `down` rows above and where that is, in an order in which no copy spoils the source of a
    later one."""
    found = rectangles(cells, width, height)
    # Down: what lies lowest is copied first, as it is the source of nothing else then.
    ordered = sorted(found, key=lambda rect: rect.y, reverse=down > 0)
    return [(rect, (rect.x, rect.y - down)) for rect in ordered]
