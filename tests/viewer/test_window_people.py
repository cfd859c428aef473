"""The native window with others at the same desktop: pointers, drawings and control, on a real X server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from avl_protocol.wire.registry import InputKind
from avl_viewer.present.overlay import COLOURS
from tests.viewer import pictures
from tests.viewer.stage import Actor, Display, eventually, staged

pytestmark = pytest.mark.display

SIZE = (1280, 800)
EVERYTHING, DRAWS = 63, 33
MOVE, KEY, RELEASE_ALL = int(InputKind.MOVE), int(InputKind.KEY), int(InputKind.RELEASE_ALL)
CTRL, ALT, SHIFT, A, C, D = 29, 56, 42, 30, 46, 32
REQUEST, RELEASE = 1, 2
HOSTILE = "<b>&Bo</b>\x1b[2J\u202e"
PEOPLE = [[1, "Ada", EVERYTHING, 0], [2, HOSTILE, EVERYTHING, 0]]


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Display, Actor]]:
    with staged(*SIZE, fullscreen=True, permissions=EVERYTHING, stay=1500) as (display, actor):
        actor.order("layout", width=SIZE[0], height=SIZE[1])
        actor.order("status", stage="running")
        actor.show(1, SIZE)
        yield display, actor


@pytest.fixture
def live(stage: tuple[Display, Actor]) -> tuple[Display, Actor]:
    """The shared window with the card alone, two people at the desktop, and everybody in control."""
    display, actor = stage
    display.move(1200, 700)
    actor.order("cleared")
    actor.order("company", people=PEOPLE)
    actor.show(1, SIZE)
    eventually(lambda: pictures.psnr(display.grab(), pictures.card(*SIZE)) > 45, "the card alone is on the screen")
    actor.settle()
    return display, actor


def painted(display: Display, person: int) -> np.ndarray[Any, Any]:
    """Where this person's colour is, as (y, x)."""
    wanted = [int(COLOURS[person][at : at + 2], 16) for at in (1, 3, 5)]
    return np.argwhere((np.abs(display.grab().astype(int) - wanted) < 6).all(axis=2))


def test_others_pointers_and_strokes_are_drawn_and_fade(live: tuple[Display, Actor]) -> None:
    display, actor = live
    before = len(painted(display, 2))
    actor.order("points", rows=[[2, 400, 300, 0]])
    actor.order("drawn", person=2, stroke=1, points=[[100, 500], [300, 500], [300, 600]])
    eventually(lambda: len(painted(display, 2)) > before + 1500, "an arrow, a name and a line")
    places = painted(display, 2)
    assert [500, 200] in places.tolist() and [550, 300] in places.tolist()
    assert ((abs(places[:, 0] - 305) < 12) & (abs(places[:, 1] - 403) < 12)).any()
    actor.order("cleared", person=2)
    eventually(
        lambda: pictures.psnr(display.grab(), pictures.card(*SIZE)) > 45, "wiped away, and the pointer has faded"
    )


def test_a_picture_that_comes_below_leaves_a_stroke_on_top(live: tuple[Display, Actor]) -> None:
    display, actor = live
    actor.order("drawn", person=3, stroke=1, points=[[100, 100], [600, 100]])
    eventually(lambda: [100, 300] in painted(display, 3).tolist(), "a line")
    actor.show(2, SIZE, seed=2)
    eventually(lambda: [100, 300] in painted(display, 3).tolist(), "the line lies over the new picture")


def test_where_somebody_else_has_control_nothing_is_sent_and_a_person_is_told(live: tuple[Display, Actor]) -> None:
    display, actor = live
    actor.order("company", people=PEOPLE, mode=1, holder=2)
    eventually(lambda: "has control." in actor.toast(), "who has control")
    assert "<b>&Bo</b>\\x1b[2J\\u202e has control." in actor.toast(), "a name is text"
    display.tap(A)
    display.move(600, 300)
    display.click()
    assert [row for row in actor.settle() if row[0] != RELEASE_ALL] == []
    assert "Ctrl+Alt+Shift+C asks for it" in actor.toast()
    display.tap(CTRL, ALT, SHIFT, C)
    assert actor.hear("control") == REQUEST
    actor.order("company", people=[[1, "Ada", EVERYTHING, 0], *PEOPLE[1:]], mode=1, holder=1)
    eventually(lambda: "You have control." in actor.toast(), "control is ours")
    display.tap(A)
    assert [KEY, 0x04, True, 0, "a"] in actor.until([KEY, 0x04, False, 0, ""])
    display.tap(CTRL, ALT, SHIFT, C)
    assert actor.hear("control") == RELEASE


def test_a_pen_draws_points_and_wipes_and_the_desktop_is_left_alone(live: tuple[Display, Actor]) -> None:
    display, actor = live
    display.tap(CTRL, ALT, SHIFT, D)
    actor.settle()
    actor.order("tell_points", wanted=True)
    display.move(300, 300)
    assert actor.hear("point") == [300, 300, True]
    display.button(1, True)
    assert actor.hear("draw") == [[300, 300]]
    display.move(310, 305)
    assert actor.hear("draw") == [[310, 305]]
    display.button(1, False)
    display.click(3)
    assert actor.hear("wipe") is False
    actor.order("tell_points", wanted=False)
    assert actor.settle() == [], "no input"
    display.tap(CTRL, ALT, SHIFT, D)
    actor.settle()
    display.move(320, 320)
    assert actor.until([MOVE, 320, 320])
