"""What both sides of a hop tell of media datagrams."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaReceived:
    """A datagram arrived: at a server, of a registered host."""

    data: bytes


@dataclass(frozen=True, slots=True)
class MediaFate:
    """A datagram that was sent with `cookie` arrived, or was lost."""

    cookie: object
    acked: bool
