"""`python -m interop.bench.workers`: what several workers of a relay cost beside one, and how evenly they are loaded.

The relay is a real program. A synthetic host sends pictures at a rate, viewers acknowledge and report what arrives;
they are spread over the workers evenly, as chance does it with many. One relay after the other is measured, by turns,
in one run. CPU per datagram counts what viewers received, so that what crosses between workers is in the price.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.track import video
from avl_protocol.session.media.sender import SentFragment
from avl_protocol.wire.messages import Accept, Admit, Attach, HopMessage, Incoming, Tracks
from avl_protocol.wire.registry import Channel, ObjectFlag
from avl_protocol.wire.target import parse_address, parse_pin
from interop.bench.attack.hops import CLOCK, FAILURES, Hop, endpoint_at, host, viewer
from interop.bench.rig.load import Load
from interop.programs import ProgramFailed, Programs
from interop.stage import BIN, READY, kept

HERE = "127.0.0.1"
FILM = video(1)
#: Seconds for hops to settle before the clock starts.
SETTLES = 2.0
#: Share of the datagrams that each viewer has to get: a relay that drops them is not cheaper.
DELIVERED = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measurement. `cores` of each worker, the host's first; `us`: CPU microseconds a datagram that viewers got."""

    workers: int
    viewers: int
    cores: tuple[float, ...]
    datagrams: int
    us: float
    foreign: float

    @property
    def uneven(self) -> float:
        """By how much the busiest worker is above the mean."""
        return max(self.cores) / statistics.fmean(self.cores) - 1


class Film:
    """A synthetic host at one worker, and viewers at all of them by turns."""

    def __init__(self, ready: dict[str, str], workers: int) -> None:
        self._relay, self._pin = parse_address(ready["quic"]), parse_pin(ready["pin"])
        self._workers = workers
        self._identity = Identity(entropy(32))
        self._host = host(self._pin, self._identity)
        self._sockets: list[Endpoint] = []
        self.viewers: list[Hop] = []
        self.sent = 0

    async def _dial(self, hop: Hop, worker: int) -> None:
        self._sockets.append(await endpoint_at(HERE, ack_delay=0.025))
        await hop.dial(self._relay, self._sockets[-1], READY, destination=bytes((worker,)) + entropy(7))

    async def open(self, viewers: int) -> None:
        """Register at the first worker, and let so many viewers in. Raises what a dial raises."""
        self._host.on_message = self._message
        await self._dial(self._host, 0)
        self._host.hop.send(Tracks((FILM.row,)))
        for number in range(viewers):
            hop = viewer(self._pin)
            await self._dial(hop, number % self._workers)
            hop.hop.send(Attach(self._identity.number.to_bytes(17, "big"), entropy(16)))
            self.viewers.append(hop)

    def _message(self, message: HopMessage) -> None:
        if isinstance(message, Incoming):
            self._host.hop.send(Accept(message.handle))
            self._host.hop.send(Admit(message.handle, (FILM.id,), (int(Channel.CONTROL),)))

    async def show(self, mbit: float, rate: int) -> None:
        """Send pictures until cancelled, all of them keys: nothing is left out for want of one."""
        loop = asyncio.get_running_loop()
        begins, size = loop.time(), round(mbit * 1e6 / 8 / rate)
        for number in itertools.count():
            await asyncio.sleep(max(0.0, begins + number / rate - loop.time()))
            now = CLOCK.monotonic()
            pieces = packetize(bytes(size), self._host.hop.media_handle, FILM.id, number, int(ObjectFlag.KEY))
            cookies = [SentFragment(piece, FILM, now) for piece in pieces]
            self._host.hop.carrier.send_datagrams(pieces, FILM.priority, now + FILM.lifetime, cookies)
            self.sent += len(pieces)

    async def close(self) -> None:
        """Everybody leaves."""
        for endpoint in self._sockets:
            await endpoint.close()


async def measure(workers: int, viewers: int, mbit: float, rate: int, seconds: float) -> Figure:
    """Start a relay of so many workers and measure it. Raises ProgramFailed."""
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(Path(folder))
        film = None
        try:
            ports = ["--listen", f"{HERE}:0", "--http", f"{HERE}:0", "--public", HERE, "--workers", str(workers)]
            command = [BIN / "avl-relay", "serve", *ports, *kept(Path(folder), "relay")]
            pid = programs.start("relay", command).process.pid
            ready = await programs.ready_file(Path(folder) / "relay.json", READY)
            load = Load()
            for number, process in enumerate(processes(pid) if workers > 1 else [pid]):
                load.add(str(number), process)
            film = Film(ready, workers)
            await film.open(viewers)
            showing = asyncio.create_task(film.show(mbit, rate))
            await asyncio.sleep(SETTLES)
            before, sent, got = load.sample(), film.sent, [hop.media for hop in film.viewers]
            await asyncio.sleep(seconds)
            used, sent = load.since(before), film.sent - sent
            received = [hop.media - had for hop, had in zip(film.viewers, got, strict=True)]
            showing.cancel()
            programs.check()
            if min(received) < DELIVERED * sent:
                raise ProgramFailed(
                    f"a viewer got {min(received)} of {sent} datagrams: the machine is too busy for this"
                )
            cores = tuple(used.cores[str(number)] for number in range(workers))
            return Figure(
                workers=workers,
                viewers=viewers,
                cores=cores,
                datagrams=sum(received),
                us=1e6 * sum(cores) * used.seconds / sum(received),
                foreign=used.cores["foreign"],
            )
        except FAILURES as error:
            raise ProgramFailed(f"no session: {error}") from error
        finally:
            if film is not None:
                await film.close()
            programs.end()


def processes(supervisor: int) -> list[int]:
    """The workers of a supervisor, in their order."""
    return sorted(map(int, Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()))


def say(text: str) -> None:
    """Progress, on stderr: results go to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def main(
    workers: Annotated[list[int] | None, typer.Option(help="Numbers of workers to measure.")] = None,
    viewers: Annotated[int, typer.Option(help="Viewers, spread over the workers.", min=1)] = 8,
    mbit: Annotated[float, typer.Option(help="What the host sends, in Mbit/s.")] = 8.0,
    rate: Annotated[int, typer.Option(help="Pictures a second.", min=1)] = 60,
    seconds: Annotated[float, typer.Option(help="How long each measurement lasts.", min=1)] = 8.0,
    rounds: Annotated[int, typer.Option(help="Measurements of each kind.", min=1)] = 3,
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
) -> None:
    """Measure what several workers cost beside one."""
    kinds = workers or [1, 2]
    figures: list[Figure] = []
    for turn in range(rounds):
        for kind in kinds if turn % 2 == 0 else reversed(kinds):
            try:
                figures.append(made := asyncio.run(measure(kind, viewers, mbit, rate, seconds)))
            except ProgramFailed as error:
                say(str(error))
                continue
            each = ", ".join(f"{cores:.3f}" for cores in made.cores)
            say(f"{kind} workers: {made.us:.1f} us a datagram, cores {each}, others {made.foreign:.2f}")
    table = Table("workers", "us a datagram", "of the first", "busiest above mean")
    first = None
    for kind in kinds:
        of_kind = [figure for figure in figures if figure.workers == kind]
        if not of_kind:
            raise typer.Exit(1)
        us = statistics.median(figure.us for figure in of_kind)
        first = first or us
        uneven = statistics.median(figure.uneven for figure in of_kind)
        table.add_row(str(kind), f"{us:.1f}", f"{us / first:.2f}", f"{uneven:.0%}")
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    if out is not None:
        out.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
