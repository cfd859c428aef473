"""The native window, pixel by pixel: what came exact is shown exact, whatever size the window takes, and nothing is
painted beside what has changed."""

from __future__ import annotations

import numpy as np
import pytest

from tests.viewer import pictures
from tests.viewer.stage import Actor, Display, eventually, staged

pytestmark = pytest.mark.display

SIZE = (640, 400)
#: Of changes, at cells: one inside, one at the right and lower edge.
INSIDE, CORNER = (160, 96, 64, 48), (608, 384, 32, 16)
#: Of windows larger and smaller than the desktop in both ways or one, and of odd sizes.
WINDOWS = [(800, 600), (901, 401), (333, 207), (500, 600), (640, 400)]


def begin(display: Display, actor: Actor) -> None:
    """A running session whose desktop, card 1, has come exact."""
    actor.order("layout", width=SIZE[0], height=SIZE[1])
    actor.order("status", stage="running")
    actor.show(1, SIZE, seed=1, exact=True)
    display.move(display.size[0] - 1, display.size[1] - 1)
    actor.settle()


def beside(painted: list[tuple[int, int, int, int]], rect: tuple[int, int, int, int], seam: int) -> list[object]:
    """What was painted outside a rectangle, and outside a seam around it."""
    x, y, width, height = rect
    return [
        one
        for one in painted
        if one[0] < x - seam
        or one[1] < y - seam
        or one[0] + one[2] > x + width + seam
        or one[1] + one[3] > y + height + seam
    ]


def test_exact_pixels_arrive_unchanged_and_nothing_else_is_painted() -> None:
    with staged(*SIZE, fullscreen=True) as (display, actor):
        begin(display, actor)
        shown = pictures.card(*SIZE, seed=1)
        eventually(lambda: np.array_equal(display.grab(), shown), "all pixels are those that came")
        for number, rect in enumerate((INSIDE, CORNER), 2):
            x, y, width, height = rect
            part = np.s_[y : y + height, x : x + width]
            with display.painted() as painted:
                actor.show(number, SIZE, seed=number, dirty=[rect], exact=True)
                actor.settle()
            assert painted and not beside(painted, rect, 0)
            shown = shown.copy()
            shown[part] = pictures.card(*SIZE, seed=number)[part]
            assert np.array_equal(display.grab(), shown)


def test_two_changes_far_apart_paint_nothing_between_them() -> None:
    with staged(*SIZE, fullscreen=True) as (display, actor):
        begin(display, actor)
        with display.painted() as painted:
            actor.show(2, SIZE, seed=2, dirty=[INSIDE, CORNER], exact=True)
            actor.settle()
        assert sum(width * height for _, _, width, height in painted) == 64 * 48 + 32 * 16


def test_an_exact_picture_stays_right_when_the_window_is_resized() -> None:
    """Where it is scaled, too, what a change paints is what a window that paints everything shows."""
    with staged(1000, 700) as (display, actor):
        begin(display, actor)
        for number, (width, height) in enumerate(WINDOWS, 2):
            display.resize(width, height)
            actor.settle()
            actor.show(number, SIZE, seed=number, dirty=[INSIDE], exact=True)
            actor.settle()
            partly = display.grab(0, 0, width, height)
            display.resize(width + 1, height + 1)
            actor.settle()
            display.resize(width, height)
            actor.settle()
            wholly = display.grab(0, 0, width, height)
            assert np.array_equal(partly, wholly), (width, height)


def test_pixel_for_pixel_survives_every_size_of_the_window() -> None:
    with staged(1000, 700) as (display, actor):
        begin(display, actor)
        display.resize(*SIZE)
        actor.settle()
        card = pictures.card(*SIZE, seed=1)
        eventually(lambda: np.array_equal(display.grab(0, 0, *SIZE), card), "one pixel is one pixel")


def test_a_desktop_of_another_size_is_seen_as_it_was_until_it_has_come() -> None:
    with staged(*SIZE, fullscreen=True) as (display, actor):
        begin(display, actor)
        width, height = SIZE[0] - 40, SIZE[1]
        actor.show(2, (width, height), seed=2, dirty=[INSIDE], exact=True)
        x, y, wide, high = INSIDE
        expected = pictures.card(*SIZE, seed=1)[:, :width].copy()
        expected[y : y + high, x : x + wide] = pictures.card(width, height, seed=2)[y : y + high, x : x + wide]
        eventually(lambda: np.array_equal(display.grab(20, 0, width, height), expected), "what has come, and what was")
