"""Minutes for real: a relay in a process of its own, a synthetic host, and viewers on loopback who come, lose packets,
move to another port and go, with a word or without.

The host and its viewers are those of the attack bench: a film, and words that the host sends back.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.udp.network import Address, Batch, DatagramSocket
from avl_protocol.endpoint.udp.sockets import UdpNetwork
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.wire.registry import CloseCode
from avl_protocol.wire.target import parse_address, parse_pin
from interop.bench.attack.hops import CLOCK, FAILURES
from interop.bench.attack.sessions import HONEST, TIME, Sessions
from interop.bench.soak.growth import Sample, from_json
from interop.programs import ProgramFailed, Programs
from interop.stage import READY, ROOT

#: Viewers at once, seconds that one stays at most, and seconds of a round: then all go, and what stays is counted.
VIEWERS, STAYS, ROUND = 6, 20.0, 40.0
#: Seconds until the relay has forgotten whoever went without a word.
FORGOTTEN = 50.0
#: Seconds until who does not come in gives up.
PATIENCE = 10.0
#: Share of datagrams that a bad while loses, and of viewers that go without a word.
LOSS, SILENT = 0.1, 0.3


class Roaming:
    """A network of one socket, which may lose datagrams and move to another port while it is used."""

    def __init__(self, chance: random.Random) -> None:
        self._network, self._chance = UdpNetwork(), chance
        self._bound: DatagramSocket
        self._receiver: Callable[[Batch], None] = lambda batch: None
        self.loss = 0.0

    def bind(self, address: Address) -> Roaming:
        """See Network."""
        self._bound = self._network.bind(address)
        return self

    def move(self) -> None:
        """Go on from another port, as behind a gateway that has forgotten us."""
        self._bound.close()
        self._bound = self._network.bind((HONEST, 0))
        self._bound.set_receiver(self._received)

    def source_for(self, target: Address) -> str | None:
        """See Network."""
        return self._network.source_for(target)

    async def resolve(self, host: str, port: int) -> list[Address]:
        """See Network."""
        return await self._network.resolve(host, port)

    @property
    def local_address(self) -> Address:
        """See DatagramSocket."""
        return self._bound.local_address

    @property
    def undivided(self) -> bool:
        """See DatagramSocket."""
        return self._bound.undivided

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        """See DatagramSocket."""
        self._receiver = receiver
        self._bound.set_receiver(self._received)

    def _received(self, batch: Batch) -> None:
        self._receiver([one for one in batch if self._chance.random() >= self.loss])

    def send_batch(self, batch: Batch) -> Sequence[int]:
        """See DatagramSocket. What is refused as too large is lost as well."""
        self._bound.send_batch([one for one in batch if self._chance.random() >= self.loss])
        return ()

    def tell_local(self) -> bool:
        """See DatagramSocket."""
        return False

    def close(self) -> None:
        """See DatagramSocket."""
        self._bound.close()


async def visit(sessions: Sessions, chance: random.Random, ends: float) -> int:
    """One viewer's stay; how many datagrams of the film it got."""
    network = Roaming(chance)
    endpoint = Endpoint(
        network=network,
        clock=CLOCK,
        entropy=entropy,
        loop=asyncio.get_running_loop(),
        options=ConnectionOptions(ack_delay=0.010, keepalive=5.0),
    )
    await endpoint.bind((HONEST, 0))
    try:
        async with asyncio.timeout(PATIENCE):
            hop, _, stream = await sessions.enter(endpoint)
    except FAILURES:
        return 0  # the endpoint is closed; another comes instead
    leaves = min(ends, time.monotonic() + chance.uniform(2, STAYS))
    while time.monotonic() < leaves and not hop.lost.done():
        what = chance.choice(("nothing", "nothing", "loss", "move"))
        network.loss = LOSS if what == "loss" else 0.0
        if what == "move":
            network.move()
        hop.hop.carrier.send_stream(stream, TIME.pack(time.monotonic()))
        await asyncio.sleep(chance.uniform(0.5, 3))
    if chance.random() < SILENT:
        network.loss = 1.0  # it goes without a word
    else:
        network.loss = 0.0
        hop.hop.close(CloseCode.NO_ERROR)
        await asyncio.sleep(0.1)
    await endpoint.close()
    return hop.media


async def round_of(sessions: Sessions, chance: random.Random) -> int:
    """Some come and go all the time until the round is over; how many datagrams of the film they got."""
    ends = time.monotonic() + ROUND

    async def seat() -> int:
        got = 0
        while time.monotonic() < ends:
            got += await visit(sessions, chance, ends)
        return got

    return sum(await asyncio.gather(*(seat() for _ in range(VIEWERS))))


async def soak(minutes: float, seed: int, tell: Callable[[Sample, float], None]) -> list[Sample]:
    """Live for so long, and `tell` after each round what the relay holds, and how many datagrams a second viewers got.
    Raises ProgramFailed."""
    chance = random.Random(seed)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs = Programs(folder)
        host: Endpoint | None = None
        try:
            command: list[str | Path] = [sys.executable, "-m", "interop.bench.soak.serving", folder]
            serving = programs.start("relay", command, {"PYTHONPATH": str(ROOT)})
            where = await programs.ready_file(folder / "relay.json", READY)
            page = (HONEST, int(where["http"].rsplit(":", 1)[1]))
            sessions = Sessions(parse_address(where["quic"]), page, parse_pin(where["pin"]))
            host = await sessions.share()
            ends = time.monotonic() + minutes * 60
            while time.monotonic() < ends:
                got = await round_of(sessions, chance)
                if not got:
                    raise ProgramFailed("no viewer got anything")
                await asyncio.sleep(FORGOTTEN)
                programs.check()
                serving.signal(signal.SIGUSR1)
                lines = await programs.until("a sample", READY, lambda: read(folder, len(samples)))
                samples.append(from_json(json.loads(lines)))
                tell(samples[-1], got / ROUND)
        except FAILURES as error:
            raise ProgramFailed(f"no session: {error}") from error
        finally:
            if host is not None:
                await host.close()
            programs.end()
    return samples


def read(folder: Path, known: int) -> str | None:
    """The line behind those that are known, once it is whole."""
    path = folder / "samples"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return lines[known] if len(lines) > known and lines[known].endswith("\n") else None
