"""Hops for tests of the relay: a client that says whatever the test wants, and the relay's side of it, in memory."""

from __future__ import annotations

from avl_protocol.crypto.identity import (
    Identity,
    device_record,
    endorse_certificate,
    prove_registration,
    sign_record,
)
from avl_protocol.session.hopstream import CONTROL_HEADER, HopStream, channel_header, hop_bytes
from avl_protocol.session.relay import RelayIdentity, RelayPeer
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.messages import (
    Accept,
    Attach,
    Attached,
    Hello,
    HopMessage,
    Incoming,
    Register,
    Registered,
)
from avl_protocol.wire.registry import Role
from avl_relay.forward.router import Router
from tests.protocol.handshakes import WALL, identity
from tests.protocol.memory import Connection, Deaf, settle

CERTIFICATE = b"certificate"
NONCE = b"n" * 16
NAME = "relay.test:4433"


class Relaying:
    """A relay's router and all hops at it."""

    def __init__(self) -> None:
        self.router = Router(bytes(32), lambda _event, _about: None)
        self.hops: list[Hop] = []

    def settle(self, now: float = 0.0) -> None:
        """Deliver whatever waits on any hop."""
        settle(now, *(hop.connection for hop in self.hops))


class Hop:
    """One neighbour of the relay."""

    def __init__(self, relaying: Relaying, address: str = "10.0.0.9") -> None:
        relay = identity("relay")
        own = RelayIdentity(relay.public, CERTIFICATE, endorse_certificate(relay, CERTIFICATE), NAME, "")
        self.connection = Connection((address, 1), CERTIFICATE)
        self.client = self.connection.client
        self.relay = self.connection.server
        self.peer = RelayPeer(own, relaying.router, NONCE, WALL * 1000, 0.0)
        self.peer.attach_carrier(self.relay)
        self.told = Deaf()
        self.connection.join(self.told, self.peer)
        self._meeting = relaying
        relaying.hops.append(self)
        self._control = -1
        self._hop = HopStream()
        self._read = 0

    def open(self, data: bytes) -> int:
        """Open a stream, send bytes on it and let them arrive; the first one is taken for the control stream."""
        stream = self.client.open_stream()
        if self._control < 0:
            self._control = stream
        self.client.send_stream(stream, data)
        self._meeting.settle()
        return stream

    def say(self, message: HopMessage, now: float = 0.0) -> None:
        """Send a hop message and let it arrive everywhere it leads to."""
        self.client.send_stream(self._control, hop_bytes(message))
        self._meeting.settle(now)

    def heard(self) -> list[HopMessage]:
        """Hop messages that arrived since the last call."""
        data = bytes(self.told.streams.get(self._control, b""))
        fresh, self._read = data[self._read :], len(data)
        return self._hop.receive(fresh)

    @property
    def code(self) -> int | None:
        """Why the relay closed the connection; None while it has not."""
        return None if self.relay.closed is None else self.relay.closed[0]


def hello(role: Role) -> bytes:
    """What a client begins with."""
    return CONTROL_HEADER + hop_bytes(Hello((1,), role, "test"))


def register(device: Identity) -> Register:
    """A registration that holds at this relay."""
    record = device_record(WALL - 60, WALL + 60, "test")
    proof = prove_registration(device, NONCE, CERTIFICATE, NAME, record)
    return Register(device.public, record, sign_record(device, record), proof)


def number(device: Identity) -> bytes:
    """A device number as it travels."""
    return device.number.to_bytes(NUMBER_BYTES, "big")


def hosting(relaying: Relaying, device: Identity) -> tuple[Hop, int]:
    """A registered host, and its media handle."""
    hop = Hop(relaying, "10.0.0.8")
    hop.open(hello(Role.HOST))
    hop.say(register(device))
    (media,) = [message.media_handle for message in hop.heard() if isinstance(message, Registered)]
    return hop, media


def viewing(relaying: Relaying, address: str = "10.0.0.9") -> Hop:
    """A welcomed viewer."""
    hop = Hop(relaying, address)
    hop.open(hello(Role.VIEWER))
    hop.heard()
    return hop


def attached(viewer: Hop, host: Hop, device: Identity, session: bytes = bytes(16)) -> int:
    """Attach a viewer to a host that accepts; the session's handle."""
    viewer.say(Attach(number(device), session))
    (handle,) = [message.handle for message in host.heard() if isinstance(message, Incoming)]
    host.say(Accept(handle))
    assert [message.handle for message in viewer.heard() if isinstance(message, Attached)] == [handle]
    return handle


def channel(viewer: Hop, handle: int, number: int, data: bytes = b"") -> int:
    """Open a channel; its stream."""
    return viewer.open(channel_header(handle, number) + data)
