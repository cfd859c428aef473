"""Settings of one session of a viewer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.wire.registry import T_RESUME, Permission
from avl_protocol.wire.target import Target
from avl_viewer.tickets import TicketMemory, Tickets
from avl_viewer.way import Way

#: The permissions that are asked for; the host grants those that the code gives.
EVERYTHING = Permission(sum(Permission))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Whom to see. `code` in any spelling; `chain`: statements that stand for it (spec 11); `access_pass`: of the
    relay's account; `patience`: seconds for which a session without a path is kept; `timeout` in seconds, for one
    attempt; `direct`: look for a direct path, which tells the host our addresses; `udp`: may be used; `pictures`: from
    the first moment, or only when somebody asks for one (`DesktopClient.watch`); `heads`: where heads of relays'
    audit logs are kept; None: they are not asked for; `again`: see Way; `monitors`: those to be seen by themselves, by
    name, as soon as they are there.
    """

    target: Target
    code: str
    chain: tuple[str, ...] = ()
    identity: Identity
    name: str
    permissions: Permission = EVERYTHING
    patience: float = T_RESUME
    timeout: float = 10.0
    direct: bool = True
    udp: bool = True
    pictures: bool = True
    access_pass: bytes = b""
    tickets: Tickets = field(default_factory=TicketMemory)
    heads: StateFolder | None = None
    again: Callable[[World], Awaitable[Way]] | None = None
    monitors: tuple[str, ...] = ()
