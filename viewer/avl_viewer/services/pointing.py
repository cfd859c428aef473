"""Pointing: where others point, and where we do (spec 04-session, 4.10)."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import Point, Points
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_POINTING, Permission
from avl_viewer.present.presenter import Presenter


class PointingService(Service[ViewerSession]):
    """Tells our pointer while it moves, and not while nobody else is here; `alone` says so."""

    def __init__(self, presenter: Presenter, alone: Callable[[], bool]) -> None:
        self._presenter = presenter
        self._alone = alone
        self._session: ViewerSession | None = None
        self._waits: Point | None = None
        self._said: Point | None = None
        self._free = 0.0

    def admitted(self, session: ViewerSession, now: float) -> None:
        """It is told there from now on."""
        self._session, self._waits, self._said = session, None, None

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """Nobody is told."""
        self._session, self._waits = None, None

    def told(self, session: ViewerSession, message: Points, now: float) -> None:
        """Others' pointers have moved."""
        self._presenter.mark(message)

    def point(self, x: int, y: int, laser: bool, now: float) -> None:
        """Our pointer is at this desktop pixel, and points at something or not. Nothing where that is not permitted."""
        session = self._session
        needed = Permission.ANNOTATE if laser else Permission.POINTER | Permission.ANNOTATE
        if session is None or self._alone() or not permits(session.permissions, needed):
            return
        self._waits = Point(x, y, laser)
        self.handle_timer(now)

    def next_timeout(self) -> float | None:
        """When the last move may be told."""
        return None if self._waits is None else self._free

    def handle_timer(self, now: float) -> None:
        """Tell the last move, if it is time."""
        if self._waits is None or now < self._free:
            return
        point, self._waits = self._waits, None
        session = self._session
        if point == self._said or session is None or session.state is not ViewerState.ADMITTED or session.stale:
            return
        self._said, self._free = point, now + T_POINTING
        session.send(point)
