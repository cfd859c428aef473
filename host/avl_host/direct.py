"""DirectDoor: viewers that come straight to this host, without a relay in between (spec 08-paths, 8.4 and 8.9).

Towards them the host says and demands what a relay would: who it is, which device is wanted, and no more than its own
sessions. Who was never here begins with the whole handshake; a running session brings its Channel Resume. A session
can't tell the difference: what a relay does with DETACH, SUBSCRIBE and RECOVER (4.3) is done here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from avl_host.entrances import DirectEntrance
from avl_host.reception import Reception
from avl_host.sharing import Sharing
from avl_protocol.crypto.identity import HOST_CERTIFICATE, Identity, endorse_certificate
from avl_protocol.endpoint.sources import source_tag
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.session.handshakelimits import most_crowding
from avl_protocol.session.hopstream import StreamHeader
from avl_protocol.session.relay import RelayIdentity, RelayPeer
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.messages import Attach, Detach, HopMessage, Recover, Subscribe
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import CloseCode, Role

#: The one session of a direct connection.
HANDLE = 1
#: Direct connections at a time.
MOST = 256


@dataclass(slots=True)
class _Guest:
    """One direct connection: its entrance, where it comes from, and which channel each of its streams carries."""

    entrance: DirectEntrance
    source: bytes
    streams: dict[int, int] = field(default_factory=dict)
    attached: bool = False
    moves: bool = False
    #: Whether the viewer took its session away from here with DETACH.
    left: bool = False

    @property
    def known(self) -> bool:
        """Whether it is no stranger's: its session was admitted, or came here from elsewhere."""
        return self.entrance.admitted or self.moves


class DirectDoor:
    """The PeerOwner of all direct connections. `strangers`: whether a session may begin here."""

    def __init__(
        self, identity: Identity, reception: Reception, sharing: Sharing, entropy: Callable[[int], bytes],
        wall: Callable[[], float], strangers: bool,
    ) -> None:  # fmt: skip
        self._identity = identity
        self._reception = reception
        self._sharing = sharing
        self._entropy = entropy
        self._wall = wall
        self._strangers = strangers
        self._secret = entropy(32)
        self._guests: dict[RelayPeer, _Guest] = {}
        #: Wishes for tracks that are not published, or that their sender was not admitted to.
        self.strays = 0

    def accept(self, carrier: QuicCarrier, now: float) -> RelayPeer:
        """Somebody has connected."""
        certificate = carrier.server_certificate or b""
        endorsement = endorse_certificate(self._identity, certificate, HOST_CERTIFICATE)
        own = RelayIdentity(self._identity.public, certificate, endorsement, "", "", (Role.VIEWER,))
        peer = guard(RelayPeer(own, self, self._entropy(16), int(self._wall() * 1000), now))
        peer.attach_carrier(carrier)
        source = source_tag(self._secret, carrier.peer_address[0])
        if not self._make_room(now):
            peer.close(CloseCode.LIMIT, now)
            return peer
        self._guests[peer] = _Guest(DirectEntrance(peer), source)
        return peer

    def _make_room(self, now: float) -> bool:
        """Whether there is room for one more connection, at a stranger's expense if need be."""
        if len(self._guests) < MOST:
            return True
        crowded_out = most_crowding([(guest.source, peer) for peer, guest in self._guests.items() if not guest.known])
        if crowded_out is not None:
            crowded_out.close(CloseCode.LIMIT, now)
        return crowded_out is not None

    # PeerOwner

    def peer_registered(self, peer: RelayPeer, device: int, now: float) -> int:
        """Nobody registers here."""
        raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "a host is no relay")

    def peer_message(self, peer: RelayPeer, message: HopMessage, now: float) -> None:
        """What a viewer says on its hop."""
        guest = self._guests.get(peer)
        if guest is None:
            return
        if isinstance(message, Attach):
            self._attach(guest, message, now)
        elif not guest.attached or guest.left or getattr(message, "handle", HANDLE) != HANDLE:
            return  # of a session that is not the sender's (R-SESS-6)
        elif isinstance(message, Detach):
            self._detach(guest, now)
        elif isinstance(message, Subscribe) and message.track in self._sharing.next_objects:
            self._subscribe(guest, message.track, message.wish != 0)
        elif isinstance(message, Recover) and message.track in guest.entrance.feed.tracks:
            self._sharing.request_key(message.track)
        else:
            self.strays += 1

    def _detach(self, guest: _Guest, now: float) -> None:
        """As a relay does it: pictures stop, no channel opens any more, what is open stays until it is ended."""
        guest.left = True
        for track in guest.entrance.feed.tracks:
            self._subscribe(guest, track, False)
        guest.entrance.hop.send(Detach(HANDLE, CloseCode.ENDED))
        self._reception.left(guest.entrance, HANDLE, now)

    def _subscribe(self, guest: _Guest, track: int, wanted: bool) -> None:
        """Send a track to a guest, or not."""
        if guest.entrance.feed.subscribe(track, wanted):
            self._sharing.changed()
            if wanted:
                self._sharing.request_key(track)

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
        self._reception.incoming(guest.entrance, HANDLE, message.session, guest.source, guest.moves, now)

    def peer_channel(self, peer: RelayPeer, stream: int, header: StreamHeader, now: float) -> None:
        """A channel was opened."""
        guest = self._guests.get(peer)
        if guest is None or not guest.attached or guest.left or header.handle != HANDLE:
            peer.abandon(stream, CloseCode.FORBIDDEN)
            return
        guest.streams[stream] = header.channel
        self._reception.channel_opened(guest.entrance, HANDLE, header.channel, stream, now)

    def peer_stream(self, peer: RelayPeer, stream: int, data: bytes, end: bool, now: float) -> None:
        """Bytes of a channel."""
        guest = self._guests.get(peer)
        channel = guest.streams.get(stream) if guest is not None else None
        if guest is None or channel is None:
            peer.carrier.consume(stream, len(data))
            return
        self._reception.channel_received(guest.entrance, HANDLE, channel, stream, data, end, now)
        if end:
            guest.streams.pop(stream, None)

    def peer_stream_reset(self, peer: RelayPeer, stream: int, code: int, now: float) -> None:
        """A channel was abandoned."""
        guest = self._guests.get(peer)
        channel = guest.streams.pop(stream, None) if guest is not None else None
        if guest is not None and channel is not None:
            self._reception.channel_reset(guest.entrance, HANDLE, channel, stream, code, now)

    def peer_stream_writable(self, peer: RelayPeer, stream: int, now: float) -> None:
        """Sessions bound what they queue by acknowledgements of their own."""

    def peer_datagram(self, peer: RelayPeer, data: bytes, now: float) -> None:
        """Viewers send none."""

    def peer_fate(self, peer: RelayPeer, cookie: object, acked: bool, now: float) -> None:
        """A fragment arrived or was lost."""
        guest = self._guests.get(peer)
        if guest is not None:
            self._sharing.fate(guest.entrance.outlet, cookie, acked, now)

    def peer_gone(self, peer: RelayPeer, now: float) -> None:
        """The connection is over."""
        guest = self._guests.pop(peer, None)
        if guest is not None:
            self._reception.entrance_lost(guest.entrance, now)
