"""Resampler: samples at a speed that differs from 1 by less than a hundredth, and changes as it goes.

Four points and a cubic through the inner two (Hermite): at such speeds what it adds lies 60 dB below the sound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Resampler:
    """Floats of `channels`, interleaved."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        #: Frames that were not used up: the three before the place, and what follows.
        self._frames: NDArray[np.float32] = np.zeros((3, channels), np.float32)
        #: The place of the next frame that is made, behind the first of those.
        self._at = 1.0
        self._made: list[NDArray[np.float32]] = []
        #: Frames that can be taken.
        self.ready = 0

    def put(self, samples: bytes, speed: float) -> None:
        """These follow, to be played `speed` times as fast."""
        more = np.frombuffer(samples, np.float32).reshape(-1, self._channels)
        frames = np.concatenate((self._frames, more))
        count = max(0, int(np.ceil((len(frames) - 2 - self._at) / speed)))
        places = self._at + speed * np.arange(count)
        whole = places.astype(np.int64)
        part = (places - whole).astype(np.float32)[:, None]
        before, here, behind, further = (frames[whole + n] for n in (-1, 0, 1, 2))
        slope, next_slope = (behind - before) / 2, (further - here) / 2
        cubic, square = 2 * (here - behind) + slope + next_slope, 3 * (behind - here) - 2 * slope - next_slope
        made = np.asarray(((cubic * part + square) * part + slope) * part + here, np.float32)
        self._made.append(made)
        self.ready += count
        end = self._at + speed * count
        used = int(end) - 1
        self._frames, self._at = frames[used:], end - used

    def take(self, count: int) -> bytes:
        """So many of the frames that are ready."""
        made = np.concatenate(self._made)
        self._made = [made[count:]]
        self.ready -= count
        return made[:count].tobytes()
