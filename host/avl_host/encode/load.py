"""Load: whether coding a film takes so much of the time between two pictures that lighter coding is called for.

A machine that codes at the edge of its time drops pictures as soon as anything else wants a core, and the viewer is
often on it or on one like it. What is lighter to code is lighter to decode.
"""

from __future__ import annotations

#: Of the time between two pictures, what converting and encoding one may take before coding becomes lighter.
HEAVY_PART = 0.4
#: How much one picture counts, and after how many it is known what one takes.
WEIGHT, ENOUGH = 0.1, 20


class Load:
    """Fed with every picture of a film. `rate`: the most pictures per second."""

    __slots__ = ("_count", "_limit", "_mean", "heavy")

    def __init__(self, rate: int) -> None:
        self._limit = HEAVY_PART / rate
        self.forget()

    def forget(self) -> None:
        """The film has ended: the next one begins as if the machine had time."""
        self._count, self._mean = 0, 0.0
        #: Once it was too much it stays so until the film ends: back and forth would cost key pictures.
        self.heavy = False

    def coded(self, seconds: float) -> None:
        """Converting and encoding a picture took so long."""
        self._count += 1
        self._mean += max(WEIGHT, 1 / self._count) * (seconds - self._mean)
        if self._count >= ENOUGH and self._mean > self._limit:
            self.heavy = True
