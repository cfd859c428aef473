"""Gestures: what fingers on a picture mean, for hosts that know no fingers (spec 04-session, 4.6).

A tap clicks, a long press clicks right, one finger drags. Two fingers scroll; pinching turns the wheel with Control
held, or zooms the view. Three fingers drag from the middle between them. While the view is zoomed, two fingers move it
and three scroll. The mirror is `web/input/gestures.js`; `spec/vectors/gestures.json` holds both to the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

#: Seconds until a finger that rests clicks right.
LONG_PRESS = 0.5
#: Logical pixels that a finger may wander and still tap.
SLOP = 10.0
#: Logical pixels that one finger moves alone before that is a pinch around the other: systems tell of one finger after
#: the other.
ALONE = 80.0
#: Wheel units of one logical pixel: a notch of 120 is 40 pixels.
UNITS = 3.0
#: Wheel units of a pinch to twice the distance.
DOUBLED = 480.0


@dataclass(frozen=True, slots=True)
class MoveTo:
    """The pointer is to be here, in logical pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Press:
    """A button goes down or up, by the number that travels."""

    button: int
    down: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """The wheel turns by 120ths of a notch, right and down."""

    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class HoldControl:
    """The Control key goes down or up."""

    down: bool


@dataclass(frozen=True, slots=True)
class Pan:
    """The view moves, in logical pixels."""

    dx: float
    dy: float


@dataclass(frozen=True, slots=True)
class Zoom:
    """The view grows around a place."""

    factor: float
    x: float
    y: float


Act = MoveTo | Press | Turn | HoldControl | Pan | Zoom


class _Doing(Enum):
    IDLE = "idle"
    PRESSING = "pressing"
    DRAGGING = "dragging"
    PAIR = "pair"
    SCROLLING = "scrolling"
    PANNING = "panning"
    PINCHING = "pinching"
    TURNING = "turning"
    CARRYING = "carrying"
    SPENT = "spent"


@dataclass(slots=True)
class _Point:
    x: float
    y: float


class Gestures:
    """All fingers on one picture. Places are logical pixels of the window, times seconds.

    What is to be done comes back, in order.
    """

    def __init__(self) -> None:
        #: Whether pinching zooms the view rather than what the program shows.
        self.zooms_view = False
        #: Whether the view is larger than the window now.
        self.zoomed = False
        self._fingers: dict[int, _Point] = {}
        #: Where the fingers were when they began to do something together.
        self._begun: dict[int, _Point] = {}
        self._doing = _Doing.IDLE
        self._start = self._centre = _Point(0, 0)
        self._spread = 0.0
        self._rest = [0.0, 0.0]
        self._due: float | None = None

    def down(self, finger: int, x: float, y: float, now: float) -> list[Act]:
        """A finger comes down."""
        self._fingers[finger] = _Point(x, y)
        if self._doing is not _Doing.PAIR:
            self._begun.clear()
        for one, at in self._fingers.items():
            self._begun.setdefault(one, _Point(at.x, at.y))
        if len(self._fingers) == 1:
            self._doing = _Doing.PRESSING
            self._start = _Point(x, y)
            self._due = now + LONG_PRESS
            return []
        self._due = None
        if self._doing is _Doing.SPENT:
            return []
        acts = self._let_go()
        self._doing = _Doing.PAIR
        self._centre = self._start = self._middle()
        self._spread = self._distance()
        return acts

    def move(self, finger: int, x: float, y: float, now: float) -> list[Act]:
        """A finger is elsewhere."""
        at = self._fingers.get(finger)
        if at is None:
            return []
        at.x, at.y = x, y
        if self._doing is _Doing.PRESSING:
            if math.hypot(x - self._start.x, y - self._start.y) <= SLOP:
                return []
            self._due = None
            self._doing = _Doing.DRAGGING
            return [MoveTo(self._start.x, self._start.y), Press(1, True), MoveTo(x, y)]
        if self._doing is _Doing.DRAGGING:
            return [MoveTo(x, y)]
        return self._together() if len(self._fingers) > 1 else []

    def up(self, finger: int, now: float) -> list[Act]:
        """A finger is lifted."""
        at = self._fingers.get(finger)
        if at is not None and self._doing is _Doing.PRESSING:
            del self._fingers[finger]
            self._due, self._doing = None, _Doing.IDLE
            return [MoveTo(at.x, at.y), Press(1, True), Press(1, False)]
        return self.cancel(finger, now)

    def cancel(self, finger: int, now: float) -> list[Act]:
        """The system took a finger away."""
        if self._fingers.pop(finger, None) is None:
            return []
        self._due = None
        acts = self._let_go()
        self._doing = _Doing.SPENT if self._fingers else _Doing.IDLE
        return acts

    def release_all(self, now: float) -> list[Act]:
        """Let go of everything."""
        return [act for finger in list(self._fingers) for act in self.cancel(finger, now)]

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._due

    def handle_timer(self, now: float) -> list[Act]:
        """A finger that has rested long enough clicks right."""
        if self._due is None or now < self._due:
            return []
        self._due = None
        self._doing = _Doing.SPENT
        return [MoveTo(self._start.x, self._start.y), Press(3, True), Press(3, False)]

    def _let_go(self) -> list[Act]:
        """What is held by what the fingers do."""
        if self._doing in (_Doing.DRAGGING, _Doing.CARRYING):
            return [Press(1, False)]
        return [HoldControl(False)] if self._doing is _Doing.TURNING else []

    def _together(self) -> list[Act]:
        centre, spread = self._middle(), self._distance()
        dx, dy = centre.x - self._centre.x, centre.y - self._centre.y
        acts: list[Act] = []
        if self._doing is _Doing.PAIR:
            kind = self._kind()
            if kind is None:
                return []
            self._doing = kind
            self._rest = [0.0, 0.0]
            if kind in (_Doing.SCROLLING, _Doing.TURNING, _Doing.CARRYING):
                acts.append(MoveTo(self._start.x, self._start.y))
            if kind is _Doing.CARRYING:
                acts.append(Press(1, True))
            if kind is _Doing.TURNING:
                acts.append(HoldControl(True))
        self._centre = centre
        if self._doing is _Doing.PANNING:
            acts.append(Pan(dx, dy))
        elif self._doing is _Doing.PINCHING:
            acts += [Pan(dx, dy), Zoom(spread / (self._spread or 1.0), centre.x, centre.y)]
            self._spread = spread
        elif self._doing is _Doing.TURNING:
            acts += self._turned(0.0, -DOUBLED * math.log2((spread or 1.0) / (self._spread or 1.0)))
            self._spread = spread
        elif self._doing is _Doing.SCROLLING:
            acts += self._turned(-dx * UNITS, -dy * UNITS)
        elif self._doing is _Doing.CARRYING:
            acts.append(MoveTo(centre.x, centre.y))
        return acts

    def _kind(self) -> _Doing | None:
        """What several fingers do; None while that can't be told."""
        moves = [(at.x - self._begun[one].x, at.y - self._begun[one].y) for one, at in self._fingers.items()]
        far = [move for move in moves if math.hypot(*move) > SLOP / 2]
        pinches = _Doing.PINCHING if self.zooms_view else _Doing.TURNING
        if len(moves) > 2:
            if len(far) < 2:
                return None
            return _Doing.SCROLLING if self.zoomed else _Doing.CARRYING
        if len(far) < 2:
            return pinches if far and math.hypot(*far[0]) > ALONE else None
        if far[0][0] * far[1][0] + far[0][1] * far[1][1] <= 0:
            return pinches
        return _Doing.PANNING if self.zoomed else _Doing.SCROLLING

    def _turned(self, dx: float, dy: float) -> list[Act]:
        """What lies under the fingers follows them; parts of a unit are kept."""
        self._rest[0] += dx
        self._rest[1] += dy
        x, y = math.trunc(self._rest[0]), math.trunc(self._rest[1])
        self._rest[0] -= x
        self._rest[1] -= y
        return [Turn(x, y)] if x or y else []

    def _middle(self) -> _Point:
        count = len(self._fingers)
        return _Point(
            sum(at.x for at in self._fingers.values()) / count, sum(at.y for at in self._fingers.values()) / count
        )

    def _distance(self) -> float:
        """Between the first two fingers."""
        first, second, *_ = (*self._fingers.values(), _Point(0, 0))
        return math.hypot(first.x - second.x, first.y - second.y)
