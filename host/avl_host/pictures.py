"""PicturePlan: which way each viewer's pictures take (spec 08-paths, 8.8).

They follow the session, object by object. A relay's upload serves everybody behind it, so that only the first few who
come directly get an upload of their own; and who leaves a relay gets pictures both ways for a moment, so that what is
under way there is not missed.
"""

from __future__ import annotations

from collections.abc import Iterable

from avl_host.sharing import Sharing
from avl_host.visit import Place, Visit

#: Viewers with an upload of their own, where a relay could carry them too.
DIRECT = 2
#: Seconds for which who leaves a relay still gets pictures there.
OVERLAP = 0.3


class PicturePlan:
    """Opens and closes outlets as sessions come, move and go."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing

    def follow(self, visit: Visit, others: Iterable[Visit], now: float) -> None:
        """Let a session's pictures go where it is now; nowhere while it is nowhere."""
        if visit.chroma is None:
            return
        wanted = None if visit.session.detached else self._place(visit, others)
        if wanted is visit.media:
            return
        before, visit.media = visit.media, wanted
        self._finish(visit)
        if wanted is not None:
            self._begin(visit, wanted, smooth=before is not None and not before.entrance.direct)
        if before is not None:
            if before.entrance.direct or wanted is None:
                self._end(visit, before)
            else:
                visit.leaving = (before, now + OVERLAP)
        self._sharing.changed()

    def _place(self, visit: Visit, others: Iterable[Visit]) -> Place | None:
        here = visit.here
        if here is None or not here.entrance.direct or here is visit.media:
            return here
        direct = sum(1 for other in others if other is not visit and other.media and other.media.entrance.direct)
        return here if direct < DIRECT else visit.relayed() or here

    def _begin(self, visit: Visit, place: Place, smooth: bool) -> None:
        outlet = place.entrance.outlet
        outlet.begin()
        self._sharing.open(outlet)
        place.entrance.admit(place.handle, visit.session.channels(), visit.since_objects)
        if smooth and outlet.feed is not None:
            outlet.feed.go_on()
        else:
            self._sharing.request_key()

    def _end(self, visit: Visit, place: Place) -> None:
        outlet = place.entrance.outlet
        outlet.sessions -= 1
        if place in visit.places:
            place.entrance.admit(place.handle, visit.session.channels(), {})
        if place.entrance.direct:
            self._sharing.close(outlet)

    def _finish(self, visit: Visit) -> None:
        """What was left for a moment is over."""
        if visit.leaving is not None:
            place, _ = visit.leaving
            visit.leaving = None
            if visit.media is None or visit.media.entrance is not place.entrance:
                self._end(visit, place)
            else:
                place.entrance.outlet.sessions -= 1

    def leave(self, visit: Visit) -> None:
        """A session is over."""
        self._finish(visit)
        if visit.media is not None:
            place, visit.media = visit.media, None
            visit.places.clear()
            self._end(visit, place)
        self._sharing.changed()

    @staticmethod
    def next_timeout(visits: Iterable[Visit]) -> float | None:
        """When `handle_timer` wants to be called."""
        return min((visit.leaving[1] for visit in visits if visit.leaving is not None), default=None)

    def handle_timer(self, visits: Iterable[Visit], now: float) -> None:
        """End what was left a moment ago."""
        for visit in visits:
            if visit.leaving is not None and visit.leaving[1] <= now:
                self._finish(visit)
                self._sharing.changed()
