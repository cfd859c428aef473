"""Hands: keys by their place with the text they make, coalesced movements, and nothing left held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent

from avl_protocol.wire.registry import InputKind, Modifier
from avl_viewer.input.hands import Hands
from avl_viewer.input.scancodes import KERNEL, usage

MOVE, BUTTON, WHEEL, KEY, TEXT = (
    int(kind) for kind in (InputKind.MOVE, InputKind.BUTTON, InputKind.WHEEL, InputKind.KEY, InputKind.TEXT)
)
CONTROL, SHIFT, ALT = int(Modifier.CONTROL), int(Modifier.SHIFT), int(Modifier.ALT)
NONE = Qt.KeyboardModifier.NoModifier


class Recorder:
    """Hands whose rows are kept; the desktop is half as large as the window."""

    def __init__(self, platform: str = "xcb") -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.batches = 0
        self.deferred = 0
        self.hands = Hands(self._send, lambda p: (int(p.x() / 2), int(p.y() / 2)), self._defer, platform)

    def _send(self, rows: list[tuple[Any, ...]]) -> None:
        self.batches += 1
        self.rows += rows

    def _defer(self) -> None:
        self.deferred += 1

    def key(
        self,
        code: int,
        down: bool = True,
        text: str = "",
        key: Qt.Key = Qt.Key.Key_unknown,
        modifiers: Qt.KeyboardModifier = NONE,
        native: int = 0,
        repeat: bool = False,
    ) -> None:
        kind = QEvent.Type.KeyPress if down else QEvent.Type.KeyRelease
        self.hands.key(QKeyEvent(kind, key, modifiers, code + 8, 0, native, text, repeat), down)

    def taken(self) -> list[tuple[Any, ...]]:
        rows, self.rows = self.rows, []
        return rows


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    yield Recorder()


def test_a_key_travels_by_its_place_with_the_text_it_made(recorder: Recorder) -> None:
    recorder.key(21, text="z")  # where US keyboards have Y
    recorder.key(21, down=False, text="z")
    assert recorder.rows == [(KEY, 0x1C, True, 0, "z"), (KEY, 0x1C, False, 0, "")]
    assert all(type(value) in (int, bool, str) for row in recorder.rows for value in row)


def test_text_that_cannot_be_printed_is_left_out(recorder: Recorder) -> None:
    recorder.key(46, text="\x03", modifiers=Qt.KeyboardModifier.ControlModifier)
    recorder.key(28, text="\r")
    assert [row[4] for row in recorder.rows] == ["", ""]


def test_a_held_key_is_not_repeated(recorder: Recorder) -> None:
    recorder.key(30, text="a")
    for _ in range(3):
        recorder.key(30, text="a", repeat=True)
        recorder.key(30, down=False, text="a", repeat=True)
        recorder.key(30, text="a")
    recorder.key(30, down=False)
    recorder.key(30, down=False)
    assert [row[2] for row in recorder.rows] == [True, False]


def test_modifiers_are_those_after_the_event(recorder: Recorder) -> None:
    held = Qt.KeyboardModifier.ControlModifier
    recorder.key(29)
    recorder.key(42, modifiers=held)
    recorder.key(30, modifiers=held | Qt.KeyboardModifier.ShiftModifier)
    recorder.key(42, down=False, modifiers=held | Qt.KeyboardModifier.ShiftModifier)
    recorder.key(29, down=False, modifiers=held)
    assert [row[3] for row in recorder.rows] == [CONTROL, CONTROL | SHIFT, CONTROL | SHIFT, CONTROL, 0]


def test_one_of_two_shift_keys_going_up_leaves_shift_on(recorder: Recorder) -> None:
    recorder.key(42)
    recorder.key(54, modifiers=Qt.KeyboardModifier.ShiftModifier)
    recorder.key(42, down=False, modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert [row[3] for row in recorder.rows] == [SHIFT, SHIFT, SHIFT]


@pytest.mark.parametrize(
    ("platform", "native", "expected"),
    [
        ("xcb", 0x02, Modifier.CAPS_LOCK),
        ("xcb", 0x10, Modifier.NUM_LOCK),
        ("windows", 0x400, Modifier.SCROLL_LOCK),
        ("cocoa", 1 << 16, Modifier.CAPS_LOCK),
        ("offscreen", 0xFF, Modifier(0)),
    ],
)
def test_locks_are_read_from_the_platform(platform: str, native: int, expected: Modifier) -> None:
    recorder = Recorder(platform)
    recorder.key(30, key=Qt.Key.Key_A, text="A", native=native)
    assert recorder.rows[0][3] == int(expected)


def test_altgr_is_a_level_shift_and_right_alt_is_alt(recorder: Recorder) -> None:
    recorder.key(100, key=Qt.Key.Key_AltGr)
    recorder.key(16, text="@", native=0x80)
    recorder.key(100, key=Qt.Key.Key_AltGr, down=False, native=0x80)
    assert [row[3] for row in recorder.taken()] == [int(Modifier.ALTGR), int(Modifier.ALTGR), 0]
    recorder.key(100, key=Qt.Key.Key_Alt)
    assert recorder.rows[0][3] == ALT


def test_a_key_that_nobody_knows_still_makes_its_text(recorder: Recorder) -> None:
    recorder.key(240, text="§")
    recorder.key(240, down=False)
    assert recorder.rows == [(TEXT, "§")]


def test_input_methods_send_text_and_nothing_when_they_have_none(recorder: Recorder) -> None:
    recorder.hands.commit("漢字")
    recorder.hands.commit("")
    assert recorder.rows == [(TEXT, "漢字")]


def test_movements_of_one_turn_become_one(recorder: Recorder) -> None:
    for x in range(0, 100, 10):
        recorder.hands.move(QPointF(x, 40))
    assert (recorder.deferred, recorder.rows) == (1, [])
    recorder.hands.flush()
    recorder.hands.flush()
    assert recorder.rows == [(MOVE, 45, 20)]
    recorder.hands.move(QPointF(90.5, 40))
    assert recorder.deferred == 1, "the pointer is still over the same desktop pixel"


def test_a_click_leaves_at_once_after_the_movement_before_it(recorder: Recorder) -> None:
    recorder.hands.move(QPointF(10, 10))
    recorder.hands.button(Qt.MouseButton.RightButton, True, QPointF(20, 20))
    recorder.hands.button(Qt.MouseButton.RightButton, False, QPointF(20, 20))
    assert recorder.rows == [(MOVE, 10, 10), (BUTTON, 3, True), (BUTTON, 3, False)]
    assert recorder.batches == 2


@pytest.mark.parametrize(
    ("button", "number"),
    [("LeftButton", 1), ("MiddleButton", 2), ("RightButton", 3), ("BackButton", 8), ("ForwardButton", 9)],
)
def test_buttons_are_numbered_as_x11_does(button: str, number: int) -> None:
    recorder = Recorder()
    recorder.hands.button(Qt.MouseButton[button], True, QPointF(0, 0))
    assert recorder.rows[-1] == (BUTTON, number, True)


def wheel(x: int, y: int, modifiers: Qt.KeyboardModifier = NONE) -> QWheelEvent:
    return QWheelEvent(
        QPointF(4, 4),
        QPointF(4, 4),
        QPoint(),
        QPoint(x, y),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )


def test_the_wheel_is_positive_to_the_right_and_down(recorder: Recorder) -> None:
    recorder.hands.wheel(wheel(0, -120))
    recorder.hands.wheel(wheel(-120, 0))
    recorder.hands.wheel(wheel(0, 30))
    assert [row for row in recorder.rows if row[0] == WHEEL] == [(WHEEL, 0, 120), (WHEEL, 120, 0), (WHEEL, 0, -30)]


def test_alt_does_not_turn_the_wheel_sideways(recorder: Recorder) -> None:
    recorder.hands.wheel(wheel(-120, 0, Qt.KeyboardModifier.AltModifier))
    assert recorder.rows[-1] == (WHEEL, 0, 120)


def test_letting_go_is_said_once_and_only_when_something_is_held(recorder: Recorder) -> None:
    recorder.hands.release_all()
    assert recorder.rows == []
    recorder.key(29)
    recorder.hands.button(Qt.MouseButton.LeftButton, True, QPointF(0, 0))
    assert recorder.hands.holding
    recorder.hands.release_all()
    recorder.key(29, down=False)
    recorder.hands.button(Qt.MouseButton.LeftButton, False, QPointF(0, 0))
    assert [row[0] for row in recorder.rows].count(int(InputKind.RELEASE_ALL)) == 1
    assert recorder.rows[-1] == (int(InputKind.RELEASE_ALL),)
    assert not recorder.hands.holding


def test_a_combination_is_pressed_in_order_and_released_in_reverse(recorder: Recorder) -> None:
    recorder.hands.combination((0xE0, 0xE2, 0x4C))
    assert recorder.batches == 1
    assert recorder.rows == [
        (KEY, 0xE0, True, CONTROL, ""),
        (KEY, 0xE2, True, CONTROL | ALT, ""),
        (KEY, 0x4C, True, CONTROL | ALT, ""),
        (KEY, 0x4C, False, CONTROL | ALT, ""),
        (KEY, 0xE2, False, CONTROL, ""),
        (KEY, 0xE0, False, 0, ""),
    ]


def test_no_two_keys_have_one_usage_and_other_platforms_go_by_name() -> None:
    assert len(set(KERNEL.values())) == len(KERNEL)
    assert set(range(0x04, 0x64)) - {0x32} <= set(KERNEL.values()), "a key of an ordinary keyboard is missing"
    assert usage("windows", 999, int(Qt.Key.Key_Q)) == 0x14
    assert usage("xcb", 24, int(Qt.Key.Key_A)) == 0x14
    assert usage("xcb", 999, int(Qt.Key.Key_unknown)) is None
