"""PatternSource: a desktop without a display. A card moves on it, and its blocks spell the frame number.

Told the time, it needs no thread and gives the same pictures for the same times, so a whole system can be run on it
in virtual time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, changed_cells, grid
from avl_host.capture.source import CursorImage, Picture
from avl_protocol.media.frame import Monitor, Rect

#: Bits of the number on the card, in rows of eight blocks, and the edge of one block in pixels.
NUMBER_BITS = 32
BLOCK = 16
_ROW = 8
_BORDER = BLOCK
CARD_WIDTH = _ROW * BLOCK + 2 * _BORDER
CARD_HEIGHT = NUMBER_BITS // _ROW * BLOCK + 2 * _BORDER

_DESKTOP = (96, 72, 48, 255)
_EDGE = (0, 0, 255, 255)
_STEP = (16, 8)


class PatternSource:
    """A plain desktop of `size` (at least a card: 160 x 96) with a card that moves `rate` times a second. `clock` is
    in seconds.
    """

    def __init__(self, clock: Callable[[], float], size: tuple[int, int] = (640, 360), rate: float = 30.0) -> None:
        if size[0] < CARD_WIDTH or size[1] < CARD_HEIGHT:
            raise ValueError(f"a pattern is at least {CARD_WIDTH}x{CARD_HEIGHT} pixels")
        self._clock = clock
        self._interval = 1.0 / rate
        self._start = clock()
        self._number = 0
        self._still = False
        self._told = False
        self._moved = threading.Event()
        self._cursor_asked = False
        #: The monitors that it is divided into; none: it is one.
        self.divided: tuple[Monitor, ...] = ()
        self._begin(size)

    def _begin(self, size: tuple[int, int]) -> None:
        """Be a plain desktop of this size, of which nothing was seen."""
        self._size = size
        self._pixels = np.empty((size[1], size[0], 4), np.uint8)
        self._pixels[:] = _DESKTOP
        self._previous = self._pixels.copy()
        self._card: Rect | None = None
        self._shown = -1

    def resize(self, size: tuple[int, int]) -> None:
        """Have another size, at least a card; on the thread that grabs."""
        if size != self._size:
            self._begin((max(size[0], CARD_WIDTH), max(size[1], CARD_HEIGHT)))
            self._moved.set()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size

    @property
    def number(self) -> int:
        """The number on the card at the latest grab; -1 before the first."""
        return self._shown

    def monitors(self) -> tuple[Monitor, ...]:
        """One monitor as large as the desktop, unless it is divided."""
        return self.divided or (Monitor("pattern", 0, 0, *self._size, True),)

    def set_still(self, still: bool) -> None:
        """Stop the card where it is, or let it go on from there; from any thread."""
        if still == self._still:
            return
        if still:
            self._number = self._due_number()
        else:
            self._start = self._clock() - self._number * self._interval
        self._still = still
        self._moved.set()

    def due(self) -> float | None:
        """When the card moves next, in seconds of the clock; None while it stands still and was looked at."""
        if self._shown < self._due_number():
            return self._clock()
        return None if self._still else self._start + (self._shown + 1) * self._interval

    def wait(self, timeout: float | None) -> bool:
        """Sleep until the card moves for the first time since the last grab, `wake` is called or `timeout` seconds
        passed."""
        due = None if self._told else self.due()
        if due is not None:
            left = max(0.0, due - self._clock())
            timeout = left if timeout is None else min(timeout, left)
        if timeout is None or timeout > 0:
            self._moved.wait(timeout)
        self._moved.clear()
        if self._told or self._shown >= self._due_number():
            return False
        self._told = True
        return True

    def wake(self) -> None:
        """Make `wait` return; from any thread."""
        self._moved.set()

    def grab(self, whole: bool = False, moving: Cells | None = None) -> Picture | None:
        """The desktop as it is now. None when the card has not moved since the last grab, unless `whole`."""
        captured = self._clock()
        self._told = False
        number = self._due_number()
        if number == self._shown and not whole:
            return None
        first = self._shown < 0
        self._shown = number
        np.copyto(self._previous, self._pixels)
        if self._card is not None:
            self._fill(self._card, _DESKTOP)
        self._draw(number)
        drawn = self._clock()
        changed = changed_cells(self._previous, self._pixels, [(0, self._size[1])])
        if first:
            changed = np.ones(grid(*self._size), np.bool_)
        return Picture(
            pixels=self._pixels,
            changed=changed,
            captured=captured,
            grab_seconds=drawn - captured,
            compare_seconds=self._clock() - drawn,
        )

    def pointer(self) -> tuple[int, int] | None:
        """There is none."""
        return None

    def cursor(self) -> CursorImage | None:
        """A small arrow, once."""
        if self._cursor_asked:
            return None
        self._cursor_asked = True
        shape = np.zeros((16, 16, 4), np.uint8)
        shape[np.tril_indices(16)] = (0, 0, 0, 255)
        return CursorImage(serial=1, width=16, height=16, hot_x=0, hot_y=0, rgba=shape.tobytes())

    def close(self) -> None:
        """Nothing is held."""

    def _due_number(self) -> int:
        if self._still:
            return self._number
        # A hair is added so that a timer which fires exactly when the card is due finds it moved.
        return int((self._clock() - self._start) / self._interval + 1e-6)

    def _fill(self, rect: Rect, colour: tuple[int, int, int, int]) -> None:
        self._pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = colour

    def _draw(self, number: int) -> None:
        width, height = self._size
        x = (number * _STEP[0]) % max(1, width - CARD_WIDTH + 1)
        y = (number * _STEP[1]) % max(1, height - CARD_HEIGHT + 1)
        self._card = Rect(x, y, CARD_WIDTH, CARD_HEIGHT)
        self._fill(self._card, _EDGE)
        bits = [(number >> bit) & 1 for bit in range(NUMBER_BITS)]
        blocks = np.array(bits, np.uint8).reshape(-1, _ROW).repeat(BLOCK, 0).repeat(BLOCK, 1) * 255
        self._pixels[y + _BORDER : y + CARD_HEIGHT - _BORDER, x + _BORDER : x + CARD_WIDTH - _BORDER, :3] = blocks[
            ..., None
        ]


def read_number(pixels: NDArray[np.uint8]) -> int | None:
    """The number on the card in a picture of a pattern desktop, lossy coding or not; None where no card is found, or
    more than one: a viewer that has missed something shows an older card beside the newest until that was repaired, and
    blocks of both together spell a number that never was.

    `pixels` is BGRA (or BGR), uint8, shape (height, width, 3 or 4).
    """
    blue, green, red = (pixels[..., channel].astype(np.int16) for channel in range(3))
    edge = (red > 140) & (blue < 100) & (green < 100)
    columns, rows = np.flatnonzero(edge.sum(axis=0) > BLOCK), np.flatnonzero(edge.sum(axis=1) > BLOCK)
    if not _spans(columns, CARD_WIDTH) or not _spans(rows, CARD_HEIGHT):
        return None
    x, y = int(columns[0]) + _BORDER, int(rows[0]) + _BORDER
    middle = BLOCK // 2
    taken = green[y + middle : y + NUMBER_BITS // _ROW * BLOCK : BLOCK, x + middle : x + _ROW * BLOCK : BLOCK]
    if taken.shape != (NUMBER_BITS // _ROW, _ROW):
        return None
    return sum(1 << at for at, value in enumerate(taken.reshape(-1)) if value > 127)


def _spans(places: NDArray[np.intp], size: int) -> bool:
    """Whether places reach from end to end of one card, give or take what coding blurs of its edge."""
    return len(places) > 0 and abs(int(places[-1] - places[0]) + 1 - size) <= _BORDER // 4
