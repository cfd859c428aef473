"""Statistics: where the host's time goes and how its hops are doing, told to viewers; and what viewers report of the
pictures that they have shown (spec 03-wire, 3.4.2; 04-session, 4.5; 07-rate, 7.6)."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.publish.upload import Upload
from avl_host.services.audience import Audience
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Rate, Report, Stages
from avl_protocol.wire.errors import Refused

#: Seconds above which a delay is no delay but a clock, or a viewer, that is wrong.
LONGEST_DELAY = 60.0


class StatisticsService(Service[HostSession]):
    """Passes figures on. `captured(track, object)`: when an object was captured, in seconds of our clock."""

    def __init__(self, audience: Audience, captured: Callable[[int, int], float | None]) -> None:
        self._audience = audience
        self._captured = captured
        self._delays: dict[HostSession, float] = {}

    def measured(self, figures: Stages | Rate, upload: Upload | None) -> None:
        """There are figures: of all pictures (`upload` None), or of the hop that the pictures of some leave on."""
        self._audience.everybody(lambda session: session.send(figures), upload)

    def reported(self, session: HostSession, report: Report, now: float) -> None:
        """A viewer has shown pictures: the delay is that of the last one that we still know."""
        for row in reversed(report.objects):
            captured = self._captured(report.track, row[0]) if len(row) == 2 else None
            if captured is not None and 0.0 <= row[1] / 1e6 - captured <= LONGEST_DELAY:
                self._delays[session] = row[1] / 1e6 - captured
                return

    def delay(self, session: HostSession) -> float | None:
        """Seconds from a picture's capture until this viewer showed it, as it last said; None before."""
        return self._delays.get(session)

    def lost(self, session: HostSession, now: float) -> None:
        """What was measured on the path that is gone says nothing of the next."""
        self._delays.pop(session, None)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """The session is over."""
        self._delays.pop(session, None)
