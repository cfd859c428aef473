"""Emulation: fingers and pens as a mouse, for systems that take neither (spec 04-session, 4.6).

The first finger, or the tip of the pen, is the left button; the pen's button is the right one.
"""

from __future__ import annotations

from typing import Protocol

from avl_host.input.sink import PenSample
from avl_protocol.wire.registry import PenState, TouchPhase

_LEFT, _RIGHT = 1, 3


class Mouse(Protocol):
    """What of a sink is used."""

    def move(self, x: int, y: int) -> None:
        """See InputSink."""

    def button(self, button: int, down: bool) -> None:
        """See InputSink."""


class Emulation:
    """What of fingers and pens a mouse can do."""

    def __init__(self, mouse: Mouse) -> None:
        self._mouse = mouse
        #: The finger that is the mouse now; others do nothing, until all are lifted.
        self._finger: int | None = None
        self._others: set[int] = set()
        self._pressed: set[int] = set()

    def touch(self, contact: int, phase: TouchPhase, x: int, y: int) -> None:
        """See InputSink.touch."""
        if phase is TouchPhase.BEGIN and self._finger is None and not self._others:
            self._finger = contact
        if contact != self._finger:
            (self._others.discard if phase is TouchPhase.END else self._others.add)(contact)
            return
        self._mouse.move(x, y)
        if phase is TouchPhase.BEGIN:
            self._press(_LEFT, True)
        elif phase is TouchPhase.END:
            self._press(_LEFT, False)
            self._finger = None

    def pen(self, sample: PenSample) -> None:
        """See InputSink.pen."""
        if sample.state & PenState.NEAR:
            self._mouse.move(sample.x, sample.y)
        self._press(_LEFT, bool(sample.state & PenState.TIP))
        self._press(_RIGHT, bool(sample.state & PenState.BARREL))

    def forget(self) -> None:
        """Everything was let go of."""
        self._finger = None
        self._others.clear()
        self._pressed.clear()

    def _press(self, button: int, down: bool) -> None:
        if (button in self._pressed) != down:
            (self._pressed.add if down else self._pressed.discard)(button)
            self._mouse.button(button, down)
