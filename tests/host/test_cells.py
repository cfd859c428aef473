"""Tile comparison against the plain definition of difference."""

from __future__ import annotations

import numpy as np
import pytest
from avl_host.capture.tiles import TILE, row_bands, take_changes
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avl_protocol.media.frame import Rect


def picture(width: int, height: int) -> NDArray[np.uint8]:
    return np.zeros((height, width, 4), np.uint8)


def changed(width: int, height: int, points: list[tuple[int, int]]) -> tuple[tuple[Rect, ...], bool]:
    """What is found when points change, and whether the previous picture was brought up to date."""
    before, after = picture(width, height), picture(width, height)
    for x, y in points:
        after[y % height, x % width, 2] = 7
    found = take_changes(before, after, [(0, height)])
    return found, bool((before == after).all())


def covered(rects: tuple[Rect, ...], x: int, y: int) -> bool:
    return any(r.x <= x < r.x + r.width and r.y <= y < r.y + r.height for r in rects)


@given(
    st.sampled_from([(64, 64), (640, 360), (1366, 130), (333, 777), (2, 2), (1, 1)]),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), max_size=60),
)
def test_every_difference_is_covered_and_taken(size: tuple[int, int], points: list[tuple[int, int]]) -> None:
    width, height = size
    found, current = changed(width, height, points)
    assert current
    assert len(found) <= 32
    assert all(covered(found, x % width, y % height) for x, y in points)
    for r in found:
        assert r.x % TILE == r.y % TILE == 0
        assert r.width > 0 < r.height
        assert r.x + r.width <= width
        assert r.y + r.height <= height
    assert bool(found) == bool(points)


def test_one_pixel_is_one_tile() -> None:
    assert changed(1920, 1080, [(100, 1079)])[0] == (Rect(64, 1024, 64, 56),)


def test_neighbours_are_merged() -> None:
    points = [(x, y) for x in (0, 64, 128) for y in (0, 64)]
    assert changed(1920, 1080, points)[0] == (Rect(0, 0, 192, 128),)


def test_two_bands_in_one_row_of_tiles_are_one_answer() -> None:
    before, after = picture(256, 64), picture(256, 64)
    after[2, 3] = after[60, 200] = 9
    assert take_changes(before, after, [(0, 10), (50, 64)]) == (Rect(0, 0, 64, 64), Rect(192, 0, 64, 64))


def test_rows_outside_the_bands_are_not_looked_at() -> None:
    before, after = picture(64, 200), picture(64, 200)
    after[150] = 1
    assert take_changes(before, after, [(0, 100)]) == ()


@pytest.mark.parametrize(
    ("rects", "bands"),
    [
        ([], []),
        ([Rect(0, 10, 5, 5), Rect(9, 12, 5, 9)], [(10, 21)]),
        ([Rect(0, 500, 1, 1), Rect(0, 0, 1, 1)], [(0, 1), (500, 501)]),
        ([Rect(0, -20, 5, 30), Rect(0, 2000, 5, 5)], [(0, 10)]),
    ],
)
def test_rows_of_damage(rects: list[Rect], bands: list[tuple[int, int]]) -> None:
    assert row_bands(rects, 1080) == bands
