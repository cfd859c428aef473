"""Marks: others' pointers and everybody's strokes, as a viewer keeps them to draw them over the picture (spec
04-session, 4.10). They fade by themselves, and are bounded whatever a host says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from avl_protocol.wire.endtoend import Cleared, Drawn, Points
from avl_protocol.wire.registry import (
    MAX_DRAWN_POINTS,
    MAX_DRAWN_RATE,
    MAX_PEOPLE,
    MAX_PICTURE_SIDE,
    MAX_STROKE_POINTS,
    T_POINTED,
    T_STROKE,
)

Place = tuple[int, ...]
#: What a host tells of marks.
Mark = Points | Drawn | Cleared
#: Seconds in which a pointer or stroke fades, before it is gone, and between two steps of it.
FADING, STEP = 1.0, 0.1
#: Points of one person that are kept: no more can be there by the host's own rules.
_MOST = MAX_DRAWN_POINTS + round(MAX_DRAWN_RATE * T_STROKE)


@dataclass(frozen=True, slots=True)
class PointerMark:
    """A pointer, in desktop pixels. `opacity`: 1 while it is new, 0 when it is gone."""

    person: int
    x: int
    y: int
    laser: bool
    opacity: float


@dataclass(frozen=True, slots=True)
class StrokeMark:
    """A stroke through these desktop pixels."""

    person: int
    points: tuple[Place, ...]
    opacity: float


@dataclass(slots=True)
class _Pointer:
    x: int
    y: int
    laser: bool
    at: float


@dataclass(slots=True)
class _Stroke:
    points: tuple[Place, ...]
    at: float


class Marks:
    """What is there now. Times are seconds of the caller's clock."""

    def __init__(self) -> None:
        self._pointers: dict[int, _Pointer] = {}
        #: Person -> its strokes by number, the oldest first.
        self._strokes: dict[int, dict[int, _Stroke]] = {}

    def take(self, mark: Mark, now: float) -> None:
        """The host has told this; what is no mark is left out."""
        self._fade(now)
        if isinstance(mark, Points):
            for row in mark.rows:
                if len(row) == 4 and _is_place(row[1:3]) and _room(self._pointers, row[0]):
                    self._pointers[row[0]] = _Pointer(row[1], row[2], bool(row[3]), now)
        elif isinstance(mark, Drawn):
            self._drawn(mark, now)
        elif mark.person:
            self._strokes.pop(mark.person, None)
        else:
            self._strokes.clear()

    def _drawn(self, mark: Drawn, now: float) -> None:
        if not mark.points or not all(map(_is_place, mark.points)) or not _room(self._strokes, mark.person):
            return
        strokes = self._strokes.setdefault(mark.person, {})
        before = strokes.get(mark.stroke)
        points = (before.points if before is not None else ()) + mark.points
        strokes[mark.stroke] = _Stroke(points[:MAX_STROKE_POINTS], now)
        while sum(len(stroke.points) for stroke in strokes.values()) > _MOST:
            del strokes[next(iter(strokes))]

    def clear(self) -> None:
        """Nothing is there any more: another session begins."""
        self._pointers.clear()
        self._strokes.clear()

    def pointers(self, now: float) -> list[PointerMark]:
        """Pointers to draw."""
        return [
            PointerMark(person, one.x, one.y, one.laser, opacity)
            for person, one in self._pointers.items()
            if (opacity := _opacity(one.at + T_POINTED, now)) > 0
        ]

    def strokes(self, now: float) -> list[StrokeMark]:
        """Strokes to draw."""
        return [
            StrokeMark(person, one.points, opacity)
            for person, strokes in self._strokes.items()
            for one in strokes.values()
            if (opacity := _opacity(one.at + T_STROKE, now)) > 0
        ]

    def next_change(self, now: float) -> float | None:
        """When something looks another way than now though nobody does anything; None: never."""
        self._fade(now)
        ends = [one.at + T_POINTED for one in self._pointers.values()]
        ends += [one.at + T_STROKE for strokes in self._strokes.values() for one in strokes.values()]
        return min((max(end - FADING, now + STEP) for end in ends), default=None)

    def _fade(self, now: float) -> None:
        self._pointers = {person: one for person, one in self._pointers.items() if now < one.at + T_POINTED}
        for person, strokes in list(self._strokes.items()):
            left = {number: one for number, one in strokes.items() if now < one.at + T_STROKE}
            if left:
                self._strokes[person] = left
            else:
                del self._strokes[person]


def _opacity(end: float, now: float) -> float:
    return max(0.0, min(1.0, (end - now) / FADING))


def _is_place(place: Place) -> bool:
    return len(place) == 2 and all(0 <= value < MAX_PICTURE_SIDE for value in place)


def _room(table: Mapping[int, object], person: int) -> bool:
    return person in table or len(table) < MAX_PEOPLE
