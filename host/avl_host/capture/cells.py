"""Cells: what changed between two pictures, on a grid of 16 x 16 pixels (spec 05-media, 5.7.1).

Rows are first compared by memcmp, which costs next to nothing for the many that are equal; only where they differ is
looked at cell by cell.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import CELL

#: One bool for each cell, of shape (rows, columns).
Cells = NDArray[np.bool_]

#: Rows of damage that are nearer than this are looked at as one band.
NEAR_ROWS = 32
#: Rows that memcmp takes at once.
_STRIP = 64

_memcmp = ctypes.CDLL(None).memcmp
_memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_memcmp.restype = ctypes.c_int


def grid(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of cells of a desktop; those at its right and lower edge may be smaller."""
    return -(-height // CELL), -(-width // CELL)


def row_bands(rects: Iterable[Rect], height: int) -> list[tuple[int, int]]:
    """The rows that rectangles cover as (first, past the last), ascending, in whole cells, near ones joined, cut to
    0..height."""
    spans = sorted(
        (max(0, r.y) // CELL * CELL, min(height, -(-(r.y + r.height) // CELL) * CELL)) for r in rects if r.width > 0
    )
    bands: list[tuple[int, int]] = []
    for top, bottom in spans:
        if bottom <= top:
            continue
        if bands and top <= bands[-1][1] + NEAR_ROWS:
            bands[-1] = (bands[-1][0], max(bands[-1][1], bottom))
        else:
            bands.append((top, bottom))
    return bands


def changed_cells(previous: NDArray[np.uint8], current: NDArray[np.uint8], bands: Iterable[tuple[int, int]]) -> Cells:
    """The cells in which two pictures differ.

    Both are C-contiguous uint8 of shape (height, width, 4); bands are (first row, past the last row) in whole cells.
    """
    height, width = current.shape[:2]
    stride = width * 4
    old, new = previous.ctypes.data, current.ctypes.data
    cells = np.zeros(grid(width, height), np.bool_)
    for top, bottom in bands:
        for at in range(top, bottom, _STRIP):
            end = min(bottom, at + _STRIP)
            if _memcmp(old + at * stride, new + at * stride, (end - at) * stride):
                found = _differing(previous[at:end], current[at:end])
                cells[at // CELL : at // CELL + len(found)] |= found
    return cells


def _differing(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> Cells:
    """The cells of a strip that differ."""
    rows, width = old.shape[:2]
    flat_old, flat_new = old.reshape(rows, width * 4), new.reshape(rows, width * 4)
    tops = np.arange(0, rows, CELL)
    if width % CELL == 0:
        # Eight bytes are compared at once, then the eight booleans of 16 pixels are looked at as one word.
        differs = np.not_equal(flat_old.view(np.uint64), flat_new.view(np.uint64)).view(np.uint64)
        words: Cells = np.bitwise_or.reduceat(differs, tops, axis=0) != 0
        return words
    found = np.not_equal(flat_old.view(np.uint32), flat_new.view(np.uint32))
    found = np.logical_or.reduceat(found, tops, axis=0)
    return np.logical_or.reduceat(found, np.arange(0, width, CELL), axis=1)


def changed_within(previous: NDArray[np.uint8], current: NDArray[np.uint8], rects: Iterable[Rect]) -> Cells:
    """The cells in which two pictures differ, looked for only in those that rectangles touch: where these are narrow,
    that is less than whole rows."""
    height, width = current.shape[:2]
    cells = np.zeros(grid(width, height), np.bool_)
    old, new = (picture.view(np.uint32)[:, :, 0] for picture in (previous, current))
    for rect in rects:
        rows, columns = touched(rect)
        top, left = rows.start * CELL, columns.start * CELL
        inside = slice(top, min(height, rows.stop * CELL)), slice(left, min(width, columns.stop * CELL))
        differs = old[inside] != new[inside]
        down = np.logical_or.reduceat(differs, np.arange(0, differs.shape[0], CELL), axis=0)
        cells[rows, columns] |= np.logical_or.reduceat(down, np.arange(0, differs.shape[1], CELL), axis=1)
    return cells


def take_over(previous: NDArray[np.uint8], current: NDArray[np.uint8], cells: Cells) -> None:
    """Copy cells of one picture into another of the same size."""
    height, width = current.shape[:2]
    for rect in rectangles(cells, width, height):
        inside = slice(rect.y, rect.y + rect.height), slice(rect.x, rect.x + rect.width)
        previous[inside] = current[inside]


def rectangles(cells: Cells, width: int, height: int, most: int | None = None) -> tuple[Rect, ...]:
    """Rectangles of a desktop that cover the marked cells and nothing else; at most `most`, which then may cover
    more."""
    around = box(cells, width, height)
    if around is None:
        return ()
    if cells[touched(around)].all():
        return (around,)
    runs = _runs(cells)
    boxes = _stack(runs)
    rows_each = 1
    while most is not None and len(boxes) > most:
        # One run a row, then one run for each two rows, four rows, ...
        coarse: dict[int, list[tuple[int, int]]] = {}
        for row, found in runs.items():
            group = coarse.setdefault(row // rows_each, [])
            group[:] = [(min(f for f, _ in [*group, *found]), max(last for _, last in [*group, *found]))]
        boxes = _stack(coarse, rows_each)
        rows_each *= 2
    return tuple(
        Rect(
            left * CELL,
            top * CELL,
            min(width, right * CELL) - left * CELL,
            min(height, bottom * CELL) - top * CELL,
        )
        for left, top, right, bottom in boxes
    )


def mark(cells: Cells, rects: Iterable[Rect]) -> None:
    """Mark all cells that rectangles touch."""
    for rect in rects:
        cells[touched(rect)] = True


def touched(rect: Rect) -> tuple[slice, slice]:
    """The cells that a rectangle touches."""
    return (
        slice(rect.y // CELL, -(-(rect.y + rect.height) // CELL)),
        slice(rect.x // CELL, -(-(rect.x + rect.width) // CELL)),
    )


def box(cells: Cells, width: int, height: int) -> Rect | None:
    """The smallest rectangle around all marked cells; None without any."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    if not rows.size:
        return None
    x, y = int(columns[0]) * CELL, int(rows[0]) * CELL
    right, bottom = min(width, (int(columns[-1]) + 1) * CELL), min(height, (int(rows[-1]) + 1) * CELL)
    return Rect(x, y, right - x, bottom - y)


def _runs(cells: Cells) -> dict[int, list[tuple[int, int]]]:
    """Of each row that has any, its runs of marked columns as (first, past the last)."""
    rows, columns = cells.shape
    bordered = np.zeros((rows, columns + 2), np.bool_)
    bordered[:, 1:-1] = cells
    places = np.flatnonzero(bordered[:, 1:] != bordered[:, :-1])  # a run has two edges, both in its row
    runs: dict[int, list[tuple[int, int]]] = {}
    for first, last in places.reshape(-1, 2).tolist():
        row, left = divmod(first, columns + 1)
        runs.setdefault(row, []).append((left, left + last - first))
    return runs


def _stack(runs: dict[int, list[tuple[int, int]]], rows_each: int = 1) -> list[tuple[int, int, int, int]]:
    """Boxes (left, top, right, bottom) in cells: equal runs in neighbouring rows become one box."""
    boxes: list[tuple[int, int, int, int]] = []
    open_boxes: dict[tuple[int, int], int] = {}
    last_row = None
    for row in sorted(runs):
        if last_row is None or row != last_row + 1:
            open_boxes = {}
        still_open: dict[tuple[int, int], int] = {}
        for run in runs[row]:
            at = open_boxes.get(run)
            if at is None:
                at = len(boxes)
                boxes.append((run[0], row * rows_each, run[1], (row + 1) * rows_each))
            else:
                left, top, right, _ = boxes[at]
                boxes[at] = (left, top, right, (row + 1) * rows_each)
            still_open[run] = at
        open_boxes, last_row = still_open, row
    return boxes
