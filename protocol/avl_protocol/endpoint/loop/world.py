"""World: what a program is run in. The system's own here; a simulated one satisfies the same types
(tests/simulator)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from avl_protocol.endpoint.addresses.interfaces import FixedInterfaces, Interfaces, SystemInterfaces
from avl_protocol.endpoint.files.conveyor import InLoop, Threads, Workshop
from avl_protocol.endpoint.loop.clock import Clock, SystemClock, entropy
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.loop.priority import Priority, SamePriority, SystemPriority
from avl_protocol.endpoint.udp.network import Network
from avl_protocol.endpoint.udp.sockets import UdpNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Clock, entropy, network, own addresses, faults and threads' priority of an assembled program."""

    clock: Clock
    entropy: Callable[[int], bytes]
    network: Network
    interfaces: Interfaces = field(default_factory=FixedInterfaces)
    #: Opens a WebSocket (endpoint/tcp/websocket.py); None where there is no TCP.
    dial_tcp: Callable[..., Awaitable[object]] | None = None
    #: Opens a connection for requests (endpoint/tcp/http1client.py); None where there is no TCP.
    dial_http: Callable[..., Awaitable[Any]] | None = None
    #: Where errors end that nobody foresaw.
    faults: Faults = field(default_factory=Faults)
    #: Where files are read and written.
    open_workshop: Callable[[], Workshop] = InLoop
    #: Which threads go first.
    priority: Priority = field(default_factory=SamePriority)


async def _dial_tcp(*arguments: object, **settings: object) -> object:
    """`connect_websocket`, loaded by who needs it: most have UDP, and a short command has no time to spare. The event
    loop goes on meanwhile."""
    module = await asyncio.to_thread(import_module, "avl_protocol.endpoint.tcp.websocket")
    return await module.connect_websocket(*arguments, **settings)


async def _dial_http(*arguments: object, **settings: object) -> Any:
    """`connect_http1`, in the same way."""
    module = await asyncio.to_thread(import_module, "avl_protocol.endpoint.tcp.http1client")
    return await module.connect_http1(*arguments, **settings)


def system_world() -> World:
    """The machine's clock, entropy and sockets. Call it inside the event loop that the program runs on."""
    return World(
        clock=SystemClock(),
        entropy=entropy,
        network=UdpNetwork(),
        interfaces=SystemInterfaces(),
        dial_tcp=_dial_tcp,
        dial_http=_dial_http,
        open_workshop=Threads,
        priority=SystemPriority(),
    )
