"""Settings of one session of a viewer, and which of its ends are worth another attempt."""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_protocol.crypto.identity import Identity
from avl_protocol.wire.registry import T_RESUME, CloseCode, Permission
from avl_protocol.wire.target import Target
from avl_viewer.tickets import TicketMemory, Tickets

#: What is asked for; the host grants what its code admits to.
EVERYTHING = Permission(sum(Permission))
#: Losses after which dialling again helps; anything else is an answer.
RETRYABLE = (
    CloseCode.GOING_AWAY, CloseCode.TIMEOUT, CloseCode.UNAVAILABLE, CloseCode.SESSION_LOST, CloseCode.INTERNAL,
    CloseCode.TOO_SLOW, CloseCode.SESSION_UNKNOWN,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Whom to see. `code` in any spelling; `patience`: seconds for which a session without a way is kept; `timeout` in
    seconds, for one attempt; `direct`: look for a direct way, which tells the host our addresses; `udp`: may be used;
    `pictures`: from the first moment, or only when somebody asks for one (`DesktopClient.watch`).
    """

    target: Target
    code: str
    identity: Identity
    name: str
    permissions: Permission = EVERYTHING
    patience: float = T_RESUME
    timeout: float = 10.0
    direct: bool = True
    udp: bool = True
    pictures: bool = True
    tickets: Tickets = field(default_factory=TicketMemory)
