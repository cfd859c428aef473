"""What a host's session asks of its door, the events that it gives its owner, and its states (spec 04-session).

The owner takes them by `HostSession.next_event` after every call into the session. Some are questions: their answer is
a call, now or later.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from avl_protocol.crypto.attempts import Try
from avl_protocol.rights.chain import ChainRights
from avl_protocol.wire.endtoend import ChannelMessage
from avl_protocol.wire.registry import CloseCode, Permission


class HostState(Enum):
    """Where a session stands."""

    HANDSHAKE = "the viewer is proving itself"
    PROVED = "the viewer has proved itself"
    CONSENT = "a person is being asked"
    ADMITTED = "running"
    ENDED = "over"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a person at the host was asked to allow, and what of it they did (spec 11, 11.5); and until when, in whole
    Unix seconds; 0: until it is ended."""

    asked: Permission
    allowed: Permission
    until: int = 0

    def and_also(self, asked: Permission, allowed: Permission) -> Agreed:
        """With what was decided later."""
        return Agreed(self.asked | asked, self.allowed | (allowed & asked), self.until)


@dataclass(frozen=True, slots=True)
class Returned:
    """What a resume ticket admits to; and what a person decided about its session, None where nobody was asked."""

    permissions: Permission
    agreed: Agreed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a chain of statements comes to (spec 11): what the session may, whether a person has to allow it, and what
    the chain says. `begun`: when a session that it goes on with began, in Unix seconds; 0: it is new. `agreed`: what a
    person decided about it before."""

    permissions: Permission
    consent: bool
    rights: ChainRights
    begun: float = 0.0
    agreed: Agreed | None = None


class Admission(Protocol):
    """Who may come in: the codes, counted before they answer (spec 06-security, 6.2.1), and chains of statements."""

    def begin(self, viewer: bytes, now: float) -> Try:
        """Count a try of a viewer identity; what to answer it with."""

    def confirmed(self, attempt: Try, which: int) -> Permission | None:
        """The viewer knew code `which`: returns the permissions that it gives; None when that code was used up
        meanwhile."""

    def failed(self, attempt: Try) -> None:
        """The try ended without the right tag."""

    def redeem(self, ticket: bytes, viewer: bytes) -> Returned | None:
        """What a resume ticket of this viewer admits to, once; None when it is not good (6.2.3)."""

    def present(self, chain: tuple[str, ...], ticket: bytes, viewer: bytes, wish: Permission) -> Presented:
        """What a chain of this viewer comes to, beside which it may present a ticket (6.2.4). Raises GrantRefused."""

    def left(self, permissions: Permission) -> Permission:
        """What the owner's policy leaves of what a code or a ticket gives."""


@dataclass(frozen=True, slots=True)
class Asks:
    """The code was right, or the chain, and the viewer wants this. Answered by `asked`, `admit` or `end`. `name`: what
    it calls itself; any text. `consent`: whether a person has to be asked; None: as the host does who came by a
    code."""

    name: str
    wish: Permission
    consent: bool | None = None


@dataclass(frozen=True, slots=True)
class Returns:
    """The ticket was right: nobody is asked. Answered by `admit`."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """GRANT was sent; the channels are open."""


@dataclass(frozen=True, slots=True)
class Input:
    """Input to be applied now, in order; answered by `applied`. `sequence`: of the viewer's batch, None for what the
    session lets go of by itself. `discarded`: events that were not let through, in all."""

    events: tuple[tuple[Any, ...], ...]
    sequence: int | None = None
    discarded: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a channel that is not the session's own business: a service's."""

    message: ChannelMessage
    channel: int = 0


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A channel behind channel 0 has a path, for the first time or after a move: what it missed may be sent."""

    channel: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the session may is something else now: `session.permissions`."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The session is on another route: `session.attachment`. What it was not told meanwhile is to be told now."""


@dataclass(frozen=True, slots=True)
class Detached:
    """The session has no path to its viewer; it is kept for a while."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; what it held has been released by the events before. It is the last event."""

    code: CloseCode


Event = Asks | Returns | Admitted | Allowed | Input | Message | ChannelOpened | Moved | Detached | Ended
