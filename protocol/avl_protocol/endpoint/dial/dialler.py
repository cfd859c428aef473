"""Dialler: one way to a relay out of those that a network allows, UDP first and TCP soon after (spec 02-transport,
2.10).

Both carriers are tried because a network that drops UDP does not say so. UDP gets a short head start, since it is
better if it works; the first that is ready is used, and the other is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from avl_protocol.carrier.carrier import Carrier, CarrierReceiver
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.dial.racing import race
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.tls import TrustLater, TrustPinned, TrustPublic
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.session.hop.client import HopClient
from avl_protocol.wire.registry import RawType
from avl_protocol.wire.target import RelayAddress


async def open_endpoint(world: World, options: ConnectionOptions, address: Address = ("", 0)) -> Endpoint:
    """An endpoint of an assembled program, by default on a free port of every address. Raises OSError."""
    endpoint = Endpoint(
        network=world.network,
        clock=world.clock,
        entropy=world.entropy,
        loop=asyncio.get_running_loop(),
        options=options,
        local=lambda: [address.ip for address in world.interfaces.addresses()],
    )
    await endpoint.bind(address)
    return endpoint


class _Nobody:
    """Receives what a carrier that came too late still says."""

    def carrier_ready(self, now: float) -> None:
        """Nobody waits for it."""

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        """Nobody reads it."""

    def stream_reset(self, stream: int, code: int, now: float) -> None:
        """Nobody minds."""

    def stream_writable(self, stream: int, now: float) -> None:
        """Nobody writes."""

    def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
        """Nobody looks."""

    def datagrams_settled(self, fates: Sequence[tuple[object, bool]], now: float) -> None:
        """Nobody sent one."""

    def carrier_lost(self, code: int, text: str, now: float) -> None:
        """As it was asked to be."""


class Dialler:
    """Opens hops for one program. `tcp`: whether TCP may be used where UDP does not work."""

    def __init__(self, world: World, endpoint: Endpoint, *, udp: bool = True, tcp: bool = True) -> None:
        self._world = world
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._udp = udp
        self._tcp = tcp and world.dial_tcp is not None
        self._asking: set[asyncio.Task[None]] = set()

    async def reach(
        self, relay: RelayAddress, hop: HopClient, after: Callable[[], None], timeout: float, *, tcp: bool = True
    ) -> None:
        """Connect `hop` to a relay; `after` is called behind everything it receives. Raises Unreachable.

        `tcp` False: only by QUIC.
        """
        won = False

        def first(carrier: Any, trusted: Callable[[], bool]) -> CarrierReceiver:
            nonlocal won
            if won:
                carrier.close(0, "")
                return _Nobody()
            won = True
            hop.attach_carrier(carrier, trusted, self._world.clock.wall())
            return Driven(hop, after, self._world.faults, carrier.close)

        attempts: list[Callable[[], Awaitable[object]]] = []
        if self._udp:
            attempts.append(lambda: self._by_quic(relay, first, timeout))
        if self._tcp and tcp:
            attempts.append(lambda: self._by_tcp(relay, first, timeout))
        if not attempts:
            raise Unreachable("neither UDP nor TCP may be used")
        await race(attempts)

    async def by_udp(self, relay: RelayAddress, timeout: float) -> bool:
        """Whether a relay can be reached by QUIC now: by a connection that is closed at once."""

        def close(carrier: Any, trusted: Callable[[], bool]) -> CarrierReceiver:
            carrier.close(0, "")
            return _Nobody()

        try:
            await self._by_quic(relay, close, timeout)
        except Unreachable:
            return False
        return True

    async def _by_quic(
        self, relay: RelayAddress, first: Callable[[Any, Callable[[], bool]], CarrierReceiver], timeout: float
    ) -> None:
        trust = TrustPinned() if relay.pin is not None else TrustLater(relay.host)
        await self._endpoint.connect(
            (relay.host, relay.port),
            trust=trust,
            on_carrier=lambda carrier: first(carrier, lambda: carrier.trusted_for(relay.host)),
            timeout=timeout,
        )

    async def _by_tcp(
        self, relay: RelayAddress, first: Callable[[Any, Callable[[], bool]], CarrierReceiver], timeout: float
    ) -> None:
        assert self._world.dial_tcp is not None
        trust = TrustPinned() if relay.pin is not None else TrustPublic(relay.host)
        await self._world.dial_tcp(
            (relay.host, relay.port),
            trust=trust,
            on_carrier=lambda carrier: first(carrier, lambda: True),  # TLS has verified what is not pinned
            clock=self._world.clock,
            loop=self._loop,
            timeout=timeout,
        )

    async def reach_directly(
        self, address: Address, destination: bytes, hop: HopClient, after: Callable[[], None], timeout: float
    ) -> None:
        """Connect `hop` to a host where a punch was answered, under a connection ID that it expects. Raises
        Unreachable."""

        def on_carrier(carrier: Any) -> CarrierReceiver:
            hop.attach_carrier(carrier, wall=self._world.clock.wall())
            return Driven(hop, after, self._world.faults, carrier.close)

        await self._endpoint.connect(
            address, trust=TrustPinned(), on_carrier=on_carrier, timeout=timeout, destination=destination
        )

    def locate(self, relay: RelayAddress, carrier: Carrier, nonce: bytes) -> None:
        """Ask a relay for our address of the family that the hop does not use (spec 08-paths, 8.2)."""
        if carrier.reliable_datagrams:
            return
        six = ":" in carrier.peer_address[0]

        async def ask() -> None:
            try:
                found = await self._world.network.resolve(relay.host, relay.port)
            except OSError:
                return
            for address in found:
                if (":" in address[0]) != six:
                    self._endpoint.send_raw(bytes((RawType.LOCATE,)) + nonce, address)

        task = self._loop.create_task(ask())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
