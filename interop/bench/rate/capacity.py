"""Capacity: what a link carries over time, piecewise constant, and when so many bits are through."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from interop.bench.rate.spec import Steps

Array = npt.NDArray[np.float64]


class Capacity:
    """Steps of (from second, bit/s); zero is an outage, and the last step, which holds on, is none."""

    __slots__ = ("_edges", "_place", "_rates", "rate")

    def __init__(self, steps: Steps) -> None:
        """Raises ValueError for steps that do not begin at 0, do not rise in time, or end in an outage."""
        times = [when for when, _ in steps]
        if not times or times[0] != 0.0 or any(b <= a for a, b in pairwise(times)):
            raise ValueError("steps of capacity begin at 0 and rise in time")
        if min(rate for _, rate in steps) < 0 or steps[-1][1] <= 0:
            raise ValueError("a capacity is not negative, and the last one is not zero")
        self._edges = [*times, math.inf]
        self._rates = [float(rate) for _, rate in steps]
        self._place = 0
        #: Capacity (bit/s) at the moment last returned by `finish`.
        self.rate = self._rates[0]

    def finish(self, start: float, bits: float) -> float:
        """When `bits` that begin at `start` are through. Starts are asked in rising order."""
        edges, rates, place = self._edges, self._rates, self._place
        while edges[place + 1] <= start:
            place += 1
        rate = rates[place]
        end = start + bits / rate if rate else math.inf
        while end > edges[place + 1]:
            bits -= rate * (edges[place + 1] - start)
            place += 1
            start, rate = edges[place], rates[place]
            end = start + bits / rate if rate else math.inf
        self._place = place
        self.rate = rate
        return end

    def at(self, times: Array) -> Array:
        """Capacity (bit/s) at each of `times`."""
        places = np.searchsorted(np.asarray(self._edges[1:-1]), times, side="right")
        return np.asarray(self._rates)[places]

    def carried(self, times: Array, most: float = math.inf) -> Array:
        """Bits that a capacity of at most `most` bit/s carries from 0 to each of `times`."""
        edges = np.asarray(self._edges[:-1])
        rates = np.minimum(np.asarray(self._rates), most)
        sums: Any = np.concatenate(([0.0], np.cumsum(rates[:-1] * np.diff(edges))))
        places = np.searchsorted(edges, times, side="right") - 1
        result: Array = sums[places] + rates[places] * (times - edges[places])
        return result
