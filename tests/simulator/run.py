"""run(): everything a simulated world needs, set up and taken down around one coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from unittest.mock import patch

from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.tls import TlsServer, self_signed
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.wire import onethread
from tests.simulator.entropy import seeded
from tests.simulator.loop import VirtualClock, VirtualLoop
from tests.simulator.network import LinkShape, SimulatedNetwork

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a simulated program is assembled from."""

    loop: VirtualLoop
    clock: VirtualClock
    entropy: Callable[[int], bytes]
    network: SimulatedNetwork

    def endpoint(
        self, ip: str, *, name: str | None = None, options: ConnectionOptions | None = None, **more: Any
    ) -> Endpoint:
        """An endpoint on a host of its own, to be bound by the caller."""
        return Endpoint(
            network=self.network.at(ip, name),
            clock=self.clock,
            entropy=self.entropy,
            loop=self.loop,
            options=options,
            **more,
        )

    def certificate(self, *names: str) -> TlsServer:
        """A certificate whose signatures all have one length."""
        return self_signed(
            names or ("relay.test",), now=self.clock.wall(), entropy=self.entropy, deterministic_size=True
        )


def run(
    main: Callable[[Simulation], Coroutine[Any, Any, Result]], seed: int = 0, shape: LinkShape | None = None
) -> tuple[Result, str]:
    """Run `main(simulation)` in virtual time; returns its result and the trace hash of the network.

    What is assembled here is not held to one thread: the loop refuses threads, so that there is no other, and looking
    for one at every call would be a good part of the work.
    """
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    network = SimulatedNetwork(loop, seed, shape)
    with (
        patch.object(onethread, "_GUARD", None),
        seeded(seed, clock.monotonic) as entropy,
        asyncio.Runner(loop_factory=lambda: loop) as runner,
    ):
        result = runner.run(main(Simulation(loop, clock, entropy, network)))
    return result, network.trace
