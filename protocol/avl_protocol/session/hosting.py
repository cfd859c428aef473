"""What a host's session asks of its door and tells its owner, and its states (spec 04-session)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from avl_protocol.crypto.attempts import Try
from avl_protocol.wire.endtoend import ChannelMessage, Grant
from avl_protocol.wire.registry import CloseCode, Permission

if TYPE_CHECKING:
    from avl_protocol.session.host import HostSession


class HostState(Enum):
    """Where a session stands."""

    HANDSHAKE = "the viewer is proving itself"
    CONSENT = "a person is being asked"
    ADMITTED = "running"
    ENDED = "over"


class Door(Protocol):
    """Who may come in: the codes, counted before they answer (spec 06-security, 6.2.1)."""

    def begin(self, viewer: bytes, now: float) -> Try:
        """Count a try of a viewer identity; what to answer it with."""

    def confirmed(self, attempt: Try, which: int) -> Permission | None:
        """The viewer knew code `which`: what it admits to; None when that code was used up meanwhile."""

    def failed(self, attempt: Try) -> None:
        """The try ended without the right tag."""

    def redeem(self, ticket: bytes, viewer: bytes) -> Permission | None:
        """What a resume ticket of this viewer admits to, once; None when it is not good (6.2.3)."""


class HostSessionOwner(Protocol):
    """What the owner of a session is told."""

    def session_asks(self, session: HostSession, name: str, wish: Permission, now: float) -> bool:
        """The code was right. True: ask a person and call `consented`; False: no question."""

    def session_grant(self, session: HostSession, now: float) -> Grant:
        """The session is being admitted: what to grant it."""

    def session_admitted(self, session: HostSession, now: float) -> None:
        """GRANT was sent; the channels are open."""

    def session_input(self, session: HostSession, events: list[tuple[Any, ...]], now: float) -> None:
        """Apply input now."""

    def session_message(self, session: HostSession, message: ChannelMessage, now: float) -> None:
        """A message of a channel that is not the session's own business: a service's."""

    def session_opened(self, session: HostSession, channel: int, now: float) -> None:
        """A channel behind channel 0 has a way, for the first time or after a move: what it missed may be sent."""

    def session_moved(self, session: HostSession, now: float) -> None:
        """The session is on another route: `session.route`. What it was not told meanwhile is to be told now."""

    def session_detached(self, session: HostSession, now: float) -> None:
        """The session has no way to its viewer; it is kept for a while."""

    def session_ended(self, session: HostSession, code: CloseCode, now: float) -> None:
        """The session is over; what it held has been released before."""
