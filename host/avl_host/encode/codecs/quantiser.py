"""QuantiserControl: how coarsely a picture is coded so that it has the size that it may have.

A picture's bits halve with every so many steps of the quantiser. What one kind of picture takes for each pixel is
learnt from those before, so that the next one can be foretold. That bounds no single picture, as x264's buffer does,
but comes near from the second one on.
"""

from __future__ import annotations

import math
from enum import Enum

#: Steps (of 64) that halve the bits: measured with libvpx on film and code, between 7 and 10.
HALVING = 8.0
FINEST, COARSEST = 4, 63
#: Steps from one refinement to the next at most.
STEP = 4
#: How fast what is learnt follows: up at once, since too large a picture costs more than too small a one.
FALLING = 0.3


class Kind(Enum):
    """Kinds of pictures: each with the finest quantiser that it is coded with, and bits for each pixel at quantiser 0
    before any was coded, as a power of two."""

    KEY = (30, 4.0)
    #: A large part has changed.
    MOTION = (30, 2.5)
    CHANGE = (30, 3.0)
    #: The same picture again, finer.
    REFINEMENT = (FINEST, 1.5)

    @property
    def finest(self) -> int:
        """The quantiser that it is coded with where there is room."""
        return self.value[0]

    @property
    def guess(self) -> float:
        """Bits for each pixel before anything is known, as a power of two."""
        return self.value[1]


class QuantiserControl:
    """What is known of one encoder's pictures."""

    def __init__(self) -> None:
        self._takes = {kind: kind.guess for kind in Kind}
        #: The quantiser of the newest picture.
        self.last = COARSEST

    def choose(self, kind: Kind, pixels: int, size: int) -> int:
        """The quantiser of a picture of which `pixels` have changed, so that it has `size` bytes at most."""
        room = math.log2(max(1, size) * 8 / max(1, pixels))
        wanted = math.ceil((self._takes[kind] - room) * HALVING)
        finest = kind.finest
        if kind is Kind.REFINEMENT:
            # What a step takes is known only from the step before, so it is a small one.
            finest = max(finest, self.last - STEP)
        return max(finest, min(wanted, COARSEST))

    def coded(self, kind: Kind, pixels: int, quantiser: int, size: int) -> None:
        """A picture took `size` bytes with this quantiser."""
        takes = math.log2(max(1, size) * 8 / max(1, pixels)) + quantiser / HALVING
        before = self._takes[kind]
        self._takes[kind] = takes if takes > before else before + (takes - before) * FALLING
        self.last = quantiser
