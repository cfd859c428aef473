"""Annotations: what is drawn over the picture, by others and by us (spec 04-session, 4.10)."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.endtoend import Clear, Cleared, Drawn, Stroke
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_STROKE_PART, MAX_STROKE_POINTS, T_POINTING, Permission
from avl_viewer.present.presenter import Presenter
from avl_viewer.services.running import running

Place = tuple[int, int]


class AnnotationsService(Service[ViewerSession]):
    """Sends strokes in parts, and shows ours at once; `own` is the number under which others know us."""

    def __init__(self, presenter: Presenter, own: Callable[[], int]) -> None:
        self._presenter = presenter
        self._own = own
        self._session: ViewerSession | None = None
        #: The number of our newest stroke, how many points it has, its last one, and points that were not sent yet.
        self._stroke = 0
        self._length = 0
        self._last: Place | None = None
        self._waits: list[tuple[int, Place]] = []
        self._free = 0.0

    def admitted(self, session: ViewerSession, now: float) -> None:
        """We draw there from now on."""
        self._session = session
        self._waits.clear()

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """Nobody sees what we draw."""
        self._session = None
        self._waits.clear()

    def drawn(self, session: ViewerSession, message: Drawn, now: float) -> None:
        """Somebody else draws."""
        self._presenter.mark(message)

    def cleared(self, session: ViewerSession, message: Cleared, now: float) -> None:
        """Something was wiped away."""
        self._presenter.mark(message)

    def draw(self, points: list[Place], now: float, *, begins: bool) -> None:
        """Go on with our stroke, or begin another. A stroke that has become too long goes on as the next one. Raises
        Refused, where we may not."""
        running(self._session, Permission.ANNOTATE)
        if begins:
            self._begin()
        for point in points:
            if point == self._last:
                continue
            if self._length == MAX_STROKE_POINTS and self._last is not None:
                last = self._last
                self._begin()
                self._add(last)
            self._add(point)
        self.handle_timer(now)

    def _begin(self) -> None:
        self._stroke += 1
        self._length, self._last = 0, None

    def _add(self, point: Place) -> None:
        self._length += 1
        self._last = point
        self._waits.append((self._stroke, point))
        self._presenter.mark(Drawn(self._own(), self._stroke, (point,)))

    def clear(self, everybody: bool) -> None:
        """Wipe away what we drew, or what all did. Raises Refused, where we may not."""
        session = running(self._session, Permission.ANNOTATE)
        self._waits.clear()
        session.send(Clear(everybody))
        self._presenter.mark(Cleared(0 if everybody else self._own()))

    def next_timeout(self) -> float | None:
        """When the next part may be sent."""
        return self._free if self._waits else None

    def handle_timer(self, now: float) -> None:
        """Send what waits, if it is time: one part of each stroke."""
        if not self._waits or now < self._free:
            return
        self._free = now + T_POINTING
        session = self._session
        if session is None or session.state is not ViewerState.ADMITTED:
            self._waits.clear()
            return
        parts: dict[int, list[Place]] = {}
        for stroke, point in self._waits:
            parts.setdefault(stroke, []).append(point)
        self._waits.clear()
        for stroke, points in parts.items():
            for at in range(0, len(points), MAX_STROKE_PART):
                session.send(Stroke(stroke, tuple(points[at : at + MAX_STROKE_PART])))
