"""Reach a relay: the dialling that hosts and viewers share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from avl_protocol.endpoint.driver import Driven
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.tls import TrustPinned, TrustPublic
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
    """Connect `link` to a relay; `after` is called behind everything it receives. Raises Unreachable."""

    def on_carrier(carrier: QuicCarrier) -> Receiver:
        link.attach_carrier(carrier)
        return Driven(link, after)

    trust = TrustPinned() if relay.pin is not None else TrustPublic(relay.host)
    await endpoint.connect((relay.host, relay.port), trust=trust, on_carrier=on_carrier, timeout=timeout)
