"""OwnWindows: the windows of this program on the shared desktop, which viewers may look at and never touch.

Whoever controls the desktop from afar must not answer the questions that protect it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnWindow:
    """A window, by its number at the X server, and where it lies on the desktop, in pixels. `still`: while the pointer
    is over it only the person moves it, so that it is not moved under a hand that is about to click."""

    window: int
    x: int
    y: int
    width: int
    height: int
    still: bool = False

    def covers(self, x: int, y: int) -> bool:
        """Whether a desktop pixel is its own."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


class OwnWindows:
    """Those that are open now. They lie above all others."""

    def __init__(self) -> None:
        self._open: dict[int, OwnWindow] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def still(self) -> bool:
        """Whether one of them waits for a hand to click or type. The others take no keys."""
        return any(one.still for one in self._open.values())

    def add(self, window: OwnWindow) -> None:
        """It is open, or lies elsewhere now."""
        self._open[window.window] = window

    def remove(self, window: int) -> None:
        """It is closed."""
        self._open.pop(window, None)

    def of(self, window: int) -> OwnWindow | None:
        """The open window of this number."""
        return self._open.get(window)

    def at(self, x: int, y: int) -> OwnWindow | None:
        """The open window at a desktop pixel."""
        return next((one for one in self._open.values() if one.covers(x, y)), None)
