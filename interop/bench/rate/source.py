"""Source: an encoder made of random numbers, which follows a target bitrate as real ones do.

Sizes scatter log-normally around the frame's budget, the target takes effect one frame late, a scene change or key
frame costs several budgets and is paid back by the frames that follow, and a still screen costs nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from random import Random

from interop.bench.rate.spec import SourceProfile, Spans

#: Least size of a coded picture, in bytes: headers and a map of blocks that did not change.
LEAST = 60
#: How much of a frame's budget goes into paying back an earlier large frame.
PAY_BACK = 0.5


class Source:
    """Pictures of one flow. `rmin` and `rmax` bound the bitrate (bit/s) whatever the target; in `pauses` nothing is
    sent."""

    def __init__(
        self, *, rng: Random, profile: SourceProfile, rmin: float = 0.0, rmax: float = math.inf, pauses: Spans = ()
    ) -> None:
        self._rng = rng
        self._profile = profile
        self._rmin = rmin
        self._rmax = rmax
        self._quiet = sorted([*profile.idle, *pauses])
        self._starts = [start for start, _ in self._quiet]
        self._pauses = pauses
        self._target: float | None = None
        self._debt = 0.0
        self._scene = self._gap() if profile.scene_every else math.inf
        self._cursor = 0.0
        #: When frames with a scene change were captured.
        self.scenes: list[float] = []

    def _gap(self) -> float:
        return self._profile.scene_every * self._rng.uniform(0.75, 1.25)

    def active(self, now: float) -> bool:
        """Whether the screen moves."""
        place = bisect_right(self._starts, now) - 1
        return place < 0 or now >= self._quiet[place][1]

    def tick(self, now: float, target_bitrate: float, key: bool, most: int | None) -> int | None:
        """Capture: the size in bytes of the frame of `now`, at most `most`; None when there is nothing to send.

        Asked `fps` times a second, less often where the flow skips pictures. `target_bitrate` (bit/s) counts from the
        next frame on. A `key` frame is made of a still screen as well, but never during a pause.
        """
        target = min(max(target_bitrate, self._rmin), self._rmax)
        applied, self._target = self._target, target
        if not self.active(now):
            return self._still(now, target, key, most)
        budget = (target if applied is None else applied) / (8 * self._profile.fps)
        sigma = self._profile.sigma
        usual = budget * math.exp(self._rng.gauss(-sigma * sigma / 2, sigma))
        size = usual - min(self._debt, PAY_BACK * usual)
        paid = usual - size
        factor = self._profile.key_factor if key else 1.0
        if now >= self._scene:
            self._scene = now + self._gap()
            factor = max(factor, self._rng.uniform(*self._profile.scene_factor))
            self.scenes.append(now)
        if factor > 1.0:
            size, paid = usual * factor, 0.0
        if most is not None:
            size = min(size, most)
        self._debt = max(0.0, self._debt - paid)
        if factor > 1.0:
            self._debt += max(0.0, size - usual)
        return max(LEAST, int(size))

    def _still(self, now: float, target: float, key: bool, most: int | None) -> int | None:
        """A still screen: a pointer now and then, and key frames if they are asked for."""
        if any(start <= now < stop for start, stop in self._pauses):
            return None
        self._debt = 0.0
        if key:
            size = int(self._profile.key_factor * target / (8 * self._profile.fps))
            return max(LEAST, size if most is None else min(size, most))
        if now < self._cursor:
            return None
        self._cursor = now + self._rng.expovariate(1 / self._profile.cursor_every)
        return self._profile.cursor_size
