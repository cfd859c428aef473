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
        self.watched = False
        self.hands = Hands(
            send=self._send,
            to_desktop=lambda p: (int(p.x() / 2), int(p.y() / 2)),
            defer=self._defer,
            watch=self._watch,
            platform=platform,
        )

    def _send(self, rows: list[tuple[Any, ...]]) -> None:
        self.batches += 1
        self.rows += rows

    def _defer(self) -> None:
        self.deferred += 1

    def _watch(self, wanted: bool) -> None:
        self.watched = wanted

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
    recorder.key(46, text="\x03")
    recorder.key(28, text="\r")
    assert [row[4] for row in recorder.rows] == ["", ""]


def test_a_held_key_is_not_repeated(recorder: Recorder) -> None:
    recorder.key(30, text="a")
    for _ in range(3):
        recorder.key(30, text="a", repeat=True)
        recorder.key(30, down=False, text="a", repeat=True)
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


def released(recorder: Recorder) -> list[int]:
    return [row[1] for row in recorder.rows if row[0] == KEY and not row[2]]


def test_a_shift_that_a_later_key_says_is_up_is_let_go_of_before_that_key(recorder: Recorder) -> None:
    recorder.key(42)
    recorder.key(15, key=Qt.Key.Key_Tab)
    assert recorder.rows[1:] == [(KEY, 0xE1, False, 0, ""), (KEY, 0x2B, True, 0, "")]


@pytest.mark.parametrize("code", [29, 42, 56])
def test_the_pointer_tells_of_a_lost_release_too(code: int, recorder: Recorder) -> None:
    recorder.key(code)
    flag = {29: "ControlModifier", 42: "ShiftModifier", 56: "AltModifier"}[code]
    recorder.hands.evidence(Qt.KeyboardModifier[flag])
    assert len(recorder.taken()) == 1
    recorder.hands.evidence(NONE)
    recorder.hands.evidence(NONE)
    assert recorder.rows == [(KEY, KERNEL[code], False, 0, "")]


def test_meta_is_let_go_of_only_where_the_system_is_known_to_tell_of_it(recorder: Recorder) -> None:
    recorder.key(125)
    recorder.key(38, text="l")
    assert released(recorder) == [], "no modifier of this keyboard's"
    recorder.key(38, down=False, modifiers=Qt.KeyboardModifier.MetaModifier)
    recorder.key(30, text="a")
    assert released(recorder) == [0x0F, 0xE3]


def test_altgr_is_let_go_of_by_a_key_that_says_so_and_not_by_the_pointer_that_cannot(recorder: Recorder) -> None:
    recorder.key(100, key=Qt.Key.Key_AltGr)
    recorder.hands.evidence(NONE)
    recorder.key(16, text="@", native=0x80)
    recorder.key(16, down=False, native=0x80)
    assert released(recorder) == [0x14]
    recorder.key(16, text="q")
    assert released(recorder) == [0x14, 0xE6] and recorder.rows[-1] == (KEY, 0x14, True, 0, "q")


def test_a_key_that_goes_down_twice_went_up_between(recorder: Recorder) -> None:
    recorder.key(30, text="a")
    recorder.key(30, text="a")
    assert [row[2] for row in recorder.rows] == [True, False, True]


def test_a_key_that_is_neither_repeated_nor_released_is_let_go_of_and_pressed_again_when_it_is(
    recorder: Recorder,
) -> None:
    recorder.key(30, text="a")
    assert recorder.watched
    recorder.hands.silent()
    recorder.hands.silent()
    assert [row[2] for row in recorder.rows] == [True, False] and not recorder.watched
    recorder.key(48, text="b", repeat=True)
    assert len(recorder.taken()) == 2, "a key that went down elsewhere is not ours"
    recorder.key(30, text="a", repeat=True)  # a slow keyboard
    assert [row[2] for row in recorder.taken()] == [True] and recorder.watched
    recorder.key(42)
    assert recorder.watched, "a modifier ends no repetition"
    recorder.key(30, down=False, modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert not recorder.watched
    recorder.taken()
    recorder.hands.places = True
    recorder.key(17, text="w")
    recorder.hands.silent()
    assert recorder.rows[-1][1:3] == (0x1A, True), "games hold keys that nobody repeats"


@pytest.mark.parametrize(
    ("key", "shift", "lock"),
    [("Key_1", False, True), ("Key_End", False, False), ("Key_End", True, True), ("Key_1", True, False)],
)
def test_a_key_of_the_keypad_is_that_key_with_num_lock_as_its_meaning_was(key: str, shift: bool, lock: bool) -> None:
    recorder = Recorder()
    modifiers = Qt.KeyboardModifier.KeypadModifier
    if shift:
        recorder.key(42)
        modifiers |= Qt.KeyboardModifier.ShiftModifier
    recorder.key(79, key=Qt.Key[key], text="1" if key == "Key_1" else "", modifiers=modifiers, native=0x10)
    expected = (SHIFT if shift else 0) | (int(Modifier.NUM_LOCK) if lock else 0)
    assert recorder.rows[-1] == (KEY, 0x59, True, expected, "")


def test_operators_of_the_keypad_are_keys_and_no_text(recorder: Recorder) -> None:
    for code, text in ((78, "+"), (74, "-"), (55, "*"), (98, "/"), (96, "\r"), (121, ",")):
        recorder.key(code, text=text)
        recorder.key(code, down=False)
    pressed = [row for row in recorder.rows if row[2]]
    assert [row[1] for row in pressed] == [0x57, 0x56, 0x55, 0x54, 0x58, 0x85]
    assert {row[4] for row in pressed} == {""}


@pytest.mark.parametrize("platform", ["windows", "cocoa"])
def test_the_keypad_is_known_where_keys_have_no_kernel_s_code(platform: str) -> None:
    assert usage(platform, 1, int(Qt.Key.Key_1), True) == 0x59
    assert usage(platform, 1, int(Qt.Key.Key_1)) == 0x1E
    assert usage(platform, 1, int(Qt.Key.Key_Home), True) == 0x5F
    assert usage(platform, 1, int(Qt.Key.Key_Up), True) == (0x52 if platform == "cocoa" else 0x60)


def test_with_control_alt_or_meta_the_letter_of_the_viewer_s_layout_travels(recorder: Recorder) -> None:
    control = Qt.KeyboardModifier.ControlModifier
    recorder.key(29)
    recorder.key(16, key=Qt.Key.Key_A, text="\x01", modifiers=control)  # Q on a US keyboard
    recorder.key(39, key=Qt.Key(ord("Ö")), modifiers=control)
    recorder.key(42, modifiers=control)
    recorder.key(44, key=Qt.Key.Key_W, modifiers=control | Qt.KeyboardModifier.ShiftModifier)
    recorder.key(1, key=Qt.Key.Key_Escape, text="\x1b", modifiers=control | Qt.KeyboardModifier.ShiftModifier)
    assert [row[4] for row in recorder.rows if row[2]] == ["", "a", "ö", "", "W", ""]
    recorder.hands.release_all()
    recorder.taken()
    recorder.key(56)
    recorder.key(33, text="f", key=Qt.Key.Key_F, modifiers=Qt.KeyboardModifier.AltModifier)
    assert recorder.rows[-1] == (KEY, 0x09, True, ALT, "f")


def test_keys_by_place_carry_no_text(recorder: Recorder) -> None:
    recorder.hands.places = True
    recorder.key(16, text="a", key=Qt.Key.Key_A)
    recorder.key(29)
    recorder.key(30, text="\x11", key=Qt.Key.Key_Q, modifiers=Qt.KeyboardModifier.ControlModifier)
    assert [row[4] for row in recorder.rows] == ["", "", ""]


def test_a_combination_of_the_toolbar_means_its_letter(recorder: Recorder) -> None:
    recorder.hands.combination((0xE3, 0x0F))
    assert recorder.rows[1] == (KEY, 0x0F, True, int(Modifier.META), "l")


def test_no_two_keys_have_one_usage_and_other_platforms_go_by_name() -> None:
    assert len(set(KERNEL.values())) == len(KERNEL)
    assert set(range(0x04, 0x64)) - {0x32} <= set(KERNEL.values()), "a key of an ordinary keyboard is missing"
    assert usage("windows", 999, int(Qt.Key.Key_Q)) == 0x14
    assert usage("xcb", 24, int(Qt.Key.Key_A)) == 0x14
    assert usage("xcb", 999, int(Qt.Key.Key_unknown)) is None
