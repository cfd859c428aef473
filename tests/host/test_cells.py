"""Comparison by cells against the plain definition of difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avl_host.capture.cells import (
    Cells,
    box,
    changed_cells,
    changed_within,
    grid,
    mark,
    rectangles,
    row_bands,
    take_over,
    touched,
)
from avl_protocol.media.exact import on_cells
from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import CELL

SIZES = [(64, 64), (640, 360), (1366, 130), (333, 777), (2, 2), (1, 1)]
POINTS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), max_size=60)


def picture(width: int, height: int) -> NDArray[np.uint8]:
    return np.zeros((height, width, 4), np.uint8)


def cells_of(width: int, height: int, points: list[tuple[int, int]]) -> Cells:
    """The plain definition."""
    found = np.zeros(grid(width, height), np.bool_)
    for x, y in points:
        found[y % height // CELL, x % width // CELL] = True
    return found


@given(st.sampled_from(SIZES), POINTS)
def test_every_difference_is_found_and_nothing_else(size: tuple[int, int], points: list[tuple[int, int]]) -> None:
    width, height = size
    before, after = picture(width, height), picture(width, height)
    for x, y in points:
        after[y % height, x % width, 2] = 7
    found = changed_cells(before, after, [(0, height)])
    assert (found == cells_of(width, height, points)).all()
    assert (changed_within(before, after, [Rect(0, 0, width, height)]) == found).all()
    take_over(before, after, found)
    assert (before == after).all()


@given(st.sampled_from(SIZES), POINTS, st.sampled_from([None, 1, 3, 32]))
def test_rectangles_cover_what_is_marked(
    size: tuple[int, int], points: list[tuple[int, int]], most: int | None
) -> None:
    width, height = size
    cells = cells_of(width, height, points)
    rects = rectangles(cells, width, height, most)
    assert all(on_cells(rect, width, height) for rect in rects)
    assert most is None or len(rects) <= most
    covered = np.zeros_like(cells)
    mark(covered, rects)
    assert (covered >= cells).all()
    if most is None:
        assert (covered == cells).all()
        assert sum(rect.width * rect.height for rect in rects) <= width * height, "none overlaps another"
    around = box(cells, width, height)
    assert (around is None) == (not points)
    assert around is None or cells[touched(around)].sum() == cells.sum()


@given(POINTS, st.tuples(st.integers(0, 300), st.integers(0, 100), st.integers(1, 80), st.integers(1, 80)))
def test_only_cells_that_rectangles_touch_are_looked_at(
    points: list[tuple[int, int]], sides: tuple[int, int, int, int]
) -> None:
    before, after = picture(333, 130), picture(333, 130)
    for x, y in points:
        after[y % 130, x % 333, 1] = 5
    x, y, width, height = sides
    rect = Rect(x, y, min(width, 333 - x), min(height, 130 - y))
    wanted = np.zeros_like(cells_of(333, 130, []))
    wanted[touched(rect)] = cells_of(333, 130, points)[touched(rect)]
    assert (changed_within(before, after, [rect]) == wanted).all()


def test_one_pixel_is_one_cell() -> None:
    assert rectangles(cells_of(1920, 1080, [(100, 1079)]), 1920, 1080) == (Rect(96, 1072, 16, 8),)


def test_neighbours_are_merged() -> None:
    points = [(x, y) for x in (0, 16, 32) for y in (0, 16)]
    assert rectangles(cells_of(1920, 1080, points), 1920, 1080) == (Rect(0, 0, 48, 32),)


def test_rows_outside_the_bands_are_not_looked_at() -> None:
    before, after = picture(64, 208), picture(64, 208)
    after[150] = 1
    assert not changed_cells(before, after, [(0, 96)]).any()


@pytest.mark.parametrize(
    ("rects", "bands"),
    [
        ([], []),
        ([Rect(0, 10, 5, 5), Rect(9, 12, 5, 9)], [(0, 32)]),
        ([Rect(0, 500, 1, 1), Rect(0, 0, 1, 1)], [(0, 16), (496, 512)]),
        ([Rect(0, -20, 5, 30), Rect(0, 2000, 5, 5)], [(0, 16)]),
        ([Rect(0, 1070, 5, 5)], [(1056, 1080)]),
    ],
)
def test_rows_of_damage(rects: list[Rect], bands: list[tuple[int, int]]) -> None:
    assert row_bands(rects, 1080) == bands
