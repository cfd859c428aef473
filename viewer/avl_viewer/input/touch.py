"""Touch: fingers and pens on the window become input events: as such where the host takes them, else a mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEventPoint, QPointingDevice, QTabletEvent, QTouchEvent

from avl_protocol.wire.registry import MAX_PEN_PRESSURE, InputDevice, InputKind, Modifier, PenState, TouchPhase
from avl_viewer.input.gestures import Act, Gestures, HoldControl, MoveTo, Pan, Press, Turn
from avl_viewer.input.hands import Row

_CONTROL = 0xE0
_PEN_BUTTONS = (
    (Qt.MouseButton.LeftButton, PenState.TIP),
    (Qt.MouseButton.RightButton, PenState.BARREL),
    (Qt.MouseButton.MiddleButton, PenState.SECOND),
)


class View(Protocol):
    """What fingers move where they do not act on the desktop."""

    @property
    def pannable(self) -> bool:
        """Whether some of the desktop lies outside the window."""

    def pan(self, dx: float, dy: float) -> None:
        """Move it by logical pixels."""


class Touch:
    """Fingers and pens. `watch(seconds)` is asked to have `timeout` called then, and not before; None: not at all."""

    def __init__(
        self,
        *,
        send: Callable[[list[Row]], None],
        to_desktop: Callable[[QPointF], tuple[int, int]],
        view: View,
        watch: Callable[[float | None], None],
        now: Callable[[], float],
    ) -> None:
        self._send = send
        self._to_desktop = to_desktop
        self._view = view
        self._watch = watch
        self._now = now
        self._gestures = Gestures()
        #: Fingers that travel as such, and where they were last; where the pen was, and what was said of it.
        self._fingers: dict[int, tuple[int, int]] = {}
        self._pen: Row | None = None
        #: What the host's system takes, and whether fingers that come down from now on travel as such.
        self.devices = InputDevice(0)
        self.direct = False

    def touch(self, event: QTouchEvent) -> None:
        """Fingers came down, moved, or were lifted."""
        if event.type() == QEvent.Type.TouchCancel:
            self.release_all()
            return
        self._gestures.zoomed = self._view.pannable
        for point in event.points():
            number, at = point.id(), point.position()
            if point.state() == QEventPoint.State.Pressed:
                if self.direct and self.devices & InputDevice.TOUCH:
                    self._finger(number, TouchPhase.BEGIN, at)
                else:
                    self._act(self._gestures.down(number, at.x(), at.y(), self._now()))
            elif point.state() == QEventPoint.State.Updated:
                if number in self._fingers:
                    self._finger(number, TouchPhase.MOVE, at)
                else:
                    self._act(self._gestures.move(number, at.x(), at.y(), self._now()))
            elif point.state() == QEventPoint.State.Released:
                if number in self._fingers:
                    self._lift(number)
                else:
                    self._act(self._gestures.up(number, self._now()))

    def tablet(self, event: QTabletEvent) -> bool:
        """A pen is here; whether it travels as such. Qt makes a mouse of one that does not."""
        if not self.devices & InputDevice.PEN:
            return False
        x, y = self._to_desktop(event.position())
        state = PenState.NEAR
        for button, means in _PEN_BUTTONS:
            if event.buttons() & button:
                state |= means
        if event.pointerType() == QPointingDevice.PointerType.Eraser:
            state |= PenState.ERASER
        pressure = round(event.pressure() * MAX_PEN_PRESSURE) if state & PenState.TIP else 0
        self._say((int(InputKind.PEN), x, y, pressure, round(event.xTilt()), round(event.yTilt()), int(state)))
        return True

    def timeout(self) -> None:
        """The time that `watch` was asked for has come."""
        self._act(self._gestures.handle_timer(self._now()))

    def release_all(self) -> None:
        """Let go of everything."""
        for number in list(self._fingers):
            self._lift(number)
        self._act(self._gestures.release_all(self._now()))
        self.leave()

    def leave(self) -> None:
        """The pen is over something else, or gone."""
        if self._pen is not None and self._pen[6]:
            self._say((*self._pen[:3], 0, 0, 0, 0))

    def _say(self, row: Row) -> None:
        if row != self._pen:
            self._pen = row
            self._send([row])

    def _finger(self, number: int, phase: TouchPhase, position: QPointF) -> None:
        at = self._to_desktop(position)
        if phase is TouchPhase.BEGIN or self._fingers[number] != at:
            self._fingers[number] = at
            self._send([(int(InputKind.TOUCH), number, int(phase), *at)])

    def _lift(self, number: int) -> None:
        at = self._fingers.pop(number)
        self._send([(int(InputKind.TOUCH), number, int(TouchPhase.END), *at)])

    def _act(self, acts: list[Act]) -> None:
        rows: list[Row] = []
        for act in acts:
            match act:
                case MoveTo():
                    rows.append((int(InputKind.MOVE), *self._to_desktop(QPointF(act.x, act.y))))
                case Press():
                    rows.append((int(InputKind.BUTTON), act.button, act.down))
                case Turn():
                    rows.append((int(InputKind.WHEEL), act.dx, act.dy))
                case HoldControl():
                    bits = int(Modifier.CONTROL) if act.down else 0
                    rows.append((int(InputKind.KEY), _CONTROL, act.down, bits, ""))
                case Pan():
                    self._view.pan(act.dx, act.dy)
        if rows:
            self._send(rows)
        due = self._gestures.next_timeout()
        self._watch(None if due is None else max(0.0, due - self._now()))
