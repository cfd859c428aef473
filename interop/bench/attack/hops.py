"""Hops: a client's side of a connection to a relay, by QUIC or WebSocket, from any address of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from avl_protocol.crypto.identity import Identity, device_record
from avl_protocol.endpoint.clock import SystemClock, entropy
from avl_protocol.endpoint.dial import Unreachable
from avl_protocol.endpoint.driver import Driven
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.faults import Faults
from avl_protocol.endpoint.network import Address
from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.endpoint.udp import UdpNetwork
from avl_protocol.endpoint.websocket import connect_websocket
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.session.link import LinkSettings, RelayLink
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import HopMessage, Welcome
from avl_protocol.wire.registry import Role

CLOCK = SystemClock()
FAULTS = Faults()


class Hop:
    """A LinkOwner with events: `up` and `lost` are futures, the rest goes to what is set."""

    def __init__(self, settings: LinkSettings) -> None:
        loop = asyncio.get_running_loop()
        self.link = RelayLink(settings, self)
        self.up: asyncio.Future[Welcome] = loop.create_future()
        self.lost: asyncio.Future[Refused] = loop.create_future()
        self.on_message: Callable[[HopMessage], None] = lambda message: None
        self.on_channel: Callable[[int, int, int, bytes], None] = lambda handle, channel, stream, data: None
        self.media = 0

    def link_up(self, welcome: Welcome, now: float) -> None:
        self.up.set_result(welcome)

    def link_message(self, message: HopMessage, now: float) -> None:
        self.on_message(message)

    def channel_opened(self, handle: int, channel: int, stream: int, now: float) -> None:
        """Its bytes say the same."""

    def channel_received(self, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float) -> None:
        self.link.carrier.consume(stream, len(data))
        self.on_channel(handle, channel, stream, data)

    def channel_reset(self, handle: int, channel: int, stream: int, code: int, now: float) -> None:
        """The other side has no more to say."""

    def channel_writable(self, handle: int, channel: int, stream: int, now: float) -> None:
        """Little is written here."""

    def media_received(self, data: bytes, now: float) -> None:
        self.media += 1

    def media_fate(self, cookie: object, acked: bool, now: float) -> None:
        """Nobody sends it again."""

    def link_lost(self, reason: Refused, now: float) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        if not self.up.done():
            self.up.set_exception(reason)
            self.up.exception()  # whoever waits is told all the same

    async def dial(self, relay: Address, endpoint: Endpoint | None, timeout: float = 5.0) -> None:
        """Connect, and wait for WELCOME (for a host: REGISTERED). By WebSocket without an endpoint. Raises Refused or
        Unreachable."""

        def on_carrier(carrier: Any) -> Any:
            self.link.attach_carrier(carrier)
            return Driven(self.link, lambda: None, FAULTS, carrier.close)

        if endpoint is None:
            await connect_websocket(
                relay, trust=TrustPinned(), on_carrier=on_carrier, clock=CLOCK, loop=asyncio.get_running_loop(),
                timeout=timeout,
            )  # fmt: skip
        else:
            await endpoint.connect(relay, trust=TrustPinned(), on_carrier=on_carrier, timeout=timeout)
        async with asyncio.timeout(timeout):
            await self.up


async def endpoint_at(host: str) -> Endpoint:
    """A socket of its own at an address of this machine."""
    loop = asyncio.get_running_loop()
    made = Endpoint(
        network=UdpNetwork(loop), clock=CLOCK, entropy=entropy, loop=loop, options=ConnectionOptions(keepalive=5.0)
    )
    await made.bind((host, 0))
    return made


def viewer(pin: bytes) -> Hop:
    """Somebody who will ask for a device."""
    return Hop(LinkSettings(Role.VIEWER, "attack bench", pin))


def host(pin: bytes, identity: Identity) -> Hop:
    """Somebody who will register."""
    wall = int(CLOCK.wall())
    return Hop(LinkSettings(Role.HOST, "attack bench", pin, identity, device_record(wall, wall + 3600, "attack bench")))


FAILURES = (Refused, Unreachable, TimeoutError, OSError)
