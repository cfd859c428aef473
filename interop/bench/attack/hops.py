"""Hops: a client's side of a connection to a relay, by QUIC or WebSocket, from any address of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from avl_protocol.crypto.identity import Identity, device_record
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import SystemClock, entropy
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.tcp.websocket import connect_websocket
from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.endpoint.udp.sockets import UdpNetwork
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.session.hop.client import HopClient, HopClientSettings
from avl_protocol.session.hop.clientevents import ChannelReceived, HopLost, HopSaid, HopUp
from avl_protocol.session.hop.mediaevents import MediaFates, MediaReceived
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import HopMessage, Welcome
from avl_protocol.wire.registry import Role

CLOCK = SystemClock()
FAULTS = Faults()


class Hop:
    """A link whose events are applied: `up` and `lost` are futures, the rest goes to what is set."""

    def __init__(self, settings: HopClientSettings) -> None:
        loop = asyncio.get_running_loop()
        self.hop = HopClient(settings)
        self.up: asyncio.Future[Welcome] = loop.create_future()
        self.lost: asyncio.Future[Refused] = loop.create_future()
        self.on_message: Callable[[HopMessage], None] = lambda message: None
        self.on_channel: Callable[[int, int, int, bytes], None] = lambda handle, channel, stream, data: None
        self.on_media: Callable[[bytes], None] = lambda data: None
        self.on_fates: Callable[[Sequence[tuple[object, bool]]], None] = lambda fates: None
        self.media = 0

    def _take(self) -> None:
        while (event := self.hop.next_event()) is not None:
            if isinstance(event, HopUp):
                self.up.set_result(event.welcome)
            elif isinstance(event, HopLost):
                self._over(event.reason)
            elif isinstance(event, HopSaid):
                self.on_message(event.message)
            elif isinstance(event, MediaReceived):
                self.media += len(event.datagrams)
                for data in event.datagrams:
                    self.on_media(data)
            elif isinstance(event, MediaFates):
                self.on_fates(event.fates)
            elif isinstance(event, ChannelReceived):
                self.hop.carrier.consume(event.stream, len(event.data))
                self.on_channel(event.handle, event.channel, event.stream, event.data)

    def _over(self, reason: Refused) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        if not self.up.done():
            self.up.set_exception(reason)
            self.up.exception()  # whoever waits is told all the same

    def receive_from(self, carrier: Any) -> Any:
        """The receiver of a carrier that is ready."""
        self.hop.attach_carrier(carrier)
        return Driven(self.hop, self._take, FAULTS, carrier.close)

    async def dial(
        self, relay: Address, endpoint: Endpoint | None, timeout: float = 5.0, destination: bytes | None = None
    ) -> None:
        """Connect, and wait for WELCOME (for a host: REGISTERED). By WebSocket without an endpoint. `destination`: the
        first destination connection ID. Raises Refused or Unreachable."""

        if endpoint is None:
            await connect_websocket(
                relay,
                trust=TrustPinned(),
                on_carrier=self.receive_from,
                clock=CLOCK,
                loop=asyncio.get_running_loop(),
                timeout=timeout,
            )
        else:
            await endpoint.connect(
                relay, trust=TrustPinned(), on_carrier=self.receive_from, timeout=timeout, destination=destination
            )
        async with asyncio.timeout(timeout):
            await self.up


async def endpoint_at(host: str, ack_delay: float = 0.005) -> Endpoint:
    """A socket of its own at an address of this machine."""
    loop = asyncio.get_running_loop()
    made = Endpoint(
        network=UdpNetwork(loop),
        clock=CLOCK,
        entropy=entropy,
        loop=loop,
        options=ConnectionOptions(ack_delay=ack_delay, keepalive=5.0),
    )
    await made.bind((host, 0))
    return made


def viewer(pin: bytes) -> Hop:
    """Somebody who will ask for a device."""
    return Hop(HopClientSettings(role=Role.VIEWER, software="attack bench", pin=pin))


def host(pin: bytes, identity: Identity) -> Hop:
    """Somebody who will register."""
    wall = int(CLOCK.wall())
    return Hop(
        HopClientSettings(
            role=Role.HOST,
            software="attack bench",
            pin=pin,
            identity=identity,
            record=device_record(wall, wall + 3600, "attack bench"),
        )
    )


FAILURES = (Refused, Unreachable, TimeoutError, OSError)
