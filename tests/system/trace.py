"""Print the trace hash of one lossy session, for the seed given: run in a process of its own by test_trace.py."""

from __future__ import annotations

import asyncio
import sys

from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, RELAY, VIEWER, system
from tests.system.seen import number, online, run


async def main(simulation: Simulation) -> tuple[int, str]:
    """A second of pictures, input and clipboard, with a relay that restarts in between."""
    async with system(simulation) as s, s.host() as host:
        shape = LinkShape(loss=0.03, jitter=0.004, duplicate=0.02, reorder=0.05)
        for other in (HOST, VIEWER):
            simulation.network.shape(RELAY, other, shape)
        await online(host)
        async with s.viewer(host, timeout=20, reconnect=True) as desktop:
            await desktop.type("hello\n")
            await desktop.clipboard.set("clip")
            await asyncio.sleep(1)
            assert s.relay_instance is not None
            await s.relay_instance.close()
            await s.start_relay()
            await asyncio.sleep(4)
            return await number(desktop), host.sink.typed


if __name__ == "__main__":
    result, trace = run(main, int(sys.argv[1]))
    print(*result, trace)
