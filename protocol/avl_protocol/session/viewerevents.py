"""What a ViewerSession tells: its events, in the order in which they happened (see session/viewer.py).

Whoever owns the session takes them with `next_event` after each call, and answers by calling the session.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.session.input.ledger import Dropped
from avl_protocol.session.media.receiver import ReceivedObject, ReceivedSound
from avl_protocol.session.pipes import Attachment
from avl_protocol.wire.endtoend import ChannelMessage, Grant, Rights
from avl_protocol.wire.errors import Refused


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person at the host is being asked, for `seconds` at most."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Admitted:
    """We are in."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Frames:
    """Pictures to decode and exact pixels to show, in order."""

    frames: list[ReceivedObject]


@dataclass(frozen=True, slots=True)
class Sounds:
    """Sound to play, as it came."""

    sounds: tuple[ReceivedSound, ...]


@dataclass(frozen=True, slots=True)
class Stuck:
    """A track can't be decoded from object `number` on: recovery is to be asked for."""

    track: int
    number: int


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether all was sent as exact pixels may be another matter now: the host has said something about it."""


@dataclass(frozen=True, slots=True)
class RightsTold:
    """What the session may, `session.permissions`, is something else now, or its end was told."""

    rights: Rights


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is not the session's own business: a service's."""

    message: ChannelMessage
    channel: int = 0


@dataclass(frozen=True, slots=True)
class LaneOpened:
    """A lane has a path, for the first time or again."""

    lane: int


@dataclass(frozen=True, slots=True)
class InputDropped:
    """Input that came to nothing, or of which the host says nothing."""

    dropped: list[Dropped]


@dataclass(frozen=True, slots=True)
class Moved:
    """The session is on another route."""

    attachment: Attachment


@dataclass(frozen=True, slots=True)
class Unmoved:
    """The other end refused a move to this route: it is no good."""

    attachment: Attachment


@dataclass(frozen=True, slots=True)
class Adrift:
    """Channel 0 has lost its stream, although the path may still be there: the session wants to be moved."""


@dataclass(frozen=True, slots=True)
class Stale:
    """The host has (not) been heard for 3 s: what is shown may be old, and no input is sent."""

    stale: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; nothing follows."""

    reason: Refused


ViewerEvent = (
    Waiting
    | Admitted
    | RightsTold
    | Frames
    | Sounds
    | Stuck
    | Settled
    | LaneOpened
    | Received
    | InputDropped
    | Moved
    | Unmoved
    | Adrift
    | Stale
    | Ended
)
