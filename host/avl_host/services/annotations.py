"""Annotations: what viewers draw over the picture, told to the others and never done on the desktop (spec 04-session,
4.10)."""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_host.services.audience import Audience
from avl_host.services.pointing import on_desktop
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Clear, Cleared, Drawn, Stroke
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import (
    MAX_DRAWN_POINTS,
    MAX_DRAWN_RATE,
    MAX_STROKE_PART,
    MAX_STROKE_POINTS,
    T_POINTING,
    T_STROKE,
)

Points = tuple[tuple[int, ...], ...]
#: Seconds after which a viewer whose channel had no room is looked at again.
_AGAIN = 0.5


@dataclass(slots=True)
class _Line:
    """A stroke that has not faded: its points, and until when it is there."""

    points: Points
    until: float


@dataclass(slots=True)
class _Author:
    """Who draws: the strokes that are there, what of them was not told yet, and how many points are taken of it now."""

    number: int
    allowance: float
    since: float
    lines: dict[int, _Line] = field(default_factory=dict)
    untold: dict[int, Points] = field(default_factory=dict)
    newest: int = 0
    wiped: bool = False

    def take(self, points: int, now: float) -> int:
        """How many of so many points it may draw now."""
        self.allowance = min(float(MAX_DRAWN_POINTS), self.allowance + (now - self.since) * MAX_DRAWN_RATE)
        self.since = now
        taken = min(points, int(self.allowance))
        self.allowance -= taken
        return taken

    def fade(self, now: float) -> None:
        """Forget what is no longer there."""
        self.lines = {number: line for number, line in self.lines.items() if now < line.until}

    def wipe(self) -> None:
        """All of it is gone."""
        self.lines.clear()
        self.untold.clear()
        self.wiped = True


class AnnotationsService(Service[HostSession]):
    """Passes strokes on, in pieces at most every POINTING, and keeps them for who comes later."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._authors: dict[HostSession, _Author] = {}
        #: Strokes of viewers that have left, until they fade.
        self._left: list[_Author] = []
        #: Viewers that were not told everything.
        self._behind: set[HostSession] = set()
        self._since: float | None = None
        self._free = 0.0
        self._again = 0.0
        self._ignored = 0

    @property
    def ignored(self) -> int:
        """Points, and messages without any that count, which were not drawn, in all."""
        return self._ignored

    # sessions

    def admitted(self, session: HostSession, now: float) -> None:
        """It sees what is drawn."""
        if self._drawn(now):
            self._everything(session, now)

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed some of it."""
        self._everything(session, now)

    def lost(self, session: HostSession, now: float) -> None:
        """It learns everything when it is back."""
        self._behind.discard(session)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """What it drew stays until it fades."""
        self._behind.discard(session)
        self._drawn(now)
        self._left = [author for author in self._left if author.lines or author.wiped]
        if (author := self._authors.pop(session, None)) is not None:
            self._left.append(author)

    # messages

    def drawn(self, session: HostSession, message: Stroke, now: float) -> None:
        """A viewer draws."""
        author, points = self._author(session, now), message.points
        author.fade(now)
        if not 0 < len(points) <= MAX_STROKE_PART or not all(len(one) == 2 and on_desktop(*one) for one in points):
            author.take(1, now)
            self._ignored += 1
            return
        line = author.lines.get(message.stroke)
        room = MAX_STROKE_POINTS - len(line.points if line is not None else ())
        taken = points[: min(room, author.take(len(points), now))] if message.stroke >= author.newest else ()
        self._ignored += len(points) - len(taken)
        if not taken:
            return
        author.newest = message.stroke
        author.lines[message.stroke] = _Line((line.points if line is not None else ()) + taken, now + T_STROKE)
        author.untold[message.stroke] = author.untold.get(message.stroke, ()) + taken
        self._changed(now)

    def cleared(self, session: HostSession, message: Clear, now: float) -> None:
        """A viewer wipes away what it drew, or what all did."""
        if not self._author(session, now).take(1, now):
            self._ignored += 1
            return
        for author in [*self._authors.values(), *self._left] if message.everybody else [self._authors[session]]:
            author.fade(now)
            if author.lines:
                author.wipe()
                self._changed(now)

    def _author(self, session: HostSession, now: float) -> _Author:
        found = self._authors.get(session)
        if found is None:
            number = self._audience.number(session)
            found = self._authors[session] = _Author(number, float(MAX_DRAWN_POINTS), now)
        return found

    # telling

    def _changed(self, now: float) -> None:
        self._since = now if self._since is None else self._since
        self.handle_timer(now)

    def next_timeout(self) -> float | None:
        """When strokes may be told, or who had no room is looked at again."""
        told = None if self._since is None else max(self._since, self._free)
        again = self._again if self._behind else None
        return min((at for at in (told, again) if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Tell what was drawn since, if it is time."""
        if self._behind and now >= self._again:
            self._again = now + _AGAIN
            behind = set(self._behind)

            def catch_up(session: HostSession) -> None:
                if session in behind:
                    self._everything(session, now)

            self._audience.everybody(catch_up)
        if self._since is None or now < self._free:
            return
        self._since, self._free = None, now + T_POINTING
        news: list[tuple[HostSession | None, Cleared | Drawn]] = []
        for who, author in [*self._authors.items(), *((None, author) for author in self._left)]:
            wiped, author.wiped = author.wiped, False
            untold, author.untold = author.untold, {}
            if wiped:
                news.append((None, Cleared(author.number)))
            news += [(who, Drawn(author.number, stroke, points)) for stroke, points in untold.items()]

        def tell(session: HostSession) -> None:
            if session in self._behind:
                return
            if not session.keeps_up:
                self._behind.add(session)
                self._again = max(self._again, now + _AGAIN)
                return
            for source, message in news:
                if source is not session:
                    session.send(message)

        self._audience.everybody(tell)

    def _drawn(self, now: float) -> list[tuple[HostSession | None, _Author]]:
        """Who has drawn what has not faded."""
        authors: list[tuple[HostSession | None, _Author]] = [
            *self._authors.items(),
            *((None, one) for one in self._left),
        ]
        for _, author in authors:
            author.fade(now)
        return [(who, author) for who, author in authors if author.lines]

    def _everything(self, session: HostSession, now: float) -> None:
        """Tell a viewer all that is there, once it has room; what waits to be told to all comes again."""
        if session.detached:
            self._behind.discard(session)
            return
        if not session.keeps_up:
            self._behind.add(session)
            return
        self._behind.discard(session)
        session.send(Cleared())
        for who, author in self._drawn(now):
            if who is not session:
                for stroke, line in author.lines.items():
                    told = len(line.points) - len(author.untold.get(stroke, ()))
                    if told:
                        session.send(Drawn(author.number, stroke, line.points[:told]))
