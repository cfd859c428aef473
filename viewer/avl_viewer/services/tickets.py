"""Tickets: what the host gives us to come back with after a loss (spec 06-security, 6.2.3)."""

from __future__ import annotations

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import Ticket
from avl_viewer.tickets import Tickets

#: Seconds from one to the next moment from which a ticket counts.
KEEP = 60.0


class TicketService(Service[ViewerSession]):
    """Keeps the last ticket, and keeps it young while the session goes on."""

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets
        self._keep_at: float | None = None

    def given(self, session: ViewerSession, message: Ticket, now: float) -> None:
        """The host gave us one."""
        self._tickets.save(message.ticket, message.seconds)
        self._keep_at = now + KEEP

    def next_timeout(self) -> float | None:
        """When it is made younger next."""
        return self._keep_at

    def handle_timer(self, now: float) -> None:
        """The ticket counts from now."""
        if self._keep_at is not None and now >= self._keep_at:
            self._keep_at = now + KEEP
            self._tickets.keep()
