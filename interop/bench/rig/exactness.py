"""How a page of text that appears becomes what it is: percentage of exact pixels over time, and the bytes it took."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from interop.bench.rig.layout import PARKED, SIZE
from interop.bench.rig.measure import RUNS, SETTLED_DB, Bench, Result, equal, psnr, with_usage

#: Seconds that the page may take, and between two looks at it: a look costs the machine a few milliseconds.
WITHIN, LOOKED = 8.0, 0.03
#: Rows of which one is compared, until all that are compared are exact; and looks of which one tells dB, which is dear.
SPARSE, SHARPNESS = 4, 4
#: Seconds after which the share of exact pixels is told, and the sharpness in dB.
TOLD, SHARP = (0.5, 1.0, 2.0), 4.0


class Look(NamedTuple):
    """The page at one moment: seconds since it appeared, percent of exact pixels, dB where that was asked, and bytes
    that crossed until then."""

    at: float
    exact: float
    decibels: float | None
    carried: int


def course(looks: list[Look]) -> Result:
    """What is told of looks at a page, in their order, the last one being how it ended. Times are seconds; None for
    what did not happen."""
    whole = next((look for look in looks if look.exact == 100), None)
    told = [look for look in looks if look.decibels is not None]
    settled = next((look.at for look in told if (look.decibels or 0) >= SETTLED_DB), None)
    result: Result = {
        "settled_s": None if settled is None else round(settled, 3),
        "exact_s": None if whole is None else round(whole.at, 3),
        "kilobytes": round((whole or looks[-1]).carried / 1000, 1),
        "psnr_db": _at(told, SHARP).decibels if told else None,
        "exact_end": looks[-1].exact,
    }
    result |= {f"exact_{round(moment * 1000)}ms": _at(looks, moment).exact for moment in TOLD}
    return result | {"course": [[round(look.at, 3), *look[1:]] for look in looks]}


def _at(looks: list[Look], moment: float) -> Look:
    """The last look until then; the first where there is none that early."""
    return next((look for look in reversed(looks) if look.at <= moment), looks[0])


def page(bench: Bench) -> Result:
    """A page of small coloured text replaces a plain screen; the glass is compared with the host's until all is exact,
    for at most WITHIN seconds."""
    bench.content.show("plain")
    bench.viewer.move(*PARKED)
    time.sleep(RUNS)
    glass = bench.viewer.patch(0, 0, *SIZE)
    before = bench.load.sample()
    start = bench.content.show("page")["now"] / 1e9
    truth = bench.host.patch(0, 0, *SIZE).read().copy()
    looks: list[Look] = []
    while not looks or (looks[-1].exact < 100 and looks[-1].at < WITHIN):
        pixels = glass.read()
        at, carried = time.monotonic() - start, bench.load.carried() - before.carried
        exact = compare(pixels, truth)
        sharp = 99.0 if exact == 100 else psnr(pixels, truth) if len(looks) % SHARPNESS == 0 else None
        looks.append(Look(at, exact, sharp, carried))
        time.sleep(LOOKED)
    result = with_usage(bench, before, course(looks))
    bench.content.show("desk")
    return result


def compare(pixels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Percent of exact pixels of two BGRX pictures: of one row in SPARSE while those differ, then of all."""
    some = equal(pixels[::SPARSE], truth[::SPARSE])
    return equal(pixels, truth) if some == 100 else some
