"""HostHop: one contract for both kinds of hops that viewers come by, through a relay or directly (spec 04-session, 4.3;
08-paths, 8.5).

A relay has to be told what a session may have, and carries one upload to all of its audience. Who came directly is told
nothing: here the host is the relay, of one session.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from avl_host.publish.upload import Upload
from avl_protocol.media.track import Track
from avl_protocol.session.hop.client import HopClient, HopClientState
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.media.subscription import Subscription
from avl_protocol.session.pipes import Hop
from avl_protocol.wire.messages import Accept, Admit, Attached, Evict, Reject, Tracks
from avl_protocol.wire.registry import CloseCode


class HostHop(Protocol):
    """One hop over which sessions come."""

    @property
    def hop(self) -> Hop:
        """The hop's end here."""

    @property
    def direct(self) -> bool:
        """Whether the viewer itself is at the other end."""

    @property
    def upload(self) -> Upload:
        """Where pictures for its viewers leave."""

    def accept(self, handle: int, session: bytes) -> None:
        """A session may begin, or come here."""

    def reject(self, handle: int, code: CloseCode, now: float) -> None:
        """It may not."""

    def admit(self, handle: int, channels: tuple[int, ...], since: Mapping[int, int]) -> None:
        """What a session may have here: channels, and by this way the tracks of `since`, each from that object on."""

    def evict(self, handle: int, code: CloseCode, now: float) -> None:
        """A session is over."""


class RelayHop:
    """The hop to one relay."""

    direct = False

    def __init__(self, client: HopClient) -> None:
        self.hop: HopClient = client
        self.upload = Upload(client.carrier, client.media_handle)

    def _up(self) -> bool:
        return self.hop.state is HopClientState.UP

    def accept(self, handle: int, session: bytes) -> None:
        """See HostHop."""
        self.hop.send(Accept(handle))

    def reject(self, handle: int, code: CloseCode, now: float) -> None:
        """See HostHop."""
        self.hop.send(Reject(handle, code))

    def publish(self, tracks: Iterable[Track]) -> None:
        """Tell the relay what this host's tracks are."""
        self.hop.send(Tracks(tuple(track.row for track in tracks)))

    def admit(self, handle: int, channels: tuple[int, ...], since: Mapping[int, int]) -> None:
        """See HostHop."""
        if self._up():
            self.hop.send(Admit(handle, tuple(since), channels, tuple(since.values())))

    def evict(self, handle: int, code: CloseCode, now: float) -> None:
        """See HostHop."""
        if self._up():
            self.hop.send(Evict(handle, code))


class DirectHop:
    """The hop of one viewer that came directly."""

    direct = True

    def __init__(self, peer: HopServer) -> None:
        self.hop: HopServer = peer
        #: Whether its session was admitted.
        self.admitted = False
        self.subscription = Subscription(0, peer.carrier)
        self.upload = Upload(peer.carrier, 0, self.subscription)

    def accept(self, handle: int, session: bytes) -> None:
        """See HostHop."""
        self.hop.send(Attached(session, handle, 0))

    def reject(self, handle: int, code: CloseCode, now: float) -> None:
        """See HostHop."""
        self.hop.close(code, now)

    def admit(self, handle: int, channels: tuple[int, ...], since: Mapping[int, int]) -> None:
        """See HostHop. Who has proved itself gets the windows of a friend."""
        self.admitted = True
        self.subscription.admit(tuple(since), tuple(since.values()))
        self.hop.trust()

    def evict(self, handle: int, code: CloseCode, now: float) -> None:
        """See HostHop. What was sealed for the viewer is sent before the connection ends."""
        self.hop.close(code, now)
