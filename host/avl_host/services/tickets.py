"""Tickets: each viewer is given one that brings it back after a loss (spec 06-security, 6.2.3)."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.services.audience import Audience
from avl_host.sessions.tickets import TicketBook
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Ticket
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode

#: Seconds between two moments from which the tickets of running sessions count.
KEEP = 60.0


class TicketService(Service[HostSession]):
    """Gives tickets of a book, and keeps those of running sessions young. `begun`: when a session that came by a chain
    began, in Unix seconds, and what that stands on; 0 and "" for others."""

    def __init__(
        self,
        audience: Audience,
        book: TicketBook,
        clock: Callable[[], float],
        begun: Callable[[HostSession], tuple[float, str]] = lambda session: (0.0, ""),
    ) -> None:
        self._audience = audience
        self._begun = begun
        self._book = book
        self._clock = clock
        self._sessions: dict[bytes, HostSession] = {}
        self._keep_at: float | None = None
        book.on_redeemed = self._redeemed

    def admitted(self, session: HostSession, now: float) -> None:
        """Give it a ticket."""
        self._sessions[session.session_id] = session
        self._keep_at = self._keep_at or now + KEEP
        (begun, basis), agreed = self._begun(session), session.agreed
        ticket = self._book.issue(
            session.viewer, session.session_id, session.permissions, begun=begun, basis=basis, agreed=agreed
        )
        if ticket is not None:
            session.send(Ticket(ticket, round(self._book.lifetime)))

    def allowed(self, session: HostSession, now: float) -> None:
        """Its ticket is worth what it may now."""
        self._book.change(session.session_id, session.permissions, session.agreed)

    def lost(self, session: HostSession, now: float) -> None:
        """Its ticket counts from now."""
        self._book.keep(session.session_id)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """Whoever ended it on purpose wants it to be over."""
        self._sessions.pop(session.session_id, None)
        if reason.code is not CloseCode.SESSION_LOST:
            self._book.revoke(session.session_id)

    def _redeemed(self, session_id: bytes) -> None:
        """A ticket was taken: there is one session to a ticket, and this one's place is another's (R-SEC-88)."""
        if (session := self._sessions.get(session_id)) is not None:
            self._audience.end(session, CloseCode.REPLACED, self._clock())

    def next_timeout(self) -> float | None:
        """When the tickets are made younger next."""
        return self._keep_at if self._sessions else None

    def handle_timer(self, now: float) -> None:
        """The tickets of sessions that go on count from now."""
        if self._keep_at is None or now < self._keep_at:
            return
        self._keep_at = now + KEEP
        for session in self._sessions.values():
            if not session.detached:
                self._book.keep(session.session_id)
