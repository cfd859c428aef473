"""Candidates: where host and viewers might reach each other directly, told both ways (spec 08-paths, 8.3)."""

from __future__ import annotations

from avl_host.paths.reachability import Reachability
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Candidates
from avl_protocol.wire.errors import Refused


class CandidatesService(Service[HostSession]):
    """Hands viewers' addresses to the punchers, which also know the host's own."""

    def __init__(self, reachability: Reachability) -> None:
        self._reachability = reachability

    def admitted(self, session: HostSession, now: float) -> None:
        """Say where we are."""
        self._reachability.joined(session)

    def told(self, session: HostSession, message: Candidates, now: float) -> None:
        """A viewer says where it might be reached."""
        self._reachability.candidates(session, message, now)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """Nobody is to be reached for it any more."""
        self._reachability.gone(session)
