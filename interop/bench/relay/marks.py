"""Marks: when each object left its host and when each viewer had it whole, in a file that all processes of one
measurement write to at once.

Every process has mapped the same file and writes to places of its own, so that nothing has to be sent while the clock
runs. Times are CLOCK_MONOTONIC's in seconds, which all processes of a machine share; 0 where nothing has happened.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Objects of one measurement; two minutes at 60 a second.
OBJECTS = 7200
_ITEM = 8


class Marks:
    """What is known of `viewers` viewers; the file is made where it is not there yet.

    `due`, `left`, shape (OBJECTS,): when an object was handed to its sender, and when its last datagram had been sent.
    `came`, shape (viewers, OBJECTS): when a viewer had it whole. `datagrams`, shape (viewers,): how many of media came.
    """

    def __init__(self, path: Path, viewers: int) -> None:
        size = ((2 + viewers) * OBJECTS + viewers) * _ITEM
        with path.open("ab") as made:
            made.truncate(size)
        with path.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), size)
        times: NDArray[np.float64] = np.frombuffer(self._map, np.float64, (2 + viewers) * OBJECTS)
        rows = times.reshape(2 + viewers, OBJECTS)
        self.due, self.left, self.came = rows[0], rows[1], rows[2:]
        self.datagrams: NDArray[np.int64] = np.frombuffer(self._map, np.int64, viewers, times.nbytes)

    def leave(self, first: int, behind: int, now: float) -> None:
        """Objects from `first` up to the one before `behind` have been sent."""
        self.left[first:behind] = now
