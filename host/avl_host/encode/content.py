"""Content: whether the screen shows a film or text, and what its pictures take, from the pictures themselves."""

from __future__ import annotations

import math

from avl_host.encode.rungs import FULL, Need, required_bits

#: A change of this part of the picture or more is large.
LARGE_PART = 0.125
#: Motion begins when large changes went on for so much of the last second or so, and ends below the other.
BEGIN, END = 0.6, 0.3
SECONDS = 1.0
#: Pictures further apart than this, in seconds, leave stillness between them.
APART = 0.2
#: The quantiser of fair quality; how many of its steps halve the bits; and between which that holds: text takes hardly
#: less when it is coarser, and beyond 40 a few bits decide over much.
FAIR_QP, HALVING_STEPS = 36.0, 6.0
FINEST_QP, COARSEST_QP = 24.0, 40.0
#: Above this a picture is ruined (H.264 ends at 51), and what it took tells nothing: a film is assumed.
RUINED_QP = 51.0
#: How much one picture counts in the geometric mean, which a cut to another scene does not spoil.
WEIGHT = 0.15
#: A film takes at least so many bits per pixel at 60 pictures a second; text that scrolls takes less.
FILM_BITS = 0.02
NOTHING = Need(0.0, FULL.fps)
#: So that rounding does not make `due` come too early.
_HAIR = 1e-6


class Content:
    """Fed with every coded picture. Times are seconds of the caller's clock."""

    __slots__ = ("_at", "_busy", "_busy_until", "_moving", "need")

    def __init__(self) -> None:
        self._at = self._busy_until = 0.0
        self._busy = 0.0
        self._moving = False
        #: What the large changes take that go on now; nothing when there are only small or single ones.
        self.need = NOTHING

    @property
    def motion(self) -> bool:
        """Whether the screen shows a film rather than text, be it at rest or scrolling."""
        return self._moving and required_bits(FULL.fps, True, self.need) >= FILM_BITS

    @property
    def due(self) -> float | None:
        """When large changes will have ended if nothing more changes; None when there are none."""
        if self._busy < END:
            return None
        busy = 1 - (1 - self._busy) * math.exp(-max(0.0, self._busy_until - self._at) / SECONDS)
        return max(self._at, self._busy_until) + SECONDS * math.log(busy / END) + _HAIR

    def coded(self, part: float, bits_per_pixel: float, quantiser: float | None, fps: int, now: float) -> None:
        """A picture was coded of which `part` (0 to 1) had changed, at most `fps` a second."""
        self.passed(now)
        if part < LARGE_PART:
            return
        self._busy_until = now + APART
        if quantiser is None or self._busy < END:
            return
        over = max(FINEST_QP, min(quantiser, COARSEST_QP)) - FAIR_QP
        taken = bits_per_pixel * 2 ** (over / HALVING_STEPS)
        if quantiser > RUINED_QP:
            taken = max(taken, required_bits(fps, True, None))
        before = required_bits(fps, self.motion, None if self.need is NOTHING else self.need)
        self.need = Need(before ** (1 - WEIGHT) * taken**WEIGHT, fps)

    def passed(self, now: float) -> None:
        """Time has passed."""
        since = max(0.0, now - self._at)
        large = max(0.0, min(now, self._busy_until) - self._at) if since else 0.0
        self._at = now
        self._busy = 1 - (1 - self._busy) * math.exp(-large / SECONDS)
        self._busy *= math.exp(-(since - large) / SECONDS)
        if self._busy > BEGIN:
            self._moving = True
        elif self._busy < END:
            # What a film took says nothing about the text behind it.
            self._moving, self.need = False, NOTHING
