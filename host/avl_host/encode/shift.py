"""Shifts: finds that what changed is what was there before, elsewhere: text that scrolls, a window that is dragged.

Small pieces of both pictures are told by a hash of their pixels, and vote for a distance; what the winner says is then
compared pixel by pixel, so that a wrong guess costs time and nothing else. Text that scrolls is the usual case and is
found by whole rows, in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, box, grid, rectangles
from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import CELL

#: The smallest area that is worth a look, in pixels on a side.
LEAST_SIDE = 96
#: Rows are looked at in so many strips beside each other, by so many columns of each: a margin or a scroll bar that
#: stands still spoils its strip alone. And the part of the votes that must agree on a distance.
STRIPS, COLUMNS, AGREE = 4, 32, 0.3
#: Pieces that must vote at least.
LEAST_VOTES = 12
#: Pixels on a side of the part of the change that is looked at for other directions, and of the pieces there; of these
#: one in so many is looked at, chosen by its own hash, so that it is chosen wherever it stands.
PATCH, PIECE, ONE_IN = 448, 16, 128
#: Rows between the lines of a piece that are looked at.
LINES_APART = 5
#: After a look in vain the next changes are not searched: one, two, four, at most so many.
MOST_PAUSE = 8
#: What was shifted is at least this part of the change, or the picture before is asked.
LEAST_PART = 0.25

_weights = np.random.Generator(np.random.PCG64(1)).integers(1, 1 << 62, COLUMNS, np.uint64) | np.uint64(1)
_HASH = np.uint32(2654435761)

Words = NDArray[np.uint32]
#: How far to the right and how far down.
Vector = tuple[int, int]
#: The hashes of pieces, and their places.
Pieces = tuple[Words, NDArray[np.int64]]
_NONE: Pieces = (np.zeros(0, np.uint32), np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Shifted:
    """Cells that show what was `across` columns to the left of them and `down` rows above them (right of them, below
    them: negative). `still`: others of which the same is true, which did not change; with them, what was shifted is of
    fewer rectangles."""

    cells: Cells
    still: Cells
    across: int
    down: int


class ShiftFinder:
    """Looks at one change after another."""

    def __init__(self) -> None:
        self._pause = self._wait = 0
        #: What the last look saw, which the next may see elsewhere: then only one picture need be read.
        self._seen = _NONE

    def find(self, previous: NDArray[np.uint8], pixels: NDArray[np.uint8], changed: Cells) -> Shifted | None:
        """What of the changed cells was shifted; None where nothing was. Both pictures are BGRA, uint8, C-contiguous,
        shape (height, width, 4)."""
        height, width = pixels.shape[:2]
        area = box(changed, width, height)
        if area is None or area.width < LEAST_SIDE or area.height < LEAST_SIDE:
            return None
        before, after = (picture.view(np.uint32)[:, :, 0] for picture in (previous, pixels))
        down = _by_rows(_part(before, area), _part(after, area))
        if down is not None:
            self._seen = _NONE
            return _verified(before, after, changed, area, (0, down))
        return self._by_pieces(before, after, changed, area)

    def _by_pieces(self, before: Words, after: Words, changed: Cells, area: Rect) -> Shifted | None:
        """What has moved in any direction, as told by the middle of the change."""
        if self._wait:
            self._wait -= 1
            self._seen = _NONE
            return None
        width, height = min(area.width, PATCH), min(area.height, PATCH)
        middle = Rect(area.x + (area.width - width) // 2, area.y + (area.height - height) // 2, width, height)
        before_seen, self._seen = self._seen, _pieces(after, middle)
        row = _row(after)
        found = None
        # What the last look saw was perhaps not sent as it was.
        if (vector := _vector(before_seen, self._seen, row)) is not None:
            found = _verified(before, after, changed, area, vector)
        little = found is None or found.cells.sum() < LEAST_PART * changed.sum()
        if little and (vector := _vector(_pieces(before, middle), self._seen, row)) is not None:
            found = _verified(before, after, changed, area, vector) or found
        self._pause = 0 if found is not None else min(MOST_PAUSE, max(1, 2 * self._pause))
        self._wait = self._pause
        return found


def _part(picture: Words, area: Rect) -> Words:
    return picture[area.y : area.y + area.height, area.x : area.x + area.width]


def _by_rows(before: Words, after: Words) -> int | None:
    """How far rows have moved down, as told by as few strips as agree."""
    wide = before.shape[1] // STRIPS
    step = max(1, wide // COLUMNS)
    distances, rows = np.zeros(0, np.int64), 0
    for strip in sorted(range(STRIPS), key=lambda strip: abs(2 * strip + 1 - STRIPS)):  # from the middle
        left = strip * wide
        old, new = (_sums(picture[:, left : left + wide : step][:, :COLUMNS]) for picture in (before, after))
        found = _matches(old, np.arange(old.size), new, np.arange(new.size))
        distances, rows = np.concatenate([distances, found]), rows + len(np.unique(new))
        if (best := _elected(distances, AGREE * rows)) is not None:
            return best
    return None


def _sums(rows: Words) -> NDArray[np.uint64]:
    found: NDArray[np.uint64] = (rows.astype(np.uint64) * _weights[: rows.shape[1]]).sum(axis=1, dtype=np.uint64)
    return found


def _vector(old: Pieces, new: Pieces, row: int) -> Vector | None:
    """How far pieces have moved to the right and down."""
    distances = _matches(*old, *new)
    best = _elected(distances, AGREE * distances.size)
    if best is None:
        return None
    down = (best + row // 2) // row
    return best - down * row, down


def _row(picture: Words) -> int:
    """The distance of rows, where a place is one number: no distance across is taken for a row."""
    return 2 * int(picture.shape[1])


def _pieces(whole: Words, part: Rect) -> Pieces:
    """Some pieces of a part of a picture."""
    picture = _part(whole, part)
    lines = picture * _HASH
    reach = 1
    while reach < PIECE:
        beyond = lines[:, reach:]
        longer = beyond >> np.uint32(15)
        longer ^= lines[:, :-reach]
        longer *= _HASH
        longer += beyond
        lines = longer
        reach *= 2
    # A piece is chosen by its first line, and made of lines that are far apart; a plain line tells nothing.
    columns = lines.shape[1]
    chosen = (lines[: 1 - PIECE] >> np.uint32(16)) % np.uint32(ONE_IN) == 0
    chosen &= picture[: 1 - PIECE, :columns] != picture[: 1 - PIECE, 1 : columns + 1]
    ys, xs = np.divmod(np.flatnonzero(chosen), columns)
    hashes = lines[ys, xs]
    for line in range(LINES_APART, PIECE, LINES_APART):
        hashes = (hashes ^ (hashes >> np.uint32(13))) * _HASH + lines[ys + line, xs]
    return hashes, (ys + part.y) * _row(whole) + xs + part.x


def _matches(
    old: NDArray[Any], old_places: NDArray[np.int64], new: NDArray[Any], new_places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How far what stands once in the old picture has moved in the new one, for each that has."""
    told, first, count = np.unique(old, return_index=True, return_counts=True)
    told, first = told[count == 1], first[count == 1]
    if not told.size:
        return np.zeros(0, np.int64)
    places = np.minimum(np.searchsorted(told, new), told.size - 1)
    hits = np.flatnonzero(told[places] == new)
    distances = new_places[hits] - old_places[first[places[hits]]]
    moved: NDArray[np.int64] = distances[distances != 0]
    return moved


def _elected(distances: NDArray[np.int64], least: float) -> int | None:
    """The distance that most agree on, if these are enough."""
    if distances.size < LEAST_VOTES:
        return None
    values, votes = np.unique(distances, return_counts=True)
    best = int(np.argmax(votes))
    return int(values[best]) if votes[best] >= max(LEAST_VOTES, least) else None


def _verified(before: Words, after: Words, changed: Cells, area: Rect, vector: Vector) -> Shifted | None:
    """The cells of which every pixel is what the distance says."""
    height, width = after.shape
    across, down = vector
    left, right = _span(area.x, area.width, across, width)
    top, bottom = _span(area.y, area.height, down, height)
    if bottom <= top or right <= left:
        return None
    wrong = _differing(
        before[top - down : bottom - down, left - across : right - across], after[top:bottom, left:right]
    )
    cells = np.zeros(grid(width, height), np.bool_)
    row, column = top // CELL, left // CELL
    cells[row : row + wrong.shape[0], column : column + wrong.shape[1]] = ~wrong
    return Shifted(cells & changed, cells & ~changed, across, down) if (cells & changed).any() else None


def _differing(old: Words, new: Words) -> Cells:
    """The cells in which two parts of pictures differ, of which both begin with a cell."""
    tops = np.arange(0, len(new), CELL)
    if new.shape[1] % CELL == 0:
        # Two pixels are compared at once, then the eight booleans of a row of a cell are looked at as one word.
        differs = np.not_equal(old.view(np.uint64), new.view(np.uint64)).view(np.uint64)
        words: Cells = np.bitwise_or.reduceat(differs, tops, axis=0) != 0
        return words
    found = np.logical_or.reduceat(old != new, tops, axis=0)
    return np.logical_or.reduceat(found, np.arange(0, new.shape[1], CELL), axis=1)


def _span(start: int, length: int, distance: int, side: int) -> tuple[int, int]:
    """Of whole cells from `start` on those whose pixels stood within 0..side before they moved by `distance`."""
    first = -(-max(start, distance, 0) // CELL) * CELL
    last = min(start + length, side + distance, side)
    return first, last if last == side else last // CELL * CELL


def copies(shifted: Shifted, cells: Cells, width: int, height: int) -> list[tuple[Rect, tuple[int, int]]]:
    """Rectangles to copy and from where, of the `cells` of what was shifted, in an order in which no copy spoils the
    source of a later one."""
    ordered = _ordered(rectangles(cells, width, height), shifted)
    return [(rect, (rect.x - shifted.across, rect.y - shifted.down)) for rect in ordered]


def _ordered(rects: Sequence[Rect], shifted: Shifted) -> list[Rect]:
    """Disjoint rectangles, those first that have others behind them on their way."""
    if not shifted.across:
        return sorted(rects, key=lambda rect: rect.y, reverse=shifted.down > 0)
    if not shifted.down:
        return sorted(rects, key=lambda rect: rect.x, reverse=shifted.across > 0)
    waiting, ordered = rects, []
    while waiting:
        # Some rectangle is the source of no other: disjoint ones that all move one way can leave one by one.
        free = [rect for rect in waiting if not any(_spoils(rect, other, shifted) for other in waiting)]
        ordered += free
        waiting = [rect for rect in waiting if rect not in free]
    return ordered


def _spoils(rect: Rect, other: Rect, shifted: Shifted) -> bool:
    """Whether writing a rectangle changes what another one is copied from."""
    x, y = other.x - shifted.across, other.y - shifted.down
    return (
        rect is not other
        and rect.x < x + other.width
        and x < rect.x + rect.width
        and rect.y < y + other.height
        and y < rect.y + rect.height
    )
