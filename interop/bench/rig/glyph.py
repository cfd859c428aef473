"""From the press of a key to its letter in a terminal, as a person who writes sees it.

A real xterm on the host's screen echoes each key. The glass of the viewer is looked at until what the key changed on
the host's screen has changed there: legibly, which is what lossy pictures are measured by, and exactly.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from interop.bench.rig.glass import Glass, Patch
from interop.bench.rig.layout import PARKED, TERMINAL
from interop.bench.rig.measure import (
    ANSWERED,
    HELD,
    LOOK,
    RUNS,
    SETTLES,
    WARM_UP,
    Bench,
    Result,
    first,
    quantile,
    with_usage,
)

Pixels = NDArray[np.uint8]
LETTERS = "abdeghkmnopqrsuvwxz"
#: Letters in a line: fewer than the terminal has columns.
COLUMNS = 40
#: Seconds that the host's terminal has to be unchanged for its answer to be over, and an answer there may take.
OVER, ECHOED = 0.03, 2.0
#: Levels by which a key has to change a pixel for it to count, and the share of those that have to be nearer to new.
CLEAR, LEGIBLE = 64, 0.95


class Look(NamedTuple):
    """A line of the terminal on one glass: seconds, and its pixels."""

    at: float
    pixels: Pixels


def same(one: Pixels, other: Pixels) -> bool:
    """Whether two BGRX pictures of one shape look the same."""
    return bool((one[:, :, :3] == other[:, :, :3]).all())


def legible(shown: Pixels, before: Pixels, after: Pixels) -> bool:
    """Whether a picture is nearer to the line after a key than to the one before it, nearly everywhere the key changed
    it clearly. All BGRX, of one shape."""
    old, new, now = (pixels[:, :, 1].astype(np.int16) for pixels in (before, after, shown))
    clear = np.abs(new - old) > CLEAR
    if not clear.any():
        return False
    nearer = np.abs(now - new)[clear] < np.abs(now - old)[clear]
    return bool(nearer.mean() >= LEGIBLE)


class Answer(NamedTuple):
    """When a key was answered, in seconds: its letter legible on the host's glass, legible on the viewer's, exact
    there; None for what did not happen."""

    drawn: float | None
    legible: float | None
    exact: float | None


def answer(before: Pixels, host: Sequence[Look], viewer: Sequence[Look]) -> Answer:
    """What looks at both glasses say, in their order; the host's last look is how its line ended."""
    after = host[-1].pixels
    if same(after, before):
        return Answer(None, None, None)
    return Answer(
        next((look.at for look in host if legible(look.pixels, before, after)), None),
        next((look.at for look in viewer if legible(look.pixels, before, after)), None),
        next((look.at for look in viewer if same(look.pixels, after)), None),
    )


class Line:
    """The line of the terminal that is being written, on both glasses."""

    def __init__(self, bench: Bench, codes: Sequence[int], newline: int) -> None:
        self._bench = bench
        self._codes = codes
        self._written = 0
        self._newline = newline
        self._host: Patch
        self._viewer: Patch
        self._begin()

    def _begin(self) -> None:
        """A new line; where it is, is what a letter changes on the host's glass. Raises TimeoutError where nothing
        changes."""
        glass = self._bench.host.patch(*TERMINAL)
        for code in (self._newline, self._codes[0]):
            before = glass.read().copy()
            self._tap(code)
            end = time.monotonic() + ECHOED
            while (glass.read() == before).all():
                if time.monotonic() > end:
                    raise TimeoutError("no key reaches the terminal")
                time.sleep(0.01)
            time.sleep(0.3)
        rows = np.flatnonzero((glass.read() != before).any(axis=(1, 2)))
        top, height = TERMINAL.y + int(rows[0]), int(rows[-1] - rows[0]) + 1
        areas = (TERMINAL.x, top, TERMINAL.width, height)
        self._host, self._viewer = (side.patch(*areas) for side in (self._bench.host, self._bench.viewer))
        self._written = 1

    def _tap(self, code: int) -> None:
        self._bench.viewer.key(code, True)
        time.sleep(HELD)
        self._bench.viewer.key(code, False)

    def press(self) -> tuple[float, Answer]:
        """Press the next key; seconds of the press, and how it was answered."""
        if self._written >= COLUMNS:
            self._begin()
        code = self._codes[self._written % len(self._codes)]
        self._written += 1
        glass: Glass = self._bench.viewer
        before = self._host.read().copy()
        host, viewer = [Look(0.0, before)], [Look(0.0, self._viewer.read().copy())]
        start = time.monotonic()
        glass.key(code, True)
        held = True
        while True:
            for looks, patch in ((host, self._host), (viewer, self._viewer)):
                pixels = patch.read()
                if not same(pixels, looks[-1].pixels):
                    looks.append(Look(time.monotonic(), pixels.copy()))
            now = time.monotonic()
            if held and now - start > HELD:
                glass.key(code, False)
                held = False
            over = len(host) > 1 and now - host[-1].at > OVER
            if over and not held and same(viewer[-1].pixels, host[-1].pixels):
                break
            settled = over and now - viewer[-1].at > 10 * OVER and legible(viewer[-1].pixels, before, host[-1].pixels)
            if settled or now - start > ANSWERED:
                break
            time.sleep(LOOK)
        if held:
            glass.key(code, False)
        return start, answer(before, host[1:] or host, viewer[1:])


def keys(bench: Bench, count: int, scene: str) -> Result:
    """Write `count` letters into the terminal at odd intervals, over a desk at rest (`bare`) or beside the film
    (`mixed`).

    `in`: until the terminal has drawn it; `out`: from there until it is legible on the glass; `exact`: until it is
    exact there.
    """
    bench.content.show(scene)
    glass = bench.viewer
    codes = glass.keys(LETTERS)
    newline = glass.keys("\r")[0]
    glass.move(TERMINAL.x + 200, TERMINAL.y + 200)
    time.sleep(SETTLES if scene == "bare" else RUNS)
    glass.press()  # a click gives it the keyboard, there and here
    time.sleep(HELD)
    glass.release()
    time.sleep(0.5)
    glass.move(*PARKED)
    intervals = random.Random(1)
    whole, inward, outward, exact = [], [], [], []
    lost = 0
    with first():
        try:
            line = Line(bench, codes, newline)
        except TimeoutError:
            return {"count": 0, "lost": count, "p50": None, "p95": None}
        before = bench.load.sample()
        for number in range(WARM_UP + count):
            if number == WARM_UP:
                before = bench.load.sample()
            time.sleep(intervals.uniform(0.2, 0.5))
            start, seen = line.press()
            if number < WARM_UP:
                continue
            if seen.drawn is None or seen.legible is None:
                lost += 1
                continue
            whole.append((seen.legible - start) * 1000)
            inward.append((seen.drawn - start) * 1000)
            outward.append((seen.legible - seen.drawn) * 1000)
            if seen.exact is not None:
                exact.append((seen.exact - start) * 1000)
        result: Result = {"count": len(whole), "lost": lost, "exact_percent": round(100 * len(exact) / count, 1)}
        for name, values in (("", whole), ("in_", inward), ("out_", outward), ("exact_", exact)):
            result |= {f"{name}p50": quantile(values, 0.5), f"{name}p95": quantile(values, 0.95)}
        return with_usage(bench, before, result)
