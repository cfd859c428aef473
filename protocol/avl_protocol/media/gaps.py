"""Gaps: which objects of a track a viewer lacks, where it has to ask for what they showed (spec 05-media, 5.7.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from avl_protocol.wire.registry import MAX_MISSING_ROWS

Row = tuple[int, int]


@dataclass(slots=True)
class _Gap:
    """Objects `first` to `last`, missed since `since`."""

    first: int
    last: int
    since: float


class Gaps:
    """The objects from `first` on that have not come. Times are seconds of our clock.

    At most MAX_MISSING_ROWS gaps are told apart; beyond that they count as one, objects between them that came
    included: what is asked for needlessly costs a few bytes.
    """

    def __init__(self, first: int) -> None:
        self._newest = first - 1
        self._gaps: list[_Gap] = []

    @property
    def newest(self) -> int:
        """The highest number that came or was told."""
        return self._newest

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is missing, as (first, last)."""
        return tuple((gap.first, gap.last) for gap in self._gaps)

    def lacks(self, last: int) -> bool:
        """Whether an object up to `last` is missing."""
        return bool(self._gaps) and self._gaps[0].first <= last

    def came(self, number: int, now: float) -> None:
        """An object is here, or is of no use any more."""
        if number > self._newest:
            self._lack(self._newest + 1, number - 1, now)
            self._newest = number
        elif self._gaps:
            self._close(number, number)

    def told(self, newest: int, now: float) -> None:
        """The host says that it has made objects up to `newest`."""
        if newest > self._newest:
            self._lack(self._newest + 1, newest, now)
            self._newest = newest

    def left_out(self, number: int, now: float) -> None:
        """An object came and could not be used."""
        self._lack(number, number, now)

    def replaced(self, rows: Iterable[Row]) -> None:
        """What these objects showed is sent again in others."""
        for first, last in rows:
            self._close(first, last)

    def due(self, now: float, patience: float) -> tuple[Row, ...]:
        """What has been missing for so long, as rows of (first, last); it is missed anew from now on."""
        late = [gap for gap in self._gaps if now >= gap.since + patience]
        for gap in late:
            gap.since = now
        return tuple((gap.first, gap.last) for gap in late)

    def next_check(self, patience: float) -> float | None:
        """When `due` has something to say."""
        return min(gap.since for gap in self._gaps) + patience if self._gaps else None

    def _lack(self, first: int, last: int, now: float) -> None:
        if first > last:
            return
        self._gaps = sorted([*self._gaps, _Gap(first, last, now)], key=lambda gap: gap.first)
        if len(self._gaps) > MAX_MISSING_ROWS:
            since = min(gap.since for gap in self._gaps)
            self._gaps = [_Gap(self._gaps[0].first, max(gap.last for gap in self._gaps), since)]

    def _close(self, first: int, last: int) -> None:
        left: list[_Gap] = []
        for gap in self._gaps:
            if gap.last < first or gap.first > last:
                left.append(gap)
                continue
            if gap.first < first:
                left.append(_Gap(gap.first, first - 1, gap.since))
            if gap.last > last:
                left.append(_Gap(last + 1, gap.last, gap.since))
        self._gaps = left
