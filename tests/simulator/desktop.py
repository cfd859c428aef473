"""SimulatedDesktop: a desktop as a person uses one, without a display: typing, scrolled text, a film, a dragged window,
other sizes; told the time, and the same for the same seed.

It remembers every state that it was looked at in, so that a test can say of what a viewer shows when that was so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, changed_cells, grid
from avl_host.capture.source import CursorImage, Picture
from avl_protocol.media.frame import Monitor
from avl_protocol.wire.registry import CELL

Words = NDArray[np.uint32]
#: One number for each cell: what it shows, told apart by it.
Prints = NDArray[np.uint64]

#: Sizes that a desktop may have, in pixels; the last ones do not end at cells.
SIZES = ((480, 320), (400, 288), (333, 217), (490, 250))
#: Seconds between two steps of what moves.
STEP = 1 / 30
#: The film: its size in pixels, and by how much it grows brighter with each of its pictures, from FILM_DARK on.
FILM, FILM_DARK, FILM_STEP = (128, 96), 40, 2
#: The window that is dragged: large enough that it is looked for where it was before.
WINDOW = (176, 132)
#: Text is drawn in glyphs of this size.
GLYPH = (8, 12)
_PAPER, _INK, _WALL = 0xFFFFFF, 0x202020, 0x405060
_weights = np.random.Generator(np.random.PCG64(7)).integers(1, 1 << 62, (CELL, CELL), np.uint64) | np.uint64(1)


def prints(words: Words) -> Prints:
    """What each cell of a desktop shows, as one number; `words`: blue, green, red and a byte that counts for nothing,
    of shape (height, width)."""
    height, width = words.shape
    rows, columns = grid(width, height)
    padded = np.zeros((rows * CELL, columns * CELL), np.uint64)
    padded[:height, :width] = (words & np.uint32(0xFFFFFF)) + np.uint32(1)
    cells = padded.reshape(rows, CELL, columns, CELL)
    return np.einsum("rycx,yx->rc", cells, _weights)  # type: ignore[no-any-return]


class Memory:
    """The states that a desktop of one size was seen in: for each cell the numbers of its states, from 0 on."""

    def __init__(self, width: int, height: int) -> None:
        shape = grid(width, height)
        self.size = (width, height)
        self.states = 0
        self._known: list[dict[int, list[int]]] = [{} for _ in range(shape[0] * shape[1])]
        self._whole: set[bytes] = set()
        self._newest = np.zeros(shape, np.uint64)
        #: Cells whose film is to be looked at: those that never showed anything else of what moves.
        self.film: Cells = np.zeros(shape, np.bool_)

    def add(self, found: Prints) -> None:
        """The desktop was looked at."""
        changed = np.flatnonzero(found != self._newest) if self.states else np.arange(found.size)
        flat = found.ravel()
        for cell in changed.tolist():
            self._known[cell].setdefault(int(flat[cell]), []).append(self.states)
        self._newest = found
        self._whole.add(found.tobytes())
        self.states += 1

    def state(self, cell: int, shown: int, after: int) -> int | None:
        """The first state from `after` on in which a cell showed this, or began to before and still did; None: none."""
        return next((at for at in self._known[cell].get(shown, ()) if at >= after), None)

    def whole(self, found: Prints) -> bool:
        """Whether all of the desktop ever looked like this at once."""
        return found.tobytes() in self._whole


@dataclass(slots=True)
class _Window:
    """A window that is dragged about."""

    pixels: Words
    x: int
    y: int


class SimulatedDesktop:
    """A TimedSource. `clock` is in seconds; it does something for `seconds` from `begin` on and then rests."""

    def __init__(self, clock: Callable[[], float], seed: int, *, begin: float, seconds: float) -> None:
        self._clock = clock
        self._chance = random.Random(seed)
        self._noise = np.random.Generator(np.random.PCG64(seed))
        self._resize(SIZES[0])
        self._steps = self._scenes(begin, begin + seconds)
        self._next: tuple[float, Callable[[], None]] | None = next(self._steps, None)
        self._pixels = self._render()
        self._previous = self._pixels.copy()
        self._seen = self._stale = False
        self._cursor_asked = False
        #: What it looked like, by size.
        self.memories: dict[tuple[int, int], Memory] = {}

    # what a source is asked

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The desktop as it was looked at last: BGRA, uint8, shape (height, width, 4)."""
        return self._pixels.view(np.uint8).reshape(*self._pixels.shape, 4)

    @property
    def resting(self) -> bool:
        """Whether nothing will change any more, and all of it was looked at."""
        return self._next is None and not self._stale

    def monitors(self) -> tuple[Monitor, ...]:
        """One monitor as large as the desktop."""
        return (Monitor("simulated", 0, 0, *self._size, True),)

    def due(self) -> float | None:
        """When something happens next, in seconds of the clock; None: never."""
        if not self._seen:
            return self._clock()
        return None if self._next is None else self._next[0]

    def wait(self, timeout: float | None) -> bool:
        """Nobody waits for it: it tells when it is due."""
        return False

    def wake(self) -> None:
        """Nobody waits."""

    def grab(self, whole: bool = False, moving: Cells | None = None) -> Picture | None:
        """The desktop as it is now."""
        now = self._clock()
        # A hair is added so that a timer which fires exactly when something is due finds it done.
        while self._next is not None and self._next[0] <= now + 1e-6:
            self._next[1]()
            self._next = next(self._steps, None)
            self._stale = True
        if not (self._stale or whole or not self._seen):
            return None
        first, self._seen, self._stale = not self._seen, True, False
        self._previous, self._pixels = self._pixels, self._render()
        current, before = self.pixels, self._previous.view(np.uint8).reshape(*self._previous.shape, 4)
        width, height = self._size
        if first or before.shape != current.shape:
            changed = np.ones(grid(width, height), np.bool_)
        else:
            changed = changed_cells(before, current, [(0, height)])
        if not changed.any() and not whole:
            return None
        memory = self.memories.setdefault(self._size, Memory(width, height))
        memory.film = self._film_cells()
        memory.add(prints(self._pixels))
        return Picture(pixels=current, changed=changed, captured=now, grab_seconds=0.0, compare_seconds=0.0)

    def pointer(self) -> tuple[int, int] | None:
        """There is none."""
        return None

    def cursor(self) -> CursorImage | None:
        """A small square, once."""
        if self._cursor_asked:
            return None
        self._cursor_asked = True
        return CursorImage(serial=1, width=2, height=2, hot_x=0, hot_y=0, rgba=bytes(16))

    def close(self) -> None:
        """Nothing is held."""

    # what is on it

    def _resize(self, size: tuple[int, int]) -> None:
        self._size = size
        self._back: Words = np.full((size[1], size[0]), _WALL, np.uint32)
        left = size[0] * 3 // 5
        #: Text that is scrolled, text that is written, and the film.
        self._page = self._paper(left - 20, size[1] - 40)
        self._sheet = self._paper(size[0] - left - 10, max(48, size[1] - FILM[1] - 50))
        self._left = left
        self._written = 0
        self._film: Words | None = None
        self._film_at = (min(left + 3, size[0] - FILM[0]), 5)
        self._film_shown = 0
        self._dragged_over = np.zeros(grid(*size), np.bool_)
        self._window: _Window | None = None

    def _paper(self, width: int, height: int) -> Words:
        paper = np.full((height, width), _PAPER, np.uint32)
        for row in range(0, height - GLYPH[1], GLYPH[1] + 2):
            self._line(paper, row)
        return paper

    def _line(self, paper: Words, row: int) -> None:
        """A line of text, as noise of two colours."""
        length = self._chance.randrange(paper.shape[1] // 3, paper.shape[1] - 2)
        ink = self._noise.random((GLYPH[1], length)) < 0.3
        part = paper[row : row + GLYPH[1], 2 : 2 + length]
        part[ink[: part.shape[0]]] = _INK

    def _photograph(self, width: int, height: int) -> Words:
        """Many colours, rough."""
        coarse = self._noise.integers(0, 200, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
        fine = np.repeat(np.repeat(coarse, 8, 0), 8, 1)[:height, :width]
        fine += self._noise.integers(0, 50, fine.shape, np.uint8)
        blue, green, red = (fine[:, :, at].astype(np.uint32) for at in range(3))
        colours: Words = blue | green << np.uint32(8) | red << np.uint32(16)
        return colours

    def _render(self) -> Words:
        shown = self._back.copy()
        height = len(shown)
        _put(shown, self._page, 10, 20)
        _put(shown, self._sheet, self._left, height - self._sheet.shape[0] - 10)
        if self._film is not None:
            _put(shown, self._film, *self._film_at)
        if self._window is not None:
            _put(shown, self._window.pixels, self._window.x, self._window.y)
        return shown

    def _film_cells(self) -> Cells:
        """The cells that show film alone, and never a window."""
        cells = np.zeros(grid(*self._size), np.bool_)
        if self._film is not None:
            x, y = self._film_at
            cells[-(-y // CELL) : (y + FILM[1]) // CELL, -(-x // CELL) : (x + FILM[0]) // CELL] = True
        return cells & ~self._dragged_over

    # what happens

    def _scenes(self, begin: float, end: float) -> Iterator[tuple[float, Callable[[], None]]]:
        """What happens when, in order."""
        scenes = [self._typing, self._scrolling, self._dragging, self._photographs]
        steps = list(self._playing(begin + self._chance.uniform(0.1, 1.0), end))
        at = begin
        while at < end:
            scene = self._chance.choice(scenes)
            until = min(end, at + self._chance.uniform(0.3, 1.2))
            steps += scene(at, until)
            at = until + self._chance.choice((0.0, 0.0, 0.4))
        for size in self._chance.sample(SIZES[1:], self._chance.choice((0, 0, 1, 2))):
            steps.append((self._chance.uniform(begin, end), partial(self._resize, size)))
        return iter(sorted(steps, key=lambda step: step[0]))

    def _every(
        self, begin: float, end: float, each: float, what: Callable[[], None]
    ) -> Iterator[tuple[float, Callable[[], None]]]:
        at = begin
        while at < end:
            yield at, what
            at += each

    def _typing(self, begin: float, end: float) -> Iterator[tuple[float, Callable[[], None]]]:
        return self._every(begin, end, self._chance.uniform(0.03, 0.15), self._write)

    def _write(self) -> None:
        """One more glyph, and the caret behind it."""
        across = (self._sheet.shape[1] - 4) // GLYPH[0]
        down = self._sheet.shape[0] // GLYPH[1]
        for at, what in ((self._written, self._noise.random(GLYPH[::-1]) < 0.4), (self._written + 1, None)):
            row, column = at // across % down, at % across
            part = self._sheet[row * GLYPH[1] : (row + 1) * GLYPH[1], column * GLYPH[0] : (column + 1) * GLYPH[0]]
            part[...] = _PAPER
            part[:, :2] = _INK
            if what is not None:
                part[...] = np.where(what[: part.shape[0]], np.uint32(_INK), np.uint32(_PAPER))
        self._written += 1

    def _scrolling(self, begin: float, end: float) -> Iterator[tuple[float, Callable[[], None]]]:
        rows = self._chance.choice((3, 14, 14, 28, -14))
        return self._every(begin, end, STEP, lambda: self._scroll(rows))

    def _scroll(self, rows: int) -> None:
        page, amount = self._page, abs(rows)
        moved = np.full_like(page, _PAPER)
        if rows > 0:
            moved[:-amount] = page[amount:]
            fresh = range(page.shape[0] - amount, page.shape[0] - GLYPH[1] + 1, GLYPH[1] + 2)
        else:
            moved[amount:] = page[:-amount]
            fresh = range(0, max(1, amount - GLYPH[1]), GLYPH[1] + 2)
        self._page = moved
        if amount >= GLYPH[1]:
            for row in fresh:
                self._line(moved, row)

    def _dragging(self, begin: float, end: float) -> Iterator[tuple[float, Callable[[], None]]]:
        return self._every(begin, end, STEP, self._drag)

    def _drag(self) -> None:
        if self._window is None:
            made = self._photograph(*WINDOW) if self._chance.random() < 0.5 else self._paper(*WINDOW)
            made[:14] = 0x993311
            place = self._chance.randrange(self._size[0] - WINDOW[0]), self._size[1] - WINDOW[1] - 5
            self._window = _Window(made, *place)
        window = self._window
        window.x = min(max(0, window.x + self._chance.randrange(-12, 13)), self._size[0] - WINDOW[0])
        window.y = min(max(0, window.y + self._chance.randrange(-9, 8)), self._size[1] - WINDOW[1])
        x, y = window.x // CELL, window.y // CELL
        last_row, last_column = (window.y + WINDOW[1] - 1) // CELL, (window.x + WINDOW[0] - 1) // CELL
        self._dragged_over[y : last_row + 1, x : last_column + 1] = True

    def _photographs(self, begin: float, end: float) -> Iterator[tuple[float, Callable[[], None]]]:
        """The desktop's back changes at once."""
        return iter([(begin, self._hang)])

    def _hang(self) -> None:
        height, width = self._back.shape
        self._back = self._photograph(width, height)

    def _playing(self, begin: float, end: float) -> Iterator[tuple[float, Callable[[], None]]]:
        length = self._chance.choice((0.0, 1.0, 2.5))
        return self._every(begin, min(end, begin + length), STEP, self._play)

    def _play(self) -> None:
        """The next picture of the film: noise that grows brighter all the time."""
        level = min(FILM_DARK + FILM_STEP * self._film_shown, 215)
        noise = self._noise.integers(-30, 31, (FILM[1] // 2, FILM[0]))
        grey = np.repeat(level + noise, 2, 0).astype(np.uint32)
        self._film = grey * np.uint32(0x010101)
        self._film_shown += 1


def _put(shown: Words, what: Words, x: int, y: int) -> None:
    part = shown[y : y + what.shape[0], x : x + what.shape[1]]
    part[...] = what[: part.shape[0], : part.shape[1]]
