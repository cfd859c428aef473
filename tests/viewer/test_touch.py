"""Fingers and pens on the window become input events; the pointer that is caught becomes movements."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEventPoint, QInputDevice, QPointingDevice, QTabletEvent, QTouchEvent

from avl_protocol.wire.registry import InputDevice, InputKind, Modifier, PenState, TouchPhase
from avl_viewer.input.caught import Caught
from avl_viewer.input.hands import Hands
from avl_viewer.input.touch import Touch

MOVE, BUTTON, WHEEL, KEY, BY, TOUCH, PEN = (
    int(kind)
    for kind in (
        InputKind.MOVE,
        InputKind.BUTTON,
        InputKind.WHEEL,
        InputKind.KEY,
        InputKind.MOVE_BY,
        InputKind.TOUCH,
        InputKind.PEN,
    )
)
State = QEventPoint.State
_DEVICES: list[QPointingDevice] = []


def device(kind: QInputDevice.DeviceType, pointer: QPointingDevice.PointerType) -> QPointingDevice:
    """A touchscreen or pen."""
    can = QInputDevice.Capability.Position | QInputDevice.Capability.Pressure
    made = QPointingDevice("test", 1, kind, pointer, can, 10, 3)
    _DEVICES.append(made)  # events refer to it, and do not keep it
    return made


@dataclass
class Told:
    """A touch event as Qt delivers one; nobody else can say where its points are in the window."""

    kind: QEvent.Type
    rows: tuple[tuple[int, State, float, float], ...]

    def type(self) -> QEvent.Type:
        return self.kind

    def points(self) -> list[Any]:
        return [point(*row) for row in self.rows]


def point(number: int, state: State, x: float, y: float) -> Any:
    return SimpleNamespace(id=lambda: number, state=lambda: state, position=lambda: QPointF(x, y))


class Fingers:
    """Fingers over a window; the desktop is half as large. Time is told."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.wanted: float | None = None
        self.now = 0.0
        self.pannable = False
        self.panned: list[tuple[float, float]] = []
        self.touch = Touch(
            send=self.rows.extend,
            to_desktop=lambda at: (int(at.x() / 2), int(at.y() / 2)),
            view=self,
            watch=self._watch,
            now=lambda: self.now,
        )

    def pan(self, dx: float, dy: float) -> None:
        self.panned.append((dx, dy))

    def _watch(self, seconds: float | None) -> None:
        self.wanted = seconds

    def tell(self, kind: QEvent.Type, *points: tuple[int, State, float, float]) -> None:
        self.touch.touch(cast(QTouchEvent, Told(kind, points)))

    def take(self) -> list[tuple[Any, ...]]:
        rows = list(self.rows)
        self.rows.clear()
        return rows


@pytest.fixture
def fingers() -> Fingers:
    return Fingers()


BEGIN, UPDATE, END, CANCEL = (
    QEvent.Type.TouchBegin,
    QEvent.Type.TouchUpdate,
    QEvent.Type.TouchEnd,
    QEvent.Type.TouchCancel,
)


def test_a_tap_clicks_and_a_long_press_clicks_right(fingers: Fingers) -> None:
    fingers.tell(BEGIN, (0, State.Pressed, 100, 60))
    assert fingers.wanted == 0.5
    fingers.tell(END, (0, State.Released, 100, 60))
    assert fingers.take() == [(MOVE, 50, 30), (BUTTON, 1, True), (BUTTON, 1, False)] and fingers.wanted is None
    fingers.tell(BEGIN, (0, State.Pressed, 10, 10))
    fingers.now = 0.5
    fingers.touch.timeout()
    assert fingers.take() == [(MOVE, 5, 5), (BUTTON, 3, True), (BUTTON, 3, False)]


def test_a_pinch_holds_control_and_another_finger_or_the_system_ends_it(fingers: Fingers) -> None:
    fingers.tell(BEGIN, (0, State.Pressed, 100, 100), (1, State.Pressed, 200, 100))
    fingers.tell(UPDATE, (0, State.Updated, 50, 100), (1, State.Updated, 250, 100))
    fingers.tell(CANCEL)
    assert fingers.take() == [
        (MOVE, 75, 50),
        (KEY, 0xE0, True, int(Modifier.CONTROL), ""),
        (WHEEL, 0, -480),
        (KEY, 0xE0, False, 0, ""),
    ]


def test_two_fingers_move_a_desktop_that_is_larger_than_the_window(fingers: Fingers) -> None:
    fingers.pannable = True
    fingers.tell(BEGIN, (0, State.Pressed, 100, 100), (1, State.Pressed, 200, 100))
    fingers.tell(UPDATE, (0, State.Updated, 120, 100), (1, State.Updated, 220, 100))
    assert fingers.take() == [] and fingers.panned == [(20, 0)]


def test_fingers_travel_as_such_only_where_the_host_takes_them_and_somebody_wants_it(fingers: Fingers) -> None:
    fingers.touch.direct = True
    fingers.tell(BEGIN, (0, State.Pressed, 100, 100))
    fingers.tell(END, (0, State.Released, 100, 100))
    assert fingers.take()[0] == (MOVE, 50, 50)
    fingers.touch.devices = InputDevice.TOUCH
    fingers.tell(BEGIN, (3, State.Pressed, 100, 100), (4, State.Pressed, 20, 20))
    fingers.tell(UPDATE, (3, State.Updated, 100.5, 100), (4, State.Updated, 24, 20))
    fingers.tell(UPDATE, (3, State.Stationary, 100.5, 100), (4, State.Released, 24, 20))
    fingers.touch.release_all()
    assert fingers.take() == [
        (TOUCH, 3, int(TouchPhase.BEGIN), 50, 50),
        (TOUCH, 4, int(TouchPhase.BEGIN), 10, 10),
        (TOUCH, 4, int(TouchPhase.MOVE), 12, 10),
        (TOUCH, 4, int(TouchPhase.END), 12, 10),
        (TOUCH, 3, int(TouchPhase.END), 50, 50),
    ]


def pen(
    fingers: Fingers, buttons: Qt.MouseButton, pressure: float, kind: QPointingDevice.PointerType, tilt: float = 0
) -> bool:
    event = QTabletEvent(
        QEvent.Type.TabletMove,
        device(QInputDevice.DeviceType.Stylus, kind),
        QPointF(40, 60),
        QPointF(40, 60),
        pressure,
        tilt,
        0.0,
        0.0,
        0.0,
        0.0,
        Qt.KeyboardModifier.NoModifier,
        Qt.MouseButton.LeftButton,
        buttons,
    )
    return fingers.touch.tablet(event)


def test_a_pen_tells_pressure_and_tilt_where_the_host_takes_one(fingers: Fingers) -> None:
    kinds = QPointingDevice.PointerType
    assert not pen(fingers, Qt.MouseButton.LeftButton, 0.5, kinds.Pen), "Qt makes a mouse of it"
    fingers.touch.devices = InputDevice.PEN
    assert pen(fingers, Qt.MouseButton.NoButton, 0.2, kinds.Pen)
    assert pen(fingers, Qt.MouseButton.NoButton, 0.2, kinds.Pen)
    assert pen(fingers, Qt.MouseButton.LeftButton, 0.5, kinds.Pen, tilt=-20.4)
    assert pen(fingers, Qt.MouseButton.LeftButton, 1.0, kinds.Eraser)
    fingers.touch.leave()
    fingers.touch.leave()
    near = int(PenState.NEAR)
    assert fingers.take() == [
        (PEN, 20, 30, 0, 0, 0, near),
        (PEN, 20, 30, 32768, -20, 0, near | PenState.TIP),
        (PEN, 20, 30, 65535, 0, 0, near | PenState.TIP | PenState.ERASER),
        (PEN, 20, 30, 0, 0, 0, 0),
    ]


class Pointer:
    """The double of this machine's pointer: it is put back later than it is asked for."""

    def __init__(self) -> None:
        self.puts: list[QPointF] = []

    def middle(self) -> QPointF:
        return QPointF(500, 400)

    def reach(self) -> float:
        return 100.0

    def put(self, place: QPointF) -> None:
        self.puts.append(place)


def test_what_was_under_way_when_the_pointer_was_put_back_counts_from_where_it_was() -> None:
    pointer = Pointer()
    moves: list[tuple[float, float]] = []
    caught = Caught(pointer, lambda dx, dy: moves.append((dx, dy)))
    caught.start(QPointF(100, 100))
    caught.at(QPointF(104, 100))
    caught.at(QPointF(500, 400))
    assert moves == [(4, 0)], "putting it back moves nothing"
    caught.at(QPointF(590, 420))
    assert len(pointer.puts) == 2
    caught.at(QPointF(600, 420))
    caught.at(QPointF(503, 401))
    caught.at(QPointF(503, 401))
    assert moves[1:] == [(90, 20), (10, 0), (3, 1)], "it is back, and has moved since, told in one"


def test_a_hand_that_is_caught_sends_whole_pixels_and_no_place() -> None:
    rows: list[tuple[Any, ...]] = []
    deferred: list[int] = []
    hands = Hands(
        send=rows.extend,
        to_desktop=lambda at: (int(at.x()), int(at.y())),
        defer=lambda: deferred.append(1),
        watch=lambda wanted: None,
        platform="xcb",
    )
    hands.move(QPointF(10, 20))
    hands.flush()
    hands.catch(True)
    hands.move_by(0.6, -3.0)
    hands.move_by(0.6, 0.0)
    assert len(deferred) == 2
    hands.flush()
    hands.move_by(0.9, 0.0)
    assert len(deferred) == 3
    hands.button(Qt.MouseButton.LeftButton, True, QPointF(99, 99))
    hands.release_all()
    hands.catch(False)
    hands.move(QPointF(10, 20))
    hands.flush()
    assert rows == [
        (MOVE, 10, 20),
        (BY, 1, -3),
        (BY, 1, 0),
        (BUTTON, 1, True),
        (int(InputKind.RELEASE_ALL),),
        (MOVE, 10, 20),
    ]
