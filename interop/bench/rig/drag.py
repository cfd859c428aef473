"""A window that is dragged by its title: how many of its places reach the glass, how late, and how exact.

The pointer is moved on the viewer's glass, 60 times a second, and what it drags is looked for there: a place that is
seen is as old as the move to it. So the whole way is in the figure: pointer to host, window manager, and picture back.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import numpy as np

from interop.bench.rig import carried
from interop.bench.rig.layout import CARRIED, DRAGGED, FRAMES_PER_SECOND, PARKED, SIZE
from interop.bench.rig.measure import (
    COMPARED_EVERY,
    HELD,
    LOOK,
    SETTLES,
    Bench,
    Result,
    equal,
    first,
    quantile,
    with_usage,
)

#: Pixels between two places, the way back being between those of the way there: so no place is met on both.
STEP = 12
#: Where the title is held: pixels right of the window's left edge and above its picture.
HELD_AT = (200, 8)
#: Seconds for a window manager to begin, and for a window to come to rest.
BEGINS = 1.0
_ROWS = (CARRIED.y + carried.UPPER, CARRIED.y + carried.LOWER)
_INSIDE = slice(carried.HEIGHT + 4, CARRIED.height - carried.HEIGHT - 4)


def places() -> Iterator[int]:
    """Left edges of the window, for ever: there in steps, and back in steps between them."""
    left, right = DRAGGED
    while True:
        yield from range(left, right, STEP)
        yield from range(right - STEP // 2, left, -STEP)


def candidates() -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Every left edge that `places` knows."""
    left, right = DRAGGED
    return np.arange(left, right, STEP // 2, dtype=np.intp)


class Moves:
    """When the window was last moved to each place."""

    def __init__(self) -> None:
        self._at: dict[int, float] = {}
        self.count = 0

    def moved(self, place: int, now: float) -> None:
        """The pointer has been moved so that the window comes to `place`."""
        self._at[place] = now
        self.count += 1

    def age(self, place: int, now: float) -> float | None:
        """Seconds since then; None where it was never moved there."""
        at = self._at.get(place)
        return None if at is None else now - at


def drag(bench: Bench, seconds: float) -> Result:
    """Drag the window there and back; None for times where it did not follow."""
    bench.content.show("bare")
    glass = bench.viewer
    x, y = CARRIED.x + HELD_AT[0], CARRIED.y - HELD_AT[1]
    glass.move(x, y)
    time.sleep(SETTLES)
    glass.press()
    time.sleep(HELD)
    for step in range(1, 5):  # a window manager waits for a few pixels before it takes it for a drag
        glass.move(x + step * STEP, y)
        time.sleep(0.05)
    time.sleep(BEGINS)
    every = np.arange(SIZE[0] - CARRIED.width, dtype=np.intp)
    at = carried.locate(bench.host.patch(0, _ROWS[0], SIZE[0], 1).read()[0], every)
    try:
        if at is None or at == CARRIED.x:
            return {"fps": 0.0, "p50": None, "p95": None, "failure": "the window does not follow the pointer"}
        return _watched(bench, seconds, x + 4 * STEP - at, y)
    finally:
        glass.release()
        time.sleep(HELD)
        glass.move(*PARKED)


def _watched(bench: Bench, seconds: float, offset: int, y: int) -> Result:
    """`offset`: columns from the window's left edge to the pointer."""
    glass = bench.viewer
    rows = [glass.patch(0, row, SIZE[0], 1) for row in _ROWS]
    window = glass.patch(0, CARRIED.y, SIZE[0], CARRIED.height)
    known, source = candidates(), carried.picture()[_INSIDE]
    moves, ages, times, exact = Moves(), list[float](), list[float](), list[float]()
    shown: int | None = None
    with first():
        before = bench.load.sample()
        now = start = time.monotonic()
        compared = start + COMPARED_EVERY
        path = places()
        while now - start < seconds:
            if now - start >= moves.count / FRAMES_PER_SECOND:
                place = next(path)
                glass.move(place + offset, y)
                moves.moved(place, time.monotonic())
            for patch in rows:
                patch.ask()
            upper, lower = (carried.locate(patch.take()[0], known) for patch in rows)
            now = time.monotonic()
            if upper is not None and upper == lower and upper != shown:
                shown = upper
                if (age := moves.age(upper, now)) is not None:
                    ages.append(age * 1000)
                    times.append(now * 1000)
                if now >= compared:
                    compared = now + COMPARED_EVERY
                    pixels = window.read()
                    if carried.locate(pixels[carried.LOWER], known) == upper:
                        exact.append(equal(pixels[_INSIDE, upper : upper + CARRIED.width], source))
            time.sleep(LOOK)
        result = with_usage(bench, before, {})
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return result | {
        "moves_per_second": round(moves.count / result["seconds"], 1),
        "fps": round(len(ages) / result["seconds"], 1),
        "p50": quantile(ages, 0.5),
        "p95": quantile(ages, 0.95),
        "gap_p95": quantile(gaps, 0.95),
        "exact_percent": quantile(exact, 0.5),
        "exact_least": min(exact, default=None),
    }
