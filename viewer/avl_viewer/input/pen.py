"""Pen: what the mouse does over the picture while a person draws there instead of acting on the desktop (spec
04-session, 4.10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QPointF, Qt


class Paper(Protocol):
    """Where it is drawn."""

    def point(self, x: int, y: int, laser: bool) -> None:
        """Point at a desktop pixel."""

    def draw(self, points: list[tuple[int, int]], begins: bool) -> None:
        """Draw through desktop pixels."""

    def wipe(self, everybody: bool) -> None:
        """Wipe away what we drew, or what all did."""


class Pen:
    """The left button draws, the right one wipes away what we drew, and moving without either points at something.

    `to_desktop` maps a position of the window (logical pixels) to a desktop pixel.
    """

    def __init__(self, to_desktop: Callable[[QPointF], tuple[int, int]]) -> None:
        self._to_desktop = to_desktop
        self._down = False
        #: None until there is a session.
        self.paper: Paper | None = None
        #: Whether the mouse is a pen now.
        self.drawing = False

    def move(self, position: QPointF) -> None:
        """It is here now."""
        if self.paper is None:
            return
        at = self._to_desktop(position)
        if self._down:
            self.paper.draw([at], False)
        else:
            self.paper.point(*at, True)

    def button(self, button: Qt.MouseButton, down: bool, position: QPointF) -> None:
        """A button went down or up here."""
        if self.paper is None:
            return
        if button is Qt.MouseButton.LeftButton:
            self._down = down
            if down:
                self.paper.draw([self._to_desktop(position)], True)
        elif button is Qt.MouseButton.RightButton and down:
            self.paper.wipe(False)

    def put_down(self) -> None:
        """Whatever it was doing, it does no more."""
        self._down = False
