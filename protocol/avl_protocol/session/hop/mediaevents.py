"""What both sides of a hop tell of media datagrams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaReceived:
    """Datagrams arrived, in order: at a server, of a registered host."""

    datagrams: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class MediaFates:
    """What became of datagrams: the cookie that each was sent with, and whether it arrived."""

    fates: Sequence[tuple[object, bool]]
