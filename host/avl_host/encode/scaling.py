"""Scaling: the size of a coded picture that is smaller than the desktop, and where changes lie in it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from avl_protocol.media.frame import Rect

#: Coded pixels around a change that may differ too: what scaling to 4:2:0 by one half mixes.
_SEAM = 4
_SMALL = 64


def coded_size(width: int, height: int, scale: Fraction) -> tuple[int, int]:
    """Width and height of the coded picture of a desktop; even if it is scaled, so that it needs no padding.

    A desktop with a side of less than 64 pixels is never scaled: there is nothing to gain.
    """
    if scale == 1 or min(width, height) < _SMALL:
        return width, height
    return _even(width * scale), _even(height * scale)


def coded_rects(rects: Iterable[Rect], width: int, height: int, scale: Fraction) -> tuple[Rect, ...]:
    """The parts of the coded picture that rectangles of a desktop of `width` x `height` touch; they may overlap."""
    if scale == 1:
        return tuple(rects)
    across, down = coded_size(width, height, scale)
    found = []
    for rect in rects:
        left = max(0, math.floor(rect.x * across / width) - _SEAM)
        top = max(0, math.floor(rect.y * down / height) - _SEAM)
        right = min(across, math.ceil((rect.x + rect.width) * across / width) + _SEAM)
        bottom = min(down, math.ceil((rect.y + rect.height) * down / height) + _SEAM)
        found.append(Rect(left, top, right - left, bottom - top))
    return tuple(found)


def _even(size: Fraction) -> int:
    return max(2, round(size / 2) * 2)
