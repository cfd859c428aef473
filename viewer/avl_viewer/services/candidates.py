"""Candidates: where the host might be reached directly (spec 08-paths, 8.3)."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import Candidates

#: Given what the host says, and the time.
Seek = Callable[[Candidates, float], None]


class CandidatesService(Service[ViewerSession]):
    """Hands the candidates to the seeker of the direct path, which answers with our own."""

    def __init__(self, seek: Seek) -> None:
        self._seek = seek

    def told(self, session: ViewerSession, message: Candidates, now: float) -> None:
        """The host says where it might be reached."""
        self._seek(message, now)
