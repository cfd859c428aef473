"""Halves: an image at half its size, or at a half of that, kept as it changes.

Smooth scaling blends four neighbours for each pixel: below half size it leaves whole pixels out, and thin strokes
break. So it begins from a half, or a half of that, as long as this is no smaller than what is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from avl_protocol.media.frame import Rect


def levels(scale: float) -> int:
    """How often an image is halved that is then shown at `scale`: what is left to do is more than a half."""
    return max(0, math.floor(-math.log2(scale) + 1e-9)) if scale > 0 else 0


class Halves:
    """Of one image, which stays where it is while its pixels change."""

    def __init__(self, image: QImage) -> None:
        self._all = [image]

    def get(self, level: int) -> tuple[QImage, QRectF]:
        """The image halved so often, and the part of it that the whole image is: where that is odd, the last pixel goes
        over its edge. It is made at the first call, and changes with `changed` from then on."""
        while len(self._all) <= level:
            above = self._all[-1]
            made = QImage((above.width() + 1) // 2, (above.height() + 1) // 2, QImage.Format.Format_RGB32)
            self._all.append(made)
            self._halve(len(self._all) - 1, (Rect(0, 0, made.width(), made.height()),))
        whole, parts = self._all[0], 2**level
        return self._all[level], QRectF(0, 0, whole.width() / parts, whole.height() / parts)

    def changed(self, dirty: Iterable[Rect]) -> None:
        """These parts of the image have other pixels now."""
        for level in range(1, len(self._all)):
            dirty = tuple(_half(rect) for rect in dirty)
            self._halve(level, dirty)

    def keep(self, level: int) -> None:
        """No further halves are of use."""
        del self._all[level + 1 :]

    def _halve(self, level: int, parts: Iterable[Rect]) -> None:
        above, made = self._all[level - 1], self._all[level]
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        for part in parts:
            for x, wide, of_x in _pairs(part.x, part.width, above.width()):
                for y, high, of_y in _pairs(part.y, part.height, above.height()):
                    source = QRectF(2 * x, 2 * y, wide * of_x, high * of_y)
                    painter.drawImage(QRectF(x, y, wide, high), above, source)
        painter.end()


def _half(rect: Rect) -> Rect:
    """The pixels of the half that a rectangle has a part in."""
    left, top = rect.x // 2, rect.y // 2
    return Rect(left, top, (rect.x + rect.width + 1) // 2 - left, (rect.y + rect.height + 1) // 2 - top)


def _pairs(at: int, size: int, above: int) -> Iterator[tuple[int, int, int]]:
    """Where pixels of a half begin, how many they are, and of how many pixels each is: the last one of an odd image of
    one alone."""
    whole = min(size, above // 2 - at)
    if whole > 0:
        yield at, whole, 2
    if at + size > above // 2:
        yield above // 2, 1, 1
