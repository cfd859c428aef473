"""A real relay that writes what it holds, a line of JSON whenever it gets SIGUSR1.

`python -m interop.bench.soak.serving FOLDER`. Its address goes to FOLDER/relay.json, the lines to FOLDER/samples.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from avl_protocol.endpoint.loop.clock import SystemClock
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.rate.limits import for_address
from avl_relay.config import RelaySettings
from avl_relay.relay import Relay
from interop.bench.soak.growth import sample

HERE = "127.0.0.1"


async def main() -> None:
    """Serve until the process is ended."""
    folder = Path(sys.argv[1])
    settings = RelaySettings(
        state=folder / "state",
        listen=(HERE, 0),
        http=(HERE, 0),
        public=HERE,
        ready_file=folder / "relay.json",
        limits=for_address(4096),
    )
    relay = Relay(system_world(), settings)
    clock = SystemClock()

    def look() -> None:
        with (folder / "samples").open("a") as out:
            out.write(json.dumps(asdict(sample(clock.monotonic(), relay.snapshot()))) + "\n")

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, look)
    await relay.start()
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    run(main())
