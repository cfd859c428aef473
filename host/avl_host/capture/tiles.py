"""What changed between two pictures, as a few rectangles: compare by tile, but look closely only where bytes differ.

A row of tiles is first compared by memcmp, which costs next to nothing for the many rows that are equal; only a
differing row is looked at tile by tile. The previous picture is brought up to date on the way, so that one pass does
both.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import MAX_DIRTY_RECTS

#: Edge of a tile in pixels.
TILE = 64

#: Rows of damage that are nearer than this are looked at as one band.
NEAR_ROWS = 32

_memcmp = ctypes.CDLL(None).memcmp
_memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_memcmp.restype = ctypes.c_int


def row_bands(rects: Iterable[Rect], height: int) -> list[tuple[int, int]]:
    """The rows that rectangles cover as (first, past the last), ascending, near ones joined, cut to 0..height."""
    spans = sorted((max(0, r.y), min(height, r.y + r.height)) for r in rects if r.width > 0)
    bands: list[tuple[int, int]] = []
    for top, bottom in spans:
        if bottom <= top:
            continue
        if bands and top <= bands[-1][1] + NEAR_ROWS:
            bands[-1] = (bands[-1][0], max(bands[-1][1], bottom))
        else:
            bands.append((top, bottom))
    return bands


def take_changes(
    previous: NDArray[np.uint8], current: NDArray[np.uint8], bands: Iterable[tuple[int, int]]
) -> tuple[Rect, ...]:
    """Rectangles, tile-aligned and at most 32, that hold every difference in the bands; copies them into `previous`.

    Both pictures are C-contiguous uint8 of shape (height, width, 4); bands are (first row, past the last row).
    """
    height, width = current.shape[:2]
    stride = width * 4
    old, new = previous.ctypes.data, current.ctypes.data
    runs: dict[int, list[tuple[int, int]]] = {}
    for top, bottom in bands:
        at = top
        while at < bottom:
            row = at // TILE
            end = min(bottom, (row + 1) * TILE)
            if _memcmp(old + at * stride, new + at * stride, (end - at) * stride):
                found = _runs(_differing_columns(previous[at:end], current[at:end]))
                for first, last in found:
                    x0, x1 = first * TILE, min(width, last * TILE)
                    previous[at:end, x0:x1] = current[at:end, x0:x1]
                runs[row] = _united(runs[row] + found) if row in runs else found
            at = end
    return _merge(runs, width, height)


def covering(rects: Iterable[Rect], width: int, height: int) -> tuple[Rect, ...]:
    """Rectangles, tile-aligned and at most 32, that cover others; cut to the picture."""
    runs: dict[int, list[tuple[int, int]]] = {}
    for rect in rects:
        left, right = max(0, rect.x) // TILE, -(-min(width, rect.x + rect.width) // TILE)
        for row in range(max(0, rect.y) // TILE, -(-min(height, rect.y + rect.height) // TILE)):
            if left < right:
                runs[row] = _united([*runs.get(row, []), (left, right)])
    return _merge(runs, width, height)


def _differing_columns(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which tile columns of a band differ."""
    rows, width = old.shape[:2]
    flat_old, flat_new = old.reshape(rows, width * 4), new.reshape(rows, width * 4)
    if width % 16 == 0:
        # Eight bytes are compared at once, then eight of the resulting booleans are joined at once: 16 pixels in each
        # word.
        differs = np.not_equal(flat_old.view(np.uint64), flat_new.view(np.uint64))
        words = np.bitwise_or.reduce(differs.view(np.uint64), axis=0) != 0
        per_tile = TILE // 16
    else:
        words = np.logical_or.reduce(np.not_equal(flat_old.view(np.uint32), flat_new.view(np.uint32)), axis=0)
        per_tile = TILE
    return np.logical_or.reduceat(words, np.arange(0, words.size, per_tile))


def _runs(columns: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of true columns as (first, past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], columns, [False])).astype(np.int8)))
    return [(int(edges[i]), int(edges[i + 1])) for i in range(0, len(edges), 2)]


def _united(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping or touching runs joined, ascending."""
    out: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


def _stack(runs: dict[int, list[tuple[int, int]]], rows_each: int = 1) -> list[tuple[int, int, int, int]]:
    """Boxes (left, top, right, bottom) in tiles: equal runs in neighbouring rows become one box."""
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


def _merge(runs: dict[int, list[tuple[int, int]]], width: int, height: int) -> tuple[Rect, ...]:
    """At most 32 rectangles that cover all runs; coarser step by step where there are too many."""
    boxes = _stack(runs)
    rows_each = 1
    while len(boxes) > MAX_DIRTY_RECTS:
        # One run a row, then one run for each two rows, four rows, ...
        coarse: dict[int, list[tuple[int, int]]] = {}
        for row, found in runs.items():
            group = coarse.setdefault(row // rows_each, [])
            group[:] = [(min(f for f, _ in [*group, *found]), max(last for _, last in [*group, *found]))]
        boxes = _stack(coarse, rows_each)
        rows_each *= 2
    return tuple(
        Rect(
            left * TILE,
            top * TILE,
            min(width, right * TILE) - left * TILE,
            min(height, bottom * TILE) - top * TILE,
        )
        for left, top, right, bottom in boxes
    )
