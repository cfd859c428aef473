"""The timing of a mode that a monitor is to show: VESA CVT 1.2 with reduced blanking, at 60 Hz.

Displays without a monitor take any timing; those with one take this, or refuse it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_RATE = 60.0
#: Pixels: blanking, front porch and pulse of a line; lines: front porch of a picture, the least behind it.
_BLANK, _FRONT, _PULSE = 160, 48, 32
_LINES_FRONT, _LINES_BACK = 3, 6
#: Seconds that a picture is blank at least, and the step of the clock in Hz.
_LEAST_BLANK, _STEP = 460e-6, 250_000
#: Lines of the pulse by the shape of the picture, which is how monitors tell them apart; ten where it is another.
_SHAPES = ((4 / 3, 4), (16 / 9, 5), (16 / 10, 6), (5 / 4, 7), (15 / 9, 7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A mode: `clock` in Hz; where pulses begin and end, and how long lines and pictures are, in pixels and lines."""

    width: int
    height: int
    clock: int
    line_pulse: tuple[int, int]
    line: int
    picture_pulse: tuple[int, int]
    picture: int


def timing(width: int, height: int) -> Timing:
    """The timing of a mode of this size."""
    pulse = next((lines for shape, lines in _SHAPES if abs(width / height - shape) < 0.01), 10)
    line_time = (1 / _RATE - _LEAST_BLANK) / height
    blank = max(math.floor(_LEAST_BLANK / line_time) + 1, _LINES_FRONT + pulse + _LINES_BACK)
    line, picture = width + _BLANK, height + blank
    clock = math.floor(_RATE * line * picture / _STEP) * _STEP
    return Timing(
        width=width,
        height=height,
        clock=clock,
        line_pulse=(width + _FRONT, width + _FRONT + _PULSE),
        line=line,
        picture_pulse=(height + _LINES_FRONT, height + _LINES_FRONT + pulse),
        picture=picture,
    )
