"""Pointing: where each viewer's pointer is, told to the others (spec 04-session, 4.10)."""

from __future__ import annotations

from avl_host.services.audience import Audience
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import Point, Points
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_PICTURE_SIDE, T_POINTING, Permission


class PointingService(Service[HostSession]):
    """Keeps the last place of each pointer that moved, and tells it when it is time: a flood costs what one does."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._moved: dict[HostSession, tuple[int, int, int, int]] = {}
        #: Since when something waits to be told, and when it may be.
        self._since: float | None = None
        self._free = 0.0
        self._ignored = 0

    @property
    def ignored(self) -> int:
        """Messages that named no place of a desktop, in all."""
        return self._ignored

    def pointed(self, session: HostSession, message: Point, now: float) -> None:
        """A viewer's pointer is here."""
        if not on_desktop(message.x, message.y):
            self._ignored += 1
            return
        laser = message.laser and permits(session.permissions, Permission.ANNOTATE)
        self._moved[session] = (self._audience.number(session), message.x, message.y, int(laser))
        self._since = now if self._since is None else self._since
        self.handle_timer(now)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It points no more."""
        self._moved.pop(session, None)

    def next_timeout(self) -> float | None:
        """When those that moved may be told."""
        return None if self._since is None else max(self._since, self._free)

    def handle_timer(self, now: float) -> None:
        """Tell everybody of the others, if it is time."""
        if self._since is None or now < self._free:
            return
        self._since, self._free = None, now + T_POINTING
        moved, self._moved = self._moved, {}
        everything = tuple(moved.values())

        def tell(session: HostSession) -> None:
            rows = everything
            if session in moved:
                rows = tuple(row for who, row in moved.items() if who is not session)
            if rows and session.keeps_up:
                session.send(Points(rows))

        self._audience.everybody(tell)


def on_desktop(x: int, y: int) -> bool:
    """Whether this can be a pixel of a desktop."""
    return 0 <= x < MAX_PICTURE_SIDE and 0 <= y < MAX_PICTURE_SIDE
