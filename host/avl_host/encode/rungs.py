"""Rungs: how much of a desktop's size and frame rate a bit rate can carry.

Below some bits per pixel H.264 falls apart: x264 leaves the quantisers that mean something (above 51) and does not
come back, since what it coded so badly is what it predicts from. A smaller or a rarer picture looks better than that.
Text keeps its size and comes less often: made smaller it can't be read (1080p by three quarters: 29.5 dB at best),
while at its own size it is sharp once it rests. Film keeps its frame rate.

The thresholds were measured with this project's encoder in 4:4:4, pictures capped at an equal share of the bit rate:
the least bits per pixel at which the mean quantiser stays at 40 or below and PSNR above 26 dB, between what 1280x720
and 1920x1080 needed. Text: code that scrolls 18 pixels in each sixtieth of a second. Film: textured and grainy, panning
13 pixels in a sixtieth. 4:2:0 needs a third less.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Rung:
    """Each edge of the picture is coded at `scale` of its length, at most `fps` pictures a second."""

    scale: Fraction
    fps: int


@dataclass(frozen=True, slots=True)
class Need:
    """What the pictures of late took: `bits_per_pixel` of a coded picture for a fair quality, at `fps`."""

    bits_per_pixel: float
    fps: int


WHOLE, THREE_QUARTERS, HALF, QUARTER = Fraction(1), Fraction(3, 4), Fraction(1, 2), Fraction(1, 4)
FULL = Rung(WHOLE, 60)
#: Best first.
STILL_LADDER = tuple(Rung(WHOLE, fps) for fps in (60, 30, 20, 15, 10))
MOTION_LADDER = (FULL, Rung(THREE_QUARTERS, 60), *(Rung(HALF, fps) for fps in (60, 30, 20, 15, 10)))
#: What is below that, for who could not be shown anything else.
LOWEST_LADDER = tuple(Rung(scale, fps) for scale in (HALF, QUARTER) for fps in (30, 20, 15, 10))
#: Bits per pixel by frame rate: the rarer the pictures, the less of one is found in the one before.
STILL_BITS = {60: 0.012, 30: 0.020, 20: 0.025, 15: 0.030, 10: 0.040}
MOTION_BITS = {60: 0.050, 30: 0.060, 20: 0.070, 15: 0.080, 10: 0.100}

#: Seconds that the rate must be enough, by MARGIN, before more is tried.
UP_SECONDS = 2.0
MARGIN = 1.15
#: Seconds between changes of scale, each of which costs a key frame.
SCALE_SECONDS = 2.0
#: Rows that a picture made smaller has at least; and for who could not be shown anything else.
LEAST_ROWS, LOWEST_ROWS = 360, 48


class Rungs:
    """Where a track stands. `lowest`: it may become smaller than looks good. Times are seconds of the caller's
    clock."""

    __slots__ = ("_enough_since", "_lowest", "_rung", "_scaled_at", "due")

    def __init__(self, lowest: bool = False) -> None:
        self._lowest = lowest
        self._rung = FULL
        self._scaled_at = float("-inf")
        self._enough_since: float | None = None
        #: When `choose` may decide otherwise although nothing has changed; None: not by itself.
        self.due: float | None = None

    def choose(self, bitrate: int, width: int, height: int, motion: bool, now: float, need: Need | None = None) -> Rung:
        """The rung for `bitrate` bits per second and a desktop of `width` x `height` pixels.

        `motion`: film rather than text. Down at once (by frame rate alone while the scale must stay), up when the rate
        was enough for UP_SECONDS. `need` replaces the measured thresholds by what this very content was found to take.
        """

        def required(rung: Rung) -> float:
            return required_bits(rung.fps, motion, need) * rung.fps * width * height * float(rung.scale**2)

        ladder = list(MOTION_LADDER if motion else STILL_LADDER)
        if self._lowest:
            ladder += [rung for rung in LOWEST_LADDER if rung not in ladder]
        rows = LOWEST_ROWS if self._lowest else LEAST_ROWS
        ladder = [rung for rung in ladder if rung.scale == WHOLE or height * rung.scale >= rows]
        best = next((rung for rung in ladder if required(rung) <= bitrate), ladder[-1])
        current = self._rung
        self.due = None
        if best == current:
            self._enough_since = None
            return current
        scalable = self._scaled_at + SCALE_SECONDS
        if required(current) > bitrate:
            self._enough_since = None
            rates = [Rung(current.scale, fps) for fps in STILL_BITS]
            same = next((rung for rung in rates if required(rung) <= bitrate), None)
            if best.scale != current.scale and (same is not None or now < scalable):
                self.due = None if same is not None else scalable
                best = same or rates[-1]
            return self._take(best, now)
        # From text's rungs to film's, or back, is no climb.
        if required(best) * (MARGIN if current in ladder else 1) > bitrate:
            self._enough_since = None
            return current
        if self._enough_since is None:
            self._enough_since = now
        at = max(self._enough_since + UP_SECONDS, scalable if best.scale != current.scale else now)
        if now >= at:
            return self._take(best, now)
        self.due = at
        return current

    def _take(self, rung: Rung, now: float) -> Rung:
        if rung.scale != self._rung.scale:
            self._scaled_at = now
        self._enough_since = None
        self._rung = rung
        return rung


def required_bits(fps: int, motion: bool, need: Need | None) -> float:
    """Bits per pixel of a coded picture at one of the ladders' frame rates."""
    table = MOTION_BITS if motion else STILL_BITS
    return table[fps] if need is None else need.bits_per_pixel * table[fps] / table[need.fps]
