"""Visit: one viewer's session at this host, with the places where it can be reached (spec 08-paths, 8.5 and 8.8)."""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_host.entrances import Entrance
from avl_protocol.session.host import HostSession
from avl_protocol.session.pipes import Route

#: Places of one session at a time; the oldest that it is not at is forgotten first.
PLACES = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session is, or could be: its handle at an entrance, and the route that this makes."""

    entrance: Entrance
    handle: int
    route: Route


@dataclass(slots=True, eq=False)
class Visit:
    """What the reception knows of a session beyond the session itself. `source`: where who is not in yet comes from."""

    session: HostSession
    source: bytes | None
    places: list[Place] = field(default_factory=list)
    #: Of each track, the first object of which it was given a key.
    since_objects: dict[int, int] = field(default_factory=dict)
    #: What its decoder can do; None before it has said so.
    chroma: tuple[int, ...] | None = None
    #: Where it gets its pictures.
    media: Place | None = None
    #: Where it got them before, until a moment when all that left there has arrived.
    leaving: tuple[Place, float] | None = None
    #: What a person at the host calls it, and when it was admitted; 0 before.
    number: int = 0
    since: float = 0.0
    #: Whether there is no way to its viewer now.
    lost: bool = False

    @property
    def here(self) -> Place | None:
        """The place where the session is now."""
        return next((place for place in self.places if place.route is self.session.route), None)

    def relayed(self) -> Place | None:
        """The newest place at a relay."""
        return next((place for place in reversed(self.places) if not place.entrance.direct), None)

    def at(self, entrance: Entrance, handle: int) -> Place | None:
        """The place of a handle at an entrance."""
        return next((p for p in self.places if p.entrance is entrance and p.handle == handle), None)
