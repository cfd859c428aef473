"""Demultiplexer: finds the connection of an arriving datagram, or names what else it is.

One socket carries every connection of a program, in both roles. Connection IDs are ours and 8 bytes long, so that a
short header can be routed without knowing its connection (RFC 9000, section 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from aioquic.quic.packet import QuicProtocolVersion

from avl_protocol.quic.options import CID_LENGTH

Bound = TypeVar("Bound")

SUPPORTED_VERSIONS = (int(QuicProtocolVersion.VERSION_1), int(QuicProtocolVersion.VERSION_2))
#: Type bits of an Initial packet by version (RFC 9000, section 17.2; RFC 9369, section 3.2).
INITIAL_TYPE = {SUPPORTED_VERSIONS[0]: 0, SUPPORTED_VERSIONS[1]: 1}
SMALLEST_INITIAL = 1200
TOKEN_LENGTH = 16
#: The smallest datagram that can be a stateless reset.
SMALLEST_RESET = 21
MAX_CID = 20


@dataclass(frozen=True, slots=True)
class NewConnection:
    """A client's first packet."""

    version: int
    destination: bytes
    source: bytes


@dataclass(frozen=True, slots=True)
class UnknownVersion:
    """A packet large enough to be answered with version negotiation."""

    destination: bytes
    source: bytes


@dataclass(frozen=True, slots=True)
class ResetOf(Generic[Bound]):
    """The peer of a connection has lost its state."""

    bound: Bound


@dataclass(frozen=True, slots=True)
class Stray:
    """A packet of a connection we do not know (any more)."""

    destination: bytes


@dataclass(frozen=True, slots=True)
class NotQuic:
    """The fixed bit is 0: something else that shares the socket."""


@dataclass(frozen=True, slots=True)
class Known(Generic[Bound]):
    """A packet of a connection."""

    bound: Bound


Attachment = NewConnection | UnknownVersion | Stray | NotQuic | None


class Demultiplexer(Generic[Bound]):
    """Connection IDs and reset tokens of all connections of one socket."""

    def __init__(self) -> None:
        self._by_id: dict[bytes, Bound] = {}
        self._by_token: dict[bytes, Bound] = {}

    def add(self, connection_id: bytes, bound: Bound) -> None:
        """Route packets with this destination to `bound`."""
        self._by_id[connection_id] = bound

    def remove(self, connection_id: bytes) -> None:
        """Forget a connection ID."""
        self._by_id.pop(connection_id, None)

    def add_token(self, token: bytes, bound: Bound) -> None:
        """A stateless reset token of a link's peer."""
        self._by_token[token] = bound

    def remove_token(self, token: bytes) -> None:
        """Forget a reset token."""
        self._by_token.pop(token, None)

    def known(self, data: bytes) -> Bound | None:
        """The connection that a datagram names as its destination; None where `route` has to look."""
        first = data[0]
        if first & 0x80:
            return self._by_id.get(data[6 : 6 + data[5]]) if len(data) > 6 else None
        return self._by_id.get(data[1 : 1 + CID_LENGTH]) if first & 0x40 else None

    def route(self, data: bytes) -> Known[Bound] | ResetOf[Bound] | Attachment:
        """What a datagram is; None for what deserves no answer."""
        first = data[0]
        if first & 0x80:
            return self._route_long(data, first)
        if not first & 0x40:
            return NotQuic()
        destination = data[1 : 1 + CID_LENGTH]
        bound = self._by_id.get(destination)
        if bound is not None:
            return Known(bound)
        if len(data) < SMALLEST_RESET:
            return None
        reset = self._by_token.get(data[-TOKEN_LENGTH:])
        return Stray(destination) if reset is None else ResetOf(reset)

    def _route_long(self, data: bytes, first: int) -> Known[Bound] | Attachment:
        if len(data) < 7:
            return None
        version = int.from_bytes(data[1:5], "big")
        start = 6 + data[5]
        destination = data[6:start]
        bound = self._by_id.get(destination)
        if bound is not None:
            return Known(bound)
        if len(data) < SMALLEST_INITIAL or not first & 0x40 or version == 0:
            return None
        length = data[start]
        source = data[start + 1 : start + 1 + length]
        if version not in SUPPORTED_VERSIONS:
            return UnknownVersion(destination, source)
        if (first & 0x30) >> 4 != INITIAL_TYPE[version] or not 8 <= len(destination) <= MAX_CID or length > MAX_CID:
            return None
        return NewConnection(version, destination, source)
