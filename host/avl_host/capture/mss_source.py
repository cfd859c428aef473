"""MssSource: any screen that mss can grab, looked at thirty times a second while it changes and less often while it
does not.

The portable fallback: it gets no events, so it has to look, and it sees no pointer shape.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from avl_host.capture.cells import Cells, changed_cells, grid
from avl_host.capture.source import CursorImage, Picture, SourceLost
from avl_protocol.media.frame import Monitor

_BUSY_INTERVAL = 1 / 30
_STILL_INTERVAL = 0.25
_SLOWER_EACH_TIME = 1.3


class MssSource:
    """The whole desktop of `display` (None: the system's own), or one `monitor` of it. `clock` is in seconds. Raises
    SourceLost when there is none.
    """

    def __init__(self, display: str | None, clock: Callable[[], float], monitor: str | None = None) -> None:
        import mss
        import mss.exception

        self._failed: type[Exception] = mss.exception.ScreenShotError
        self._name = display or "this system"
        self._monitor = monitor
        try:
            self._screen: Any = mss.MSS(display=display) if display else mss.MSS()
        except self._failed as error:
            raise SourceLost(f"The screen of {self._name} cannot be grabbed: {error}") from error
        self._clock = clock
        self._woken = threading.Event()
        self._interval = _BUSY_INTERVAL
        self._looked = clock()
        self._told = False
        self._previous: np.ndarray[Any, np.dtype[np.uint8]] | None = None
        self._area = self._measure()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the desktop in pixels."""
        return self._area["width"], self._area["height"]

    def monitors(self) -> tuple[Monitor, ...]:
        """The monitors mss lists, from the desktop's top left."""
        left, top = self._area["left"], self._area["top"]
        listed = self._screen.monitors[1:]
        return tuple(
            Monitor(_called(n), m["left"] - left, m["top"] - top, m["width"], m["height"], n == 1)
            for n, m in enumerate(listed, 1)
        )

    def wait(self, timeout: float | None) -> bool:
        """Sleep until it is time to look again, `wake` is called or `timeout` seconds passed."""
        if not self._told:
            left = max(0.0, self._looked + self._interval - self._clock())
            timeout = left if timeout is None else min(left, timeout)
        if timeout is None or timeout > 0:
            self._woken.wait(timeout)
        self._woken.clear()
        if self._told or self._clock() < self._looked + self._interval:
            return False
        self._told = True
        return True

    def wake(self) -> None:
        """Make `wait` return; from any thread."""
        self._woken.set()

    def grab(self, whole: bool = False, moving: Cells | None = None) -> Picture | None:
        """Look now. None when no pixel differs, unless `whole`. Raises SourceLost."""
        captured = self._looked = self._clock()
        self._told = False
        try:
            shot = self._screen.grab(self._area)
        except self._failed as error:
            raise SourceLost(f"The screen of {self._name} can no longer be grabbed: {error}") from error
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        grabbed = self._clock()
        previous, self._previous = self._previous, pixels
        if previous is None or previous.shape != pixels.shape:
            self._area = self._measure()
            changed = np.ones(grid(shot.width, shot.height), np.bool_)
        else:
            changed = changed_cells(previous, pixels, [(0, shot.height)])
        moved = bool(changed.any())
        self._interval = _BUSY_INTERVAL if moved else min(_STILL_INTERVAL, self._interval * _SLOWER_EACH_TIME)
        if not moved and not whole:
            return None
        return Picture(
            pixels=pixels,
            changed=changed,
            captured=captured,
            grab_seconds=grabbed - captured,
            compare_seconds=self._clock() - grabbed,
        )

    def pointer(self) -> tuple[int, int] | None:
        """The system is not asked."""
        return None

    def cursor(self) -> CursorImage | None:
        """Never: mss tells no shape."""
        return None

    def close(self) -> None:
        """Let go of the screen."""
        self._screen.close()

    def _measure(self) -> dict[str, int]:
        if self._monitor is None:
            return dict(self._screen.monitors[0])
        for number, monitor in enumerate(self._screen.monitors[1:], 1):
            if _called(number) == self._monitor:
                return dict(monitor)
        raise SourceLost(f"The {self._monitor} of {self._name} is not there any more.")


def _called(number: int) -> str:
    """The name of a monitor that mss lists."""
    return f"screen {number}"
