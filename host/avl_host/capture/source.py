"""CaptureSource: the contract of every source of pictures, and the picture that it gives.

A source runs on the capture worker's thread; only `wake` may be called from elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells
from avl_protocol.media.frame import Monitor


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorImage:
    """A pointer shape: straight (not premultiplied) RGBA, row by row, `width * height * 4` bytes."""

    serial: int
    width: int
    height: int
    hot_x: int
    hot_y: int
    rgba: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One grab of the whole desktop.

    `pixels` is BGRA, uint8, C-contiguous, shape (height, width, 4), and valid only until the next grab. `changed` marks
    the cells in which it differs from the picture before (capture/cells.py); after a change of size all do. `captured`
    is when the grab began, in seconds of the host's clock.
    """

    pixels: NDArray[np.uint8]
    changed: Cells
    captured: float
    grab_seconds: float
    compare_seconds: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.pixels.shape[:2]
        return width, height


class SourceLost(Exception):
    """The display is gone (X server died, resolution source vanished); the text says what to do."""


class CaptureSource(Protocol):
    """A desktop that can be looked at."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the desktop in pixels; may change between grabs."""

    def monitors(self) -> tuple[Monitor, ...]:
        """The monitors that make up the desktop, in desktop coordinates."""

    def wait(self, timeout: float | None) -> bool:
        """Block until something may have changed, `wake` was called or `timeout` seconds passed; True when something
        may have changed.

        A change is told once: until the next `grab` only what the system tells anew makes `wait` return for it, so that
        who can't take a picture now may wait for longer. Raises SourceLost.
        """

    def wake(self) -> None:
        """Make a running or the next `wait` return; callable from any thread."""

    def grab(self, whole: bool = False, moving: Cells | None = None) -> Picture | None:
        """Look now. None when no pixel differs from the last grab, unless `whole` asks for the picture anyway. Of cells
        that are `moving` the system's word may be taken for it that they have changed. Raises SourceLost.
        """

    def cursor(self) -> CursorImage | None:
        """The pointer's shape if it changed since this was last asked, else None."""

    def pointer(self) -> tuple[int, int] | None:
        """Where the pointer is now, in desktop coordinates; None where nobody can say. Raises SourceLost."""

    def close(self) -> None:
        """Let go of the display."""
