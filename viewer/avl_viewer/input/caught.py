"""Caught: the pointer kept in the middle of the window, where only its movements count, for games and 3D (spec
04-session, 4.6).

Qt tells places and no movements. So the pointer is put back into the middle whenever it has gone far from it; what was
under way before that is told still, and counts from where the pointer was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QPointF


class Mouse(Protocol):
    """The pointer of this machine."""

    def middle(self) -> QPointF:
        """Where it is kept, in logical pixels of the screen."""

    def reach(self) -> float:
        """How far from the middle it may go."""

    def put(self, place: QPointF) -> None:
        """Put it there; an event says so later."""


class Caught:
    """`moved(dx, dy)` is told each movement, in logical pixels."""

    def __init__(self, mouse: Mouse, moved: Callable[[float, float], None]) -> None:
        self._mouse = mouse
        self._moved = moved
        self._last = QPointF()
        #: Where it was put, until an event shows that it is there.
        self._put: QPointF | None = None
        self.active = False

    def start(self, place: QPointF) -> None:
        """Catch it; it is here now."""
        self.active = True
        self._last = place
        self._back()

    def stop(self) -> None:
        """Let it go."""
        self.active = False

    def at(self, place: QPointF) -> None:
        """An event says that it is here."""
        last = self._last
        if self._put is not None and _far(place - self._put) < _far(place - last):
            last, self._put = self._put, None  # it was put back; an event may tell that and a movement in one
        if place != last:
            self._moved(place.x() - last.x(), place.y() - last.y())
        self._last = place
        if self._put is None and _far(place - self._mouse.middle()) > self._mouse.reach():
            self._back()

    def _back(self) -> None:
        self._put = self._mouse.middle()
        self._mouse.put(self._put)


def _far(vector: QPointF) -> float:
    return abs(vector.x()) + abs(vector.y())
