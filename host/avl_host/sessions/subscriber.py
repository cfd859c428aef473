"""Subscriber: one viewer's session at this host, with the paths by which it can be reached (spec 08-paths, 8.5 and
8.8)."""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_host.encode.codecs.coders import Formats
from avl_host.paths.hops import HostHop
from avl_protocol.session.host import HostSession
from avl_protocol.session.pipes import Attachment

#: Places of one session at a time; the oldest that it is not at is forgotten first.
PATHS = 8


@dataclass(frozen=True, slots=True)
class SubscriberPath:
    """Where a session is, or could be: its handle at an hop, and the route that this makes."""

    hop: HostHop
    handle: int
    attachment: Attachment


@dataclass(slots=True, eq=False, kw_only=True)
class Subscriber:
    """What the table of subscribers knows of a session beyond the session itself. `source` is the address of a viewer
    that has not been admitted yet."""

    session: HostSession
    source: bytes | None
    paths: list[SubscriberPath] = field(default_factory=list)
    #: Of each track, the first object of which it was given a key.
    since_objects: dict[int, int] = field(default_factory=dict)
    #: What its decoder can do; None before it has said so.
    able: Formats | None = None
    #: Where it gets its pictures.
    media: SubscriberPath | None = None
    #: Where it got them before, until a moment when all that left there has arrived.
    leaving: tuple[SubscriberPath, float] | None = None
    #: What a person at the host calls it, and when it was admitted; 0 before.
    number: int = 0
    since: float = 0.0
    #: Whether there is no path to its viewer now.
    lost: bool = False

    @property
    def here(self) -> SubscriberPath | None:
        """The place where the session is now."""
        return next((path for path in self.paths if path.attachment is self.session.attachment), None)

    def relayed(self) -> SubscriberPath | None:
        """The newest place at a relay."""
        return next((path for path in reversed(self.paths) if not path.hop.direct), None)
