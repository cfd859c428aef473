"""Positions: what is under the pointer is what is clicked, at every scale and wherever the desktop was panned to."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media.frame import Rect
from avl_viewer.present.geometry import Geometry

FULL_HD = Geometry(width=1920, height=1080, window_width=1280, window_height=720)
sizes = st.integers(1, 4000)
geometries = st.builds(
    Geometry, width=sizes, height=sizes, window_width=sizes, window_height=sizes, exact=st.booleans()
)


def test_fitted_keeps_proportions_and_is_centred() -> None:
    wide = replace(FULL_HD, window_width=1600)
    assert (FULL_HD.scale, FULL_HD.left, FULL_HD.top) == (2 / 3, 0, 0)
    assert wide.target == Rect(160, 0, 1280, 720)
    assert wide.to_desktop(160, 0) == (0, 0)
    assert wide.to_desktop(1439.9, 719.9) == (1919, 1079)


def test_equal_sizes_are_shown_pixel_for_pixel_without_asking() -> None:
    same = Geometry(width=800, height=600, window_width=800, window_height=600)
    assert same.scale == 1.0
    assert same.to_window(Rect(5, 6, 7, 8)) == Rect(5, 6, 7, 8)


def test_pixel_for_pixel_a_small_desktop_is_centred_and_a_large_one_panned_to_its_end() -> None:
    small = Geometry(width=800, height=600, window_width=1000, window_height=1000, exact=True)
    assert (small.left, small.top, small.pannable) == (100, 200, False)
    large = replace(FULL_HD, exact=True)
    assert large.pannable
    assert large.to_desktop(10, 20) == (10, 20)
    end = large.panned(10_000, 100)
    assert (end.pan_x, end.pan_y) == (640, 100)
    assert end.to_desktop(1279, 0) == (1919, 100)
    assert end.panned(-10_000, -10_000) == large


def test_beside_the_desktop_the_nearest_pixel_counts() -> None:
    wide = replace(FULL_HD, window_width=1600)
    assert wide.to_desktop(-5, 3000) == (0, 1079)
    assert wide.to_desktop(1599, -1) == (1919, 0)


def test_without_sizes_nothing_breaks() -> None:
    assert Geometry().to_desktop(3, 4) == (0, 0)
    assert Geometry().scale == 1.0


@given(geometries, st.floats(0, 1), st.floats(0, 1))
def test_a_desktop_pixel_is_where_its_window_position_says(geometry: Geometry, across: float, down: float) -> None:
    x, y = min(int(across * geometry.width), geometry.width - 1), min(int(down * geometry.height), geometry.height - 1)
    scale = geometry.scale
    middle = geometry.left + (x + 0.5) * scale, geometry.top + (y + 0.5) * scale
    assert geometry.to_desktop(*middle) == (x, y)
    shown = geometry.to_window(Rect(x, y, 1, 1))
    assert shown.x <= middle[0] <= shown.x + shown.width
    assert shown.y <= middle[1] <= shown.y + shown.height
