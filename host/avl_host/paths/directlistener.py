"""DirectListener: viewers that come straight to this host, without a relay in between (spec 08-paths, 8.4 and 8.9).

Towards them the host acts as a relay would: it names itself, demands its own device ID, and knows its own sessions
alone. Who was never here begins with the whole handshake; a running session brings its Channel Resume. A session
can't tell the difference: what a relay does with DETACH, SUBSCRIBE and RECOVER (4.3) is done here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from avl_host.paths.hops import DirectHop
from avl_host.publish.publisher import Publisher
from avl_host.sessions.subscribers import Subscribers
from avl_protocol.crypto.identity import HOST_CERTIFICATE, Identity, endorse_certificate
from avl_protocol.endpoint.accept.sources import source_tag
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.session.handshakelimits import most_crowding
from avl_protocol.session.hop.mediaevents import MediaFates
from avl_protocol.session.hop.server import HopServer, RelayIdentity
from avl_protocol.session.hop.serverevents import (
    ChannelOpened,
    ChannelReceived,
    ChannelReset,
    Gone,
    HopServerEvent,
    Said,
)
from avl_protocol.session.hop.servers import HopServers
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.messages import Attach, Detach, HopMessage, Recover, Subscribe
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import CloseCode, Role

#: The one session of a direct connection.
HANDLE = 1
#: Direct connections at a time.
MOST = 256


@dataclass(slots=True, kw_only=True)
class _Guest:
    """One direct connection: its hop, its source, and the channel of each of its streams."""

    hop: DirectHop
    source: bytes
    streams: dict[int, int] = field(default_factory=dict)
    attached: bool = False
    moves: bool = False
    #: Whether the viewer took its session away from here with DETACH.
    left: bool = False

    @property
    def known(self) -> bool:
        """Whether it is no stranger's: its session was admitted, or came here from elsewhere."""
        return self.hop.admitted or self.moves


class DirectListener:
    """The owner of all direct connections: `take` applies what one of them tells.

    `strangers`: whether a session may begin here."""

    def __init__(
        self,
        *,
        identity: Identity,
        subscribers: Subscribers,
        publisher: Publisher,
        entropy: Callable[[int], bytes],
        wall: Callable[[], float],
        strangers: bool,
    ) -> None:
        self._identity = identity
        self._subscribers = subscribers
        self._publisher = publisher
        self._entropy = entropy
        self._wall = wall
        self._strangers = strangers
        self._secret = entropy(32)
        self._watcher: dict[HopServer, _Guest] = {}
        self._peers = HopServers(self._apply)
        #: Wishes for tracks that are not published, or that their sender was not admitted to.
        self.strays = 0

    def accept(self, carrier: QuicCarrier, now: float) -> HopServer:
        """Somebody has connected."""
        certificate = carrier.server_certificate or b""
        endorsement = endorse_certificate(self._identity, certificate, HOST_CERTIFICATE)
        own = RelayIdentity(
            public=self._identity.public,
            certificate=certificate,
            endorsement=endorsement,
            name="",
            page="",
            serves=(Role.VIEWER,),
        )
        peer = guard(HopServer(own, nonce=self._entropy(16), wall_ms=int(self._wall() * 1000), now=now))
        peer.attach_carrier(carrier)
        source = source_tag(self._secret, carrier.peer_address[0])
        if not self._make_room(now):
            peer.close(CloseCode.LIMIT, now)
            return peer
        self._watcher[peer] = _Guest(hop=DirectHop(peer), source=source)
        self._peers.take(peer, now)
        return peer

    @property
    def watcher(self) -> tuple[DirectHop, ...]:
        """Entrances of the direct connections, the oldest first."""
        return tuple(guest.hop for guest in self._watcher.values())

    def snapshot(self) -> Snapshot:
        """What is kept of direct connections, by number."""
        watcher = self._watcher.values()
        counts = {
            "connections": len(watcher),
            "attached": sum(guest.attached for guest in watcher),
            "channels": sum(len(guest.streams) for guest in watcher),
            "strays": self.strays,
        }
        return Snapshot("direct", counts)

    def _make_room(self, now: float) -> bool:
        """Whether there is room for one more connection, at a stranger's expense if need be."""
        if len(self._watcher) < MOST:
            return True
        crowded_out = most_crowding([(guest.source, peer) for peer, guest in self._watcher.items() if not guest.known])
        if crowded_out is not None:
            self._peers.close(crowded_out, CloseCode.LIMIT, now)
            self._peers.settle(now)
        return crowded_out is not None

    # events

    def take(self, peer: HopServer, now: float) -> None:
        """Apply what a neighbour tells."""
        self._peers.take(peer, now)

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._peers.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        self._peers.handle_timer(now)

    def _apply(self, peer: HopServer, event: HopServerEvent, now: float) -> None:
        guest = self._watcher.get(peer)
        if guest is None:
            if isinstance(event, ChannelOpened):
                peer.abandon(event.stream, CloseCode.FORBIDDEN)
            return
        if isinstance(event, MediaFates):
            self._publisher.settled(guest.hop.upload, event.fates, now)
        elif isinstance(event, Said):
            self._message(guest, event.message, now)
        elif isinstance(event, ChannelOpened):
            self._opened(peer, guest, event, now)
        elif isinstance(event, ChannelReceived):
            self._received(peer, guest, event, now)
        elif isinstance(event, ChannelReset):
            channel = guest.streams.pop(event.stream, None)
            if channel is not None:
                self._subscribers.channel_reset(guest.hop, HANDLE, channel, event.stream, event.code, now)
        elif isinstance(event, Gone):
            del self._watcher[peer]
            self._subscribers.hop_lost(guest.hop, now)

    def _message(self, guest: _Guest, message: HopMessage, now: float) -> None:
        """What a viewer says on its hop."""
        if isinstance(message, Attach):
            self._attach(guest, message, now)
        elif not guest.attached or guest.left or getattr(message, "handle", HANDLE) != HANDLE:
            return  # of a session that is not the sender's (R-SESS-6)
        elif isinstance(message, Detach):
            self._detach(guest, now)
        elif isinstance(message, Subscribe) and message.track in self._publisher.next_objects:
            self._subscribe(guest, message.track, message.wish != 0)
        elif isinstance(message, Recover) and message.track in guest.hop.subscription.tracks:
            self._publisher.request_key(message.track)
        else:
            self.strays += 1

    def _detach(self, guest: _Guest, now: float) -> None:
        """As a relay does it: pictures stop, no channel opens any more, what is open stays until it is ended."""
        guest.left = True
        for track in guest.hop.subscription.tracks:
            self._subscribe(guest, track, False)
        guest.hop.hop.send(Detach(HANDLE, CloseCode.ENDED))
        self._subscribers.left(guest.hop, HANDLE, now)

    def _subscribe(self, guest: _Guest, track: int, wanted: bool) -> None:
        """Send a track to a guest, or not."""
        if guest.hop.subscription.subscribe(track, wanted):
            self._publisher.changed()
            if wanted:
                self._publisher.request_key(track)

    def _attach(self, guest: _Guest, message: Attach, now: float) -> None:
        if len(message.device) != NUMBER_BYTES or len(message.session) != 16:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "malformed ATTACH")
        if guest.attached:
            raise Refused(CloseCode.LIMIT)
        if int.from_bytes(message.device, "big") != self._identity.number:
            raise Refused(CloseCode.UNAVAILABLE)
        if not message.moves and not self._strangers:
            raise Refused(CloseCode.FORBIDDEN)
        guest.attached, guest.moves = True, bool(message.moves)
        self._subscribers.incoming(guest.hop, HANDLE, message.session, guest.source, guest.moves, now)

    def _opened(self, peer: HopServer, guest: _Guest, event: ChannelOpened, now: float) -> None:
        header = event.header
        if not guest.attached or guest.left or header.handle != HANDLE:
            peer.abandon(event.stream, CloseCode.FORBIDDEN)
            return
        guest.streams[event.stream] = header.channel
        self._subscribers.channel_opened(guest.hop, HANDLE, header.channel, event.stream, now)

    def _received(self, peer: HopServer, guest: _Guest, event: ChannelReceived, now: float) -> None:
        channel = guest.streams.get(event.stream)
        if channel is None:
            peer.carrier.consume(event.stream, len(event.data))
            return
        self._subscribers.channel_received(guest.hop, HANDLE, channel, event.stream, event.data, event.end, now)
        if event.end:
            guest.streams.pop(event.stream, None)
