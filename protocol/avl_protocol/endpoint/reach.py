"""Reach a relay, or a host itself: the dialling that hosts and viewers share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from avl_protocol.endpoint.driver import Driven
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.network import Address
from avl_protocol.endpoint.tls import TrustLater, TrustPinned
from avl_protocol.endpoint.world import World
from avl_protocol.quic.carrier import QuicCarrier, Receiver
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.session.link import RelayLink
from avl_protocol.wire.target import RelayAddress


async def open_endpoint(world: World, options: ConnectionOptions) -> Endpoint:
    """An endpoint on a free port of every address."""
    endpoint = Endpoint(
        network=world.network,
        clock=world.clock,
        entropy=world.entropy,
        loop=asyncio.get_running_loop(),
        options=options,
    )
    await endpoint.bind(("", 0))
    return endpoint


async def reach(
    endpoint: Endpoint, relay: RelayAddress, link: RelayLink, after: Callable[[], None], timeout: float
) -> None:
    """Connect `link` to a relay over QUIC; `after` is called behind everything it receives. Raises Unreachable."""

    def on_carrier(carrier: QuicCarrier) -> Receiver:
        link.attach_carrier(carrier, lambda: carrier.trusted_for(relay.host))
        return Driven(link, after)

    trust = TrustPinned() if relay.pin is not None else TrustLater(relay.host)
    await endpoint.connect((relay.host, relay.port), trust=trust, on_carrier=on_carrier, timeout=timeout)


async def reach_directly(
    endpoint: Endpoint,
    address: Address,
    destination: bytes,
    link: RelayLink,
    after: Callable[[], None],
    timeout: float,
) -> None:
    """Connect `link` to a host at an address where a punch was answered, under a connection ID that it expects."""

    def on_carrier(carrier: QuicCarrier) -> Receiver:
        link.attach_carrier(carrier)
        return Driven(link, after)

    await endpoint.connect(
        address, trust=TrustPinned(), on_carrier=on_carrier, timeout=timeout, destination=destination
    )
