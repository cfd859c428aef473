"""Delivered: what the audience has of each cell of the desktop, and what it is still owed (spec 05-media, 5.7.3).

Cells are kept, never pixels: what is owed is sent as it looks by then, once, however often it changed or was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, grid, touched
from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import CELL

NOTHING, PICTURE, EXACT = 0, 1, 2


class Delivered:
    """The cells of a desktop of `width` x `height` pixels; all of them are owed at first."""

    def __init__(self, width: int, height: int) -> None:
        shape = grid(width, height)
        self.size = (width, height)
        #: What was sent last of each cell: nothing, a picture, or exact pixels.
        self.source = np.full(shape, NOTHING, np.uint8)
        #: The object of exact pixels that carried it; -1: none.
        self.carrier = np.full(shape, -1, np.int64)
        #: Cells whose exact pixels are to be sent.
        self.owed: Cells = np.ones(shape, np.bool_)
        #: Cells that somebody has not got as they were sent.
        self._lacked: Cells = np.zeros(shape, np.bool_)
        #: Cells that somebody missed, and that are to be owed again as fast as the slow ones take them.
        self.again: Cells = np.zeros(shape, np.bool_)
        #: Of the owed cells, those that somebody missed.
        self._missed: Cells = np.zeros(shape, np.bool_)

    @property
    def settled(self) -> bool:
        """Whether the audience was sent all of it as exact pixels, whatever of these somebody missed."""
        return not self.owed.any() and bool((self.source == EXACT).all())

    @property
    def exact(self) -> Cells:
        """The cells of which exact pixels were sent as they look now."""
        shown: Cells = (self.source == EXACT) & ~self.owed
        return shown

    @property
    def owed_again(self) -> bool:
        """Whether some of what is owed was missed by somebody."""
        return bool((self._missed & self.owed).any())

    def owe_everything(self) -> None:
        """Somebody comes who has nothing: what pictures show, a picture will bring."""
        self.owed |= self.source != PICTURE
        self._lacked |= self.source != PICTURE

    def owe_missing(self, rows: Iterable[tuple[int, int]]) -> None:
        """Objects of exact pixels, (first, last) each, did not come: what they were the last to carry is to be owed
        again."""
        for first, last in rows:
            self.again |= (self.source == EXACT) & (self.carrier >= first) & (self.carrier <= last)

    def owe_again(self, cells: Cells) -> None:
        """These of the cells that somebody missed are owed now."""
        self.owed |= self.again & cells
        self._lacked |= self.again & cells
        self._missed |= self.again & cells
        self.again &= ~cells

    def sent_exact(self, rects: Iterable[Rect], number: int) -> None:
        """An object of exact pixels carries these rectangles."""
        for rect in rects:
            cells = touched(rect)
            self.source[cells], self.carrier[cells], self.owed[cells] = EXACT, number, False
            self.again[cells] = self._lacked[cells] = self._missed[cells] = False

    def sent_picture(self, rects: Iterable[Rect]) -> None:
        """These rectangles are shown from a picture; exact pixels follow when they rest."""
        for rect in rects:
            cells = touched(rect)
            self.source[cells], self.owed[cells] = PICTURE, False
            self.again[cells] = self._lacked[cells] = self._missed[cells] = False

    def known_from(self, across: int, down: int, waiting: Cells) -> Cells:
        """The cells whose pixels, taken `across` columns further left and `down` rows further up (right, below:
        negative), lie in cells that everybody shows as exact pixels, as they were sent; nor is a picture to come with
        them, as of the `waiting` ones. They may have changed since, and be owed."""
        known = (self.source == EXACT) & ~self._lacked & ~self.again & ~waiting
        width, height = self.size
        first_row, last_row, down_inside = _sources(known.shape[0], down, height)
        first_column, last_column, across_inside = _sources(known.shape[1], across, width)
        rows = known[first_row] & known[last_row]
        found: Cells = rows[:, first_column] & rows[:, last_column]
        found &= down_inside[:, None] & across_inside
        return found


def _sources(count: int, distance: int, side: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Cells]:
    """Of each row (or column) of cells: the first and the last one that it touches when it is moved back by `distance`
    pixels, and whether it stays within 0..side."""
    starts = np.arange(count) * CELL
    ends = np.minimum(starts + CELL, side)
    first, last = (np.clip(at // CELL, 0, count - 1) for at in (starts - distance, ends - 1 - distance))
    return first, last, (starts >= distance) & (ends - distance <= side)
