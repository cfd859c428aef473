"""What a HopClient tells of its hop: its events, in the order in which they happened (see session/hop/client.py).

Whoever owns the link takes them with `next_event` after each call, and answers by calling the link.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.session.hop.mediaevents import MediaFates, MediaReceived
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import HopMessage, Welcome


@dataclass(frozen=True, slots=True)
class HopUp:
    """The right one is at the other end and, for a host, has registered us."""

    welcome: Welcome


@dataclass(frozen=True, slots=True)
class HopSaid:
    """A hop message that is not the link's own business."""

    message: HopMessage


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """The neighbour opened a stream for an end-to-end channel; its bytes follow."""

    handle: int
    channel: int
    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReceived:
    """Bytes of an end-to-end channel, in order. Credit is to be given back with `carrier.consume`."""

    handle: int
    channel: int
    stream: int
    data: bytes
    end: bool


@dataclass(frozen=True, slots=True)
class ChannelReset:
    """The neighbour abandoned a channel's stream."""

    handle: int
    channel: int
    stream: int
    code: int


@dataclass(frozen=True, slots=True)
class ChannelWritable:
    """A channel's backlog has drained."""

    handle: int
    channel: int
    stream: int


@dataclass(frozen=True, slots=True)
class HopLost:
    """The hop is over; nothing follows."""

    reason: Refused


ChannelEvent = ChannelOpened | ChannelReceived | ChannelReset | ChannelWritable
HopClientEvent = HopUp | HopSaid | ChannelEvent | MediaReceived | MediaFates | HopLost
