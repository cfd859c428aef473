"""What a HopServer tells of one neighbour: its events, in the order in which they happened (see session/hop/server.py).

Whoever serves the hop takes them with `next_event` after each call, and answers by calling the peer.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.session.hop.mediaevents import MediaFates, MediaReceived
from avl_protocol.session.hop.stream import StreamHeader
from avl_protocol.wire.messages import HopMessage


@dataclass(frozen=True, slots=True)
class Registering:
    """A host proved that it is `device`. It waits for `registered` or `close`, now or later."""

    device: int
    #: Whether it leaves the place to another registration of its device.
    yields: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A message that the neighbour's state allows."""

    message: HopMessage


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """The neighbour opened a channel; its bytes follow. It is refused by abandoning the stream."""

    stream: int
    header: StreamHeader


@dataclass(frozen=True, slots=True)
class ChannelReceived:
    """Bytes of a channel's stream, in order. Credit is to be given back with `carrier.consume`."""

    stream: int
    data: bytes
    end: bool


@dataclass(frozen=True, slots=True)
class ChannelReset:
    """The neighbour abandoned a channel's stream."""

    stream: int
    code: int


@dataclass(frozen=True, slots=True)
class ChannelWritable:
    """A channel's backlog has drained."""

    stream: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The connection is over; nothing follows."""


HopServerEvent = (
    Registering
    | Said
    | ChannelOpened
    | ChannelReceived
    | ChannelReset
    | ChannelWritable
    | MediaReceived
    | MediaFates
    | Gone
)
