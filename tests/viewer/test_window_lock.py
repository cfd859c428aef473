"""The pointer caught in the native window, on a real X server: only its movements count, and there is a way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from avl_protocol.wire.registry import InputDevice, InputKind
from tests.viewer.stage import Actor, Display, eventually, staged

pytestmark = pytest.mark.display

SIZE = (1280, 800)
MOVE, BUTTON, BY = (int(kind) for kind in (InputKind.MOVE, InputKind.BUTTON, InputKind.MOVE_BY))
#: Ctrl, Alt, Shift and L by the kernel's key codes.
LOCK = (29, 56, 42, 38)


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Display, Actor]]:
    with staged(*SIZE, fullscreen=True) as (display, actor):
        actor.order("layout", width=SIZE[0], height=SIZE[1])
        actor.order("status", stage="running")
        actor.order("devices", devices=int(InputDevice.RELATIVE))
        actor.show(1, SIZE)
        display.move(640, 400)
        actor.settle()
        yield display, actor


def moved(rows: list[list[int]]) -> tuple[int, int]:
    by = [row for row in rows if row[0] == BY]
    return sum(row[1] for row in by), sum(row[2] for row in by)


def lock(display: Display, actor: Actor) -> None:
    display.tap(*LOCK)
    actor.settle()


def test_movements_travel_without_an_end_and_none_is_lost(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    display.move(600, 300)
    actor.settle()
    lock(display, actor)
    eventually(lambda: display.pointer() == (639, 399) or display.pointer() == (640, 400), "it is kept in the middle")
    rows = []
    for _ in range(40):
        display.move_by(60, -11)
        rows += actor.settle()
    display.button(1, True)
    display.button(1, False)
    rows += actor.settle()
    assert moved(rows) == (2400, -440), "far beyond the edge of the screen"
    assert [row for row in rows if row[0] == MOVE] == []
    assert [row for row in rows if row[0] == BUTTON] == [[BUTTON, 1, True], [BUTTON, 1, False]]
    assert not display.shown_cursor()
    lock(display, actor)
    display.move(10, 20)
    assert actor.settle()[-1] == [MOVE, 10, 20]


def test_a_burst_of_movements_adds_up(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    lock(display, actor)
    for _ in range(25):
        display.move_by(9, 4)
        display.move_by(-2, 0)
    assert moved(actor.settle() + actor.settle()) == (175, 100)
    lock(display, actor)


def test_the_hosts_pointer_moves_along_while_it_is_shown(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    actor.order("cursor", width=16, height=16)
    display.move(100, 100)
    actor.settle()
    lock(display, actor)
    eventually(lambda: display.pixel(104, 104) == (255, 32, 32), "where it was")
    display.move_by(50, 30)
    actor.settle()
    eventually(lambda: display.pixel(154, 134) == (255, 32, 32), "where it was moved to")
    actor.order("cursor", width=0, height=0)
    eventually(lambda: display.pixel(154, 134) != (255, 32, 32), "the program there has hidden it")
    lock(display, actor)


def test_it_is_free_when_the_keyboard_or_the_session_is_gone(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    lock(display, actor)
    focused = display.focus(0)
    eventually(lambda: "free" in actor.toast(), "the window knows that the keyboard is gone")
    actor.settle()
    display.move(50, 60)
    assert actor.settle()[-1] == [MOVE, 50, 60]
    display.focus(focused)
    actor.settle()
    lock(display, actor)
    actor.order("status", stage="stale", text="The host is not heard.")
    actor.settle()
    actor.order("status", stage="running")
    actor.settle()
    display.move(70, 80)
    assert actor.settle()[-1] == [MOVE, 70, 80]


def test_it_is_offered_where_the_host_shows_no_pointer_and_not_twice_in_a_row(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    actor.order("cursor", width=0, height=0)
    actor.settle()
    display.click(1)
    eventually(lambda: "Ctrl+Alt+Shift+L" in actor.toast(), "the lock is offered")
    lock(display, actor)
    assert "locked" in actor.toast() and "lets it go" in actor.toast()
    lock(display, actor)
    assert "free" in actor.toast()
    display.click(1)
    assert "free" in actor.toast(), "it was offered just now"


def test_a_host_that_takes_no_movements_is_told_of(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    actor.order("devices", devices=0)
    lock(display, actor)
    assert "Update avl there" in actor.toast()
    display.move(30, 40)
    assert actor.settle()[-1] == [MOVE, 30, 40]
    actor.order("devices", devices=int(InputDevice.RELATIVE))
