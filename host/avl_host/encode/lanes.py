"""Lanes: by which of its two tracks each change of the desktop travels (spec 05-media, 5.7.3).

Exact pixels are for what changes a little, rarely, or by scrolling; pictures for what goes on changing and is made of
many colours, for a sudden change that exact pixels would take too long for, and for whatever changes faster than the
rate lets exact pixels follow. What pictures have begun to show they go on showing while it moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, touched
from avl_host.encode.activity import BUSY, Activity, spread, tiles
from avl_host.encode.delivered import PICTURE, Delivered
from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import CELL

#: A sudden change of many colours goes by picture if it takes longer than this, in seconds of the rate; between these
#: bounds, in bytes.
SUDDEN_SECONDS = 0.05
SUDDEN_LEAST, SUDDEN_MOST = 24_000, 256_000
#: A cell that changed so often before its exact pixels were sent is too fast for them.
OVERTAKEN = 4
#: Seconds without a change after which what a picture shows is at rest.
REST = 0.2


@dataclass(frozen=True, slots=True)
class Sorted:
    """The cells of a change that travel as exact pixels, and those that travel as pictures."""

    exact: Cells
    pictures: Cells


class Lanes:
    """Decides for one desktop. Times are seconds of the caller's clock."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.activity = Activity(shape)
        self._overtaken = np.zeros(shape, np.int16)

    def sort(
        self,
        changed: Cells,
        cost: NDArray[np.float32],
        delivered: Delivered,
        place: Rect | None,
        rate: float,
        now: float,
    ) -> Sorted:
        """Divide what has changed. `cost`: bytes that the exact pixels of each changed cell take; `rate`: bytes per
        second that may be sent; `place`: what pictures are of."""
        self.activity.note(changed, now)
        self._overtaken[changed & delivered.owed] += 1
        rough = cost >= BUSY * CELL * CELL
        busy = spread(tiles(changed & rough), changed.shape)
        pictures = changed & busy & self.activity.hot
        sudden = min(max(SUDDEN_LEAST, rate * SUDDEN_SECONDS), SUDDEN_MOST)
        if float(cost[rough].sum()) > sudden:
            pictures |= changed & rough
        pictures |= changed & (self._overtaken >= OVERTAKEN)
        if place is not None:
            inside = np.zeros_like(changed)
            inside[touched(place)] = True
            pictures |= changed & inside & (delivered.source == PICTURE)
        self._overtaken[pictures] = 0
        return Sorted(changed & ~pictures, pictures)

    def sent_exact(self, delivered: Delivered) -> None:
        """Exact pixels were sent: who is owed none is not overtaken."""
        self._overtaken[~delivered.owed] = 0

    def at_rest(self, delivered: Delivered, now: float) -> Cells:
        """What pictures show and has not changed for a while."""
        resting: Cells = (delivered.source == PICTURE) & (self.activity.changed_at <= now - REST)
        return resting

    def rests_at(self, delivered: Delivered) -> float | None:
        """When the next cell that pictures show comes to rest; None where they show nothing that is not owed."""
        shown = (delivered.source == PICTURE) & ~delivered.owed
        return float(self.activity.changed_at[shown].min()) + REST if shown.any() else None
