"""What a viewer's session is told and tells: its settings, its states, and its owner (spec 04-session)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from avl_protocol.crypto.identity import Identity
from avl_protocol.session.inputledger import Dropped
from avl_protocol.session.mediain import ReceivedFrame
from avl_protocol.session.pipes import Route
from avl_protocol.wire.endtoend import ChannelMessage, Grant
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import InputKind, Permission


class ViewerState(Enum):
    """Where a session stands."""

    HANDSHAKE = "the host is proving itself, and we are"
    ADMITTED = "running"
    ENDED = "over"


@dataclass(frozen=True, slots=True)
class ViewerSettings:
    """Whom we want and what for. `decodes`: chroma samplings our decoder can do, none where no pictures are wanted yet
    (`ViewerSession.watch`); `ticket`: of a lost session."""

    identity: Identity
    device: int
    session_id: bytes
    code: str
    name: str
    permissions: Permission
    decodes: tuple[int, ...]
    ticket: bytes = b""


def may(permissions: Permission, event: tuple[Any, ...]) -> bool:
    """Whether a host with these permissions applies an input event (spec 04-session, 4.6)."""
    if event[0] in (InputKind.RELEASE_ALL, InputKind.HOLDING):
        return True
    points = event[0] in (InputKind.MOVE, InputKind.BUTTON, InputKind.WHEEL)
    return bool(permissions & (Permission.POINTER if points else Permission.KEYBOARD))


class ViewerSessionOwner(Protocol):
    """What the owner of a session is told."""

    def session_waiting(self, seconds: int, now: float) -> None:
        """A person at the host is being asked."""

    def session_admitted(self, grant: Grant, now: float) -> None:
        """We are in."""

    def session_frames(self, frames: list[ReceivedFrame], now: float) -> None:
        """Frames to decode, in order."""

    def session_recover(self, track: int, number: int, now: float) -> None:
        """A track can't be decoded from object `number` on: ask for recovery."""

    def session_message(self, message: ChannelMessage, now: float) -> None:
        """A message of a channel that is not the session's own business: a service's."""

    def session_echo(self, sequence: int, host_time: float, now: float) -> None:
        """Input batches up to `sequence` were applied at `host_time` (host's clock, seconds)."""

    def session_dropped(self, dropped: list[Dropped], now: float) -> None:
        """Input that came to nothing, or of which the host says nothing."""

    def session_moved(self, route: Route, now: float) -> None:
        """The session is on another route."""

    def session_unmoved(self, route: Route, now: float) -> None:
        """The other end refused a move to this route: it is no good."""

    def session_adrift(self, now: float) -> None:
        """Channel 0 has lost its stream, although the way may still be there: the session wants to be moved."""

    def session_stale(self, stale: bool, now: float) -> None:
        """The host has (not) been heard for 3 s: what is shown may be old, and no input is sent."""

    def session_ended(self, reason: Refused, now: float) -> None:
        """The session is over."""
