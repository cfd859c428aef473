"""Canvas: the desktop as a viewer shows it, composed of exact pixels and pictures; the newest capture wins, cell by
cell (spec 05-media, 5.7.2).

Exact pixels are written at once, on the thread that brings them. A picture is noted, and converted when somebody looks:
one that another replaces before that costs nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from avl_protocol.media.frame import Rect
from avl_protocol.session.media.receiver import ReceivedExact, ReceivedFrame
from avl_protocol.wire.registry import CELL, ExactCoding
from avl_viewer.decode.convert import Converter
from avl_viewer.decode.unpack import Words, blocks

NOTHING, PICTURE, EXACT = 0, 1, 2
_EVER = np.int64(-(1 << 62))


@dataclass(frozen=True, slots=True)
class Shown:
    """What an object changed on the canvas, in desktop pixels. `complete`: all of it could be shown, or is older than
    what is there."""

    changed: tuple[Rect, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Staged:
    """A picture that is not converted yet, and the place it is of."""

    frame: VideoFrame
    place: Rect


class Canvas:
    """One desktop. `show` and `stage` may be called on different threads, `refresh` and who reads pixels on a third."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: One for `refresh`, one for who brings pictures.
        self._converter, self._bringer = Converter(), Converter()
        self._staged: _Staged | None = None
        #: Counts the replacements of `pixels` by others.
        self.generation = 0
        self._newest = int(_EVER)
        self._resize(0, 0)

    def _resize(self, width: int, height: int) -> None:
        self.size = (width, height)
        self._words: Words = np.zeros((height, width), np.uint32)
        rows, columns = -(-height // CELL), -(-width // CELL)
        self._captured = np.full((rows, columns), _EVER, np.int64)
        self._source = np.full((rows, columns), NOTHING, np.uint8)
        #: Cells whose newest picture is still to be converted.
        self._waiting = np.zeros((rows, columns), np.bool_)
        tall = np.minimum(CELL, height - CELL * np.arange(rows))
        wide = np.minimum(CELL, width - CELL * np.arange(columns))
        self._weights = np.outer(tall, wide)
        self._staged = None
        self.generation += 1

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The desktop, uint8 of shape (height, width, 4): blue, green, red and a byte that means nothing; pictures as
        of the last `refresh`. Replaced when the desktop's size changes."""
        return self._words.view(np.uint8).reshape(*self._words.shape, 4)

    @property
    def sources(self) -> NDArray[np.uint8]:
        """A copy of what each cell shows: NOTHING, PICTURE or EXACT; shape (rows, columns)."""
        return self._source.copy()

    @property
    def exact(self) -> float:
        """The share of the desktop's pixels that are exact, as far as has come."""
        total = self._weights.sum()
        return float(self._weights[self._source == EXACT].sum() / total) if total else 0.0

    @property
    def shown(self) -> bool:
        """Whether every pixel shows something."""
        return bool(self._source.size) and bool((self._source != NOTHING).all())

    def underlay(self, pixels: NDArray[np.uint8]) -> None:
        """Where nothing has come yet let these be seen, at the same place: pixels of this desktop when it had another
        size, uint8 of shape (height, width, 4)."""
        with self._lock:
            height, width = (min(sides) for sides in zip(self._words.shape, pixels.shape[:2], strict=True))
            empty = _spread(self._source == NOTHING, Rect(0, 0, *self.size))[:height, :width]
            np.copyto(self._words[:height, :width], pixels.view(np.uint32)[:height, :width, 0], where=empty)

    def rgb(self) -> NDArray[np.uint8]:
        """A copy of the desktop, uint8 of shape (height, width, 3): red, green, blue."""
        self.refresh()
        return np.ascontiguousarray(self.pixels[:, :, 2::-1])

    def _follow(self, size: tuple[int, int], captured: int) -> bool:
        """Have the size that an object is of; False where that is older than what is shown."""
        if size != self.size:
            if captured <= self._newest:
                return False
            self._resize(*size)
        self._newest = max(self._newest, captured)
        return True

    def show(self, received: ReceivedExact) -> Shown:
        """Show exact pixels. Raises RemoteProtocolError(SESSION_PROTOCOL) for what they are compressed in wrongly."""
        exact = received.exact
        found = blocks(exact)
        changed: list[Rect] = []
        complete = True
        with self._lock:
            if not self._follow((exact.width, exact.height), exact.captured_us):
                return Shown(())
            for one, words in zip(exact.rects, found, strict=True):
                if one.coding is ExactCoding.COPY:
                    source = Rect(*one.source, one.rect.width, one.rect.height)
                    if not (received.complete and self._known(source, exact.captured_us)):
                        complete = False
                        continue
                    words = self._words[_inside(source)].copy()
                assert words is not None
                if self._write(one.rect, words, exact.captured_us):
                    changed.append(one.rect)
        return Shown(tuple(changed), complete)

    def _known(self, source: Rect, captured: int) -> bool:
        """Whether all cells that a rectangle touches show exact pixels that are no newer."""
        cells = _cells(source)
        return bool((self._source[cells] == EXACT).all() and (self._captured[cells] <= captured).all())

    def _write(self, rect: Rect, words: Words, captured: int) -> bool:
        """Write pixels where nothing newer is shown; whether there was such a place."""
        cells = _cells(rect)
        older = self._captured[cells] <= captured
        target = self._words[_inside(rect)]
        if older.all():
            target[...] = words
            self._captured[cells], self._source[cells], self._waiting[cells] = captured, EXACT, False
            return True
        if not older.any():
            return False
        np.copyto(target, words, where=_spread(older, rect))
        self._captured[cells][older], self._source[cells][older], self._waiting[cells][older] = captured, EXACT, False
        return True

    def stage(self, frame: VideoFrame, received: ReceivedFrame) -> Shown:
        """Note a decoded picture: its rectangles are shown with the next `refresh`."""
        captured, place = received.preamble.captured_us, received.place
        with self._lock:
            if not self._follow(received.desktop, captured):
                return Shown(())
            if self._staged is not None and self._staged.place != place:
                self._settle_staged(self._staged)
            changed = []
            for rect in received.preamble.dirty:
                cells = _cells(rect)
                there = self._captured[cells]
                older = (there < captured) | ((there == captured) & (self._source[cells] != EXACT))
                if older.any():
                    changed.append(rect)
                    there[older] = captured
                    self._source[cells][older], self._waiting[cells][older] = PICTURE, True
            self._staged = _Staged(frame, place)
        return Shown(tuple(changed))

    def _settle_staged(self, staged: _Staged) -> None:
        """Convert what waits of a picture before one of another place follows."""
        if self._waiting.any():
            self._take(*_converted(self._bringer, staged, _box(self._waiting, self.size)))

    def refresh(self) -> None:
        """Convert what pictures have changed since the last time."""
        with self._lock:
            staged, waiting = self._staged, self._waiting.copy()
            before = self._captured.copy()
        if staged is None or not waiting.any():
            return
        box, words = _converted(self._converter, staged, _box(waiting, self.size))
        with self._lock:
            if before.shape == self._captured.shape:
                # What changed meanwhile waits for its own turn.
                self._take(box, words, waiting & (before == self._captured))

    def _take(self, box: Rect, words: Words, still: NDArray[np.bool_] | None = None) -> None:
        cells = _cells(box)
        wanted = self._waiting[cells] if still is None else self._waiting[cells] & still[cells]
        target = self._words[_inside(box)]
        if wanted.all():
            target[...] = words
        else:
            np.copyto(target, words, where=_spread(wanted, box))
        self._waiting[cells] &= ~wanted


def _converted(converter: Converter, staged: _Staged, box: Rect) -> tuple[Rect, Words]:
    """A box of the desktop, and its pixels in a picture."""
    place = staged.place
    within = Rect(box.x - place.x, box.y - place.y, box.width, box.height)
    return box, converter.region(staged.frame, (place.width, place.height), within)


def _inside(rect: Rect) -> tuple[slice, slice]:
    return slice(rect.y, rect.y + rect.height), slice(rect.x, rect.x + rect.width)


def _cells(rect: Rect) -> tuple[slice, slice]:
    """The cells that a rectangle touches."""
    return (
        slice(rect.y // CELL, -(-(rect.y + rect.height) // CELL)),
        slice(rect.x // CELL, -(-(rect.x + rect.width) // CELL)),
    )


def _spread(cells: NDArray[np.bool_], rect: Rect) -> NDArray[np.bool_]:
    """For each pixel of a rectangle whether its cell is marked."""
    wide = np.repeat(np.repeat(cells, CELL, 0), CELL, 1)
    return wide[: rect.height, : rect.width]


def _box(cells: NDArray[np.bool_], size: tuple[int, int]) -> Rect:
    """The smallest rectangle of cells around all that are marked; some must be."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    x, y = int(columns[0]) * CELL, int(rows[0]) * CELL
    right, bottom = min(size[0], (int(columns[-1]) + 1) * CELL), min(size[1], (int(rows[-1]) + 1) * CELL)
    return Rect(x, y, right - x, bottom - y)
