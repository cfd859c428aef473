"""A router with neighbours played by the test, over in-memory carriers."""

from __future__ import annotations

from avl_protocol.crypto.identity import (
    Identity,
    device_record,
    endorse_certificate,
    prove_registration,
    sign_record,
)
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.media.track import Track, video
from avl_protocol.rate.limits import DEFAULT, Limits
from avl_protocol.session.hop.server import HopServer, RelayIdentity
from avl_protocol.session.hop.stream import CONTROL_HEADER, HopStream, channel_header, hop_bytes
from avl_protocol.wire.messages import (
    Accept,
    Admit,
    Attach,
    Attached,
    Close,
    Detach,
    Hello,
    HopMessage,
    Incoming,
    Register,
    Registered,
    Tracks,
    Welcome,
)
from avl_protocol.wire.registry import Role
from avl_relay.access import Access
from avl_relay.directory import Directory
from avl_relay.forward.router import Router
from tests.protocol.handshakes import WALL, identity
from tests.protocol.memory import Connection, Deaf, settle

RELAY = identity("relay")
CERTIFICATE = b"certificate"
NAME = "relay.test:4433"


class Neighbour:
    """One connection of the relay: the client's end is the test's."""

    def __init__(self, stand: Stand, address: str) -> None:
        self._stand = stand
        self._next_stream = 4
        self.told = Deaf()
        self.connection = Connection((address, 5))
        own = RelayIdentity(
            public=RELAY.public,
            certificate=CERTIFICATE,
            endorsement=endorse_certificate(RELAY, CERTIFICATE),
            name=NAME,
            page="",
        )
        self.peer = HopServer(own, nonce=b"n" * 16, wall_ms=WALL * 1000, now=stand.now)
        self.peer.attach_carrier(self.connection.server)
        stand.router.take(self.peer, stand.now)
        #: The relay's end: hand it what a carrier would.
        self.driven = Driven(
            self.peer, lambda: stand.router.take(self.peer, stand.now), Faults(), self.connection.server.close
        )
        self.connection.join(self.told, self.driven)
        self.media_handle = 0
        self.raw(CONTROL_HEADER)

    def raw(self, data: bytes, stream: int = 0, end: bool = False) -> None:
        """Bytes on one of this side's streams."""
        self.connection.client.send_stream(stream, data, end)
        self._stand.settle()

    def say(self, *messages: HopMessage) -> None:
        """Hop messages."""
        for message in messages:
            self.raw(hop_bytes(message))

    @property
    def heard(self) -> list[HopMessage]:
        """All hop messages so far, WELCOME left out."""
        got = HopStream().receive(bytes(self.told.streams.get(0, b"")))
        return [message for message in got if not isinstance(message, Welcome)]

    def last(self, kind: type[HopMessage]) -> HopMessage:
        """The latest message of a kind."""
        return [message for message in self.heard if isinstance(message, kind)][-1]

    @property
    def closed(self) -> int | None:
        """The code that the relay closed this connection with."""
        ended = self.connection.server.closed
        return ended[0] if ended else None

    def open(self, handle: int, channel: int, data: bytes = b"") -> int:
        """Open a channel and return the stream."""
        stream, self._next_stream = self._next_stream, self._next_stream + 4
        self.raw(channel_header(handle, channel) + data, stream)
        return stream

    def received(self, stream: int) -> bytes:
        """What came on a stream, a channel's header included."""
        return bytes(self.told.streams.get(stream, b""))

    def lost(self) -> None:
        """The connection breaks."""
        self.driven.carrier_lost(5, "", self._stand.now)
        self.connection.server.close(0, "")
        self._stand.settle()


class Stand:
    """A router and its neighbours at time `now`. `handles` as a router takes them; routers of one relay share
    `connections`, all that is delivered on."""

    def __init__(
        self,
        access: Access | None = None,
        directory: Directory | None = None,
        *,
        limits: Limits = DEFAULT,
        handles: tuple[int, int] = (1, 1),
        connections: list[Connection] | None = None,
    ) -> None:
        self.now = 100.0
        self.log: list[str] = []
        #: NAT tests that were let through: by whom, and their tokens.
        self.nat_tests: list[tuple[HopServer, bytes]] = []
        self.router = Router(
            secret=b"secret",
            log=lambda event, about: self.log.append(event),
            nat_test=lambda peer, token: self.nat_tests.append((peer, token)),
            access=access,
            directory=directory,
            limits=limits,
            handles=handles,
        )
        self._all: list[Connection] = [] if connections is None else connections

    def forget(self, *neighbours: Neighbour) -> None:
        """Deliver to these no more."""
        for neighbour in neighbours:
            self._all.remove(neighbour.connection)

    def clear(self) -> None:
        """Forget everybody, and what was noted."""
        self._all.clear()
        self.log.clear()
        self.nat_tests.clear()

    def wait(self, seconds: float) -> None:
        """Time passes, and what the router waits for is done when it is due."""
        until = self.now + seconds
        while (at := self.router.next_timeout()) is not None and at <= until:
            self.now = max(self.now, at)
            self.router.handle_timer(self.now)
            self.settle()
        self.now = until

    def settle(self) -> None:
        """Let all bytes arrive."""
        settle(self.now, *self._all)

    def neighbour(self, address: str) -> Neighbour:
        """Somebody who has connected and said nothing."""
        made = Neighbour(self, address)
        self._all.append(made.connection)
        self.settle()
        return made

    def host(
        self, own: Identity | None = None, address: str = "10.0.0.2", tracks: tuple[Track, ...] = (video(1),)
    ) -> Neighbour:
        """A registered host that publishes `tracks`."""
        made = self.neighbour(address)
        self.register(made, own)
        registered = made.last(Registered)
        assert isinstance(registered, Registered)
        made.media_handle = registered.media_handle
        made.say(Tracks(tuple(track.row for track in tracks)))
        return made

    def register(self, made: Neighbour, own: Identity | None = None, yields: int = 0) -> None:
        """Say what a host says to be registered."""
        own = own or identity("host")
        record = device_record(WALL - 10, WALL + 1000, "test")
        proof = prove_registration(own, b"n" * 16, CERTIFICATE, NAME, record)
        made.say(
            Hello((1,), Role.HOST),
            Register(
                identity=own.public, record=record, signature=sign_record(own, record), proof=proof, yields=yields
            ),
        )

    def viewer(self, address: str = "10.0.0.3") -> Neighbour:
        """A viewer that has been welcomed."""
        made = self.neighbour(address)
        made.say(Hello((1,), Role.VIEWER))
        return made

    def attach(self, viewer: Neighbour, session: bytes = b"s" * 16, device: Identity | None = None) -> None:
        """Ask for a device."""
        number = (device or identity("host")).number
        viewer.say(Attach(number.to_bytes(17, "big"), session))

    def meet(
        self,
        host: Neighbour,
        viewer: Neighbour,
        channels: tuple[int, ...] = (0, 1, 2),
        tracks: tuple[int, ...] = (1,),
        session: bytes = b"s" * 16,
        admit: bool = True,
    ) -> int:
        """A session of both; its handle."""
        self.attach(viewer, session)
        incoming = host.last(Incoming)
        assert isinstance(incoming, Incoming) and incoming.session == session
        host.say(Accept(incoming.handle))
        attached = viewer.last(Attached)
        assert isinstance(attached, Attached) and attached.handle == incoming.handle
        if admit:
            host.say(Admit(incoming.handle, tracks, channels))
        return incoming.handle


def codes(neighbour: Neighbour) -> list[int]:
    """Codes of every DETACH and CLOSE that a neighbour was told."""
    return [message.code for message in neighbour.heard if isinstance(message, (Detach, Close))]
