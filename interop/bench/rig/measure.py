"""The measurements of presses, of a film, of text that scrolls, of stillness. Each reads two displays and a clock, and
asks nobody else.

They block: the loop that looks at the glass has to have the processor to itself. Times in results are milliseconds
unless their names say otherwise; None stands for what did not happen.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PRIO_PROCESS, getpriority, setpriority
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interop.bench.rig import strip
from interop.bench.rig.content import PRIORITY, Remote
from interop.bench.rig.glass import Glass, Patch
from interop.bench.rig.layout import MARKER, PANE, PARKED, PRESSED, SIZE
from interop.bench.rig.load import Load, Sample, Usage
from interop.bench.rig.pictures import Film, Scroll

#: One measurement, as it goes into the JSON.
Result = dict[str, Any]
#: Seconds between two looks at the glass: what any latency may be too long by.
LOOK = 0.0005
#: Seconds that a button stays down, and that an answer may take.
HELD, ANSWERED = 0.03, 4.0
#: Presses before the first that counts.
WARM_UP = 3
#: Seconds that a scene has to become still, or a film to run evenly, before anything is measured.
SETTLES, RUNS = 5.0, 3.0
#: dB of a picture that counts as settled.
SETTLED_DB = 40.0
#: Frames in motion that are compared with their source, and seconds between two of them: odd, lest they fall into one
#: phase with what moves.
COMPARED, COMPARED_EVERY = 9, 0.21


#: The bits of a BGRX pixel that are seen.
_COLOUR = np.uint32(0xFFFFFF)
#: The rows of the pane between its strips, and clear of what coding does at their edges.
_INSIDE = slice(strip.HEIGHT + 4, PANE.height - strip.HEIGHT - 4)


@dataclass(frozen=True, slots=True)
class Bench:
    """The glass of the host's screen and of the viewer's (one glass twice, where there is no viewer between them)."""

    host: Glass
    viewer: Glass
    content: Remote
    load: Load


def quantile(values: list[float], share: float) -> float | None:
    """The value below which that share of them lies, to 0.1; None without values."""
    return round(float(np.percentile(values, 100 * share)), 1) if values else None


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """dB over red, green and blue of two BGRX pictures of one shape; 99 where they are equal."""
    difference = np.subtract(one[:, :, :3], other[:, :, :3], dtype=np.int16)
    error = float(np.square(difference, dtype=np.int32).mean())
    return 99.0 if error == 0 else round(10 * math.log10(255 * 255 / error), 2)


@contextmanager
def first() -> Iterator[None]:
    """Look at the glass before other programs get the processor, where the system allows that."""
    usual = getpriority(PRIO_PROCESS, 0)
    try:
        setpriority(PRIO_PROCESS, 0, PRIORITY)
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        setpriority(PRIO_PROCESS, 0, usual)


def equal(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Percent of the pixels of two BGRX pictures of one shape that are equal, rounded down: 100 means all."""
    words = [np.ascontiguousarray(pixels).view(np.uint32) for pixels in (one, other)]
    different = int(np.count_nonzero((words[0] ^ words[1]) & _COLOUR))
    return math.floor(10_000 * (words[0].size - different) / words[0].size) / 100


def with_usage(bench: Bench, before: Sample, result: Result) -> Result:
    """A result, with cores by role and bytes since `before`."""
    usage: Usage = bench.load.since(before)
    return {
        **result,
        "cores": dict(usage.cores),
        "bytes_per_second": round(usage.bytes_per_second),
        "seconds": round(usage.seconds, 2),
        "noisy": usage.noisy,
    }


def clicks(bench: Bench, count: int, scene: str) -> Result:
    """Press on the viewer's glass until every row of the marker has changed there; `count` times at odd intervals.

    `in`: from the press to the program on the host; `out`: from what it drew to the glass.
    """
    bench.content.show(scene)
    bench.viewer.move(PRESSED[0] - 3, PRESSED[1])
    time.sleep(SETTLES if scene == "desk" else RUNS)
    bench.viewer.move(*PRESSED)
    column = bench.viewer.patch(MARKER.x + 20, MARKER.y, 4, MARKER.height)
    intervals = random.Random(1)
    whole: list[float] = []
    inward: list[float] = []
    outward: list[float] = []
    lost = 0
    with first():
        before = bench.load.sample()
        for number in range(WARM_UP + count):
            if number == WARM_UP:
                before = bench.load.sample()
            time.sleep(intervals.uniform(0.25, 0.6))
            presses = bench.content.report()["presses"]
            start, end = _click(bench.viewer, column)
            report = bench.content.report()
            if number < WARM_UP:
                continue
            if end is None:
                lost += 1
                continue
            whole.append((end - start) / 1e6)
            if report["presses"] == presses + 1:
                inward.append((report["pressed_at"] - start) / 1e6)
                outward.append((end - report["drawn_at"]) / 1e6)
        result: Result = {"count": len(whole), "lost": lost}
        for name, values in (("", whole), ("in_", inward), ("out_", outward)):
            result |= {f"{name}p50": quantile(values, 0.5), f"{name}p95": quantile(values, 0.95)}
        return with_usage(bench, before, result)


def _click(glass: Glass, column: Patch) -> tuple[int, int | None]:
    """Press and release; nanoseconds of the press, and of the first look at which all rows had changed."""
    dark = column.read()[:, :, 1].mean() < 127
    start = time.monotonic_ns()
    glass.press()
    held = True
    end = None
    while end is None and time.monotonic_ns() - start < ANSWERED * 1e9:
        shades = column.read()[:, :, 1]
        if (shades > 140).all() if dark else (shades < 115).all():
            end = time.monotonic_ns()
        if held and time.monotonic_ns() - start > HELD * 1e9:
            glass.release()
            held = False
        time.sleep(LOOK)
    if held:
        time.sleep(max(0.0, HELD - (time.monotonic_ns() - start) / 1e9))
        glass.release()
    return start, end


def film(bench: Bench, seconds: float) -> Result:
    """Frames of the film that reach the glass, how old they are then, and how good: the median of some in motion."""
    result = _frames(bench, "film", seconds)
    source = Film()
    values = [psnr(shown, source.frame(number)[_INSIDE]) for number, shown in _in_motion(bench.viewer)]
    return result | {"psnr_db": quantile(values, 0.5)}


def scroll(bench: Bench, seconds: float) -> Result:
    """The same of text that scrolls, with the percentage of its pixels that are exact while it does: of the median
    frame and of the worst."""
    result = _frames(bench, "scroll", seconds)
    source = Scroll()
    values = [equal(shown, source.frame(number)[_INSIDE]) for number, shown in _in_motion(bench.viewer)]
    return result | {"exact_percent": quantile(values, 0.5), "exact_least": min(values, default=None)}


def _frames(bench: Bench, scene: str, seconds: float) -> Result:
    """Frames that reach the glass whole (both strips say the same), and how old they are then."""
    bench.content.show(scene)
    bench.viewer.move(*PARKED)
    time.sleep(RUNS)
    strips = [bench.viewer.patch(PANE.x, PANE.y + row, PANE.width, 1) for row in (strip.UPPER, strip.LOWER)]
    seen: list[bytes] = [b"", b""]
    readings: list[strip.Reading | None] = [None, None]
    shown: dict[int, float] = {}
    times: list[float] = []
    with first():
        before = bench.load.sample()
        frames = bench.content.report()["frames"]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for patch in strips:
                patch.ask()
            rows = [patch.take()[0] for patch in strips]
            now = time.monotonic_ns()
            for place, row in enumerate(rows):
                if (pixels := row.tobytes()) != seen[place]:
                    seen[place] = pixels
                    readings[place] = strip.decode(row)
            upper, lower = readings
            if upper is not None and upper == lower and upper.number not in shown:
                shown[upper.number] = (now // 1000 - upper.microseconds) / 1000
                times.append(now / 1e6)
            time.sleep(LOOK)
        drawn = bench.content.report()["frames"] - frames
        result = with_usage(bench, before, {})
    taken = result["seconds"]
    ages = list(shown.values())
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return result | {
        "drawn_fps": round(drawn / taken, 1),
        "fps": round(len(shown) / taken, 1),
        "p50": quantile(ages, 0.5),
        "p95": quantile(ages, 0.95),
        "gap_p95": quantile(gaps, 0.95),
    }


def _in_motion(glass: Glass) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Frames as the glass shows them whole, by number, without their strips: COMPARED of them, or what came in time."""
    pane = glass.patch(*PANE)
    end = time.monotonic() + 2 * COMPARED
    found = 0
    while found < COMPARED and time.monotonic() < end:
        time.sleep(COMPARED_EVERY)
        pixels = pane.read().copy()
        upper, lower = strip.decode(pixels[strip.UPPER]), strip.decode(pixels[strip.LOWER])
        if upper is not None and upper == lower:
            found += 1
            yield upper.number, pixels[_INSIDE]


def still(bench: Bench, seconds: float) -> Result:
    """What nothing costs: `cores` and `bytes_per_second` while the screen does not change."""
    bench.content.show("desk")
    bench.viewer.move(*PARKED)
    time.sleep(SETTLES + 3)
    before = bench.load.sample()
    time.sleep(seconds)
    return with_usage(bench, before, {})


def first_picture(bench: Bench, since: float, patience: float) -> float | None:
    """Seconds from `since` (monotonic) until the viewer's glass shows the host's screen; None after `patience`."""
    glass, truth = (side.patch(0, 0, *SIZE) for side in (bench.viewer, bench.host))
    while time.monotonic() - since < patience:
        sparse = [np.ascontiguousarray(patch.read()[::8, ::8]) for patch in (glass, truth)]
        if psnr(*sparse) >= 20:
            return round(time.monotonic() - since, 3)
        time.sleep(0.02)
    return None
