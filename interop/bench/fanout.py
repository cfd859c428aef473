"""`./dev bench fanout`: what a relay spends on one host of a moving card and on each of its viewers.

The relay is a real program. Host and viewers are hops in this process that neither encode nor decode: the host sends
what the moving card of the pattern source costs (30 pictures a second, 0.1 Mbit/s), the viewers acknowledge and report
what arrives, as every viewer does. Each `--relay` is measured with one viewer and with `--viewers`, by turns in one
run, so that a relay of an older checkout can be compared with this one on a machine whose speed changes from minute to
minute. The difference of the two divided by the viewers between them is what one more viewer costs; the rest is the
host's share.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

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
from interop.bench.latency import commit, machine
from interop.bench.rig.load import Load
from interop.programs import ProgramFailed, Programs
from interop.stage import BIN, READY, kept

HERE = "127.0.0.1"
CARD = video(1)
#: The moving card: pictures a second, and bytes of a picture and of a key picture. Together 0.1 Mbit/s.
RATE, PICTURE, KEY_PICTURE = 30, 417, 9000
#: Seconds for hops to settle before the clock starts: rates have been learned, and nobody is a stranger any more.
SETTLES = 2.0
#: Share of the pictures that each viewer has to get, and how many may be on their way when the clock stops: a relay
#: that drops them is not faster.
DELIVERED, ON_THEIR_WAY = 0.98, 2


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: the relay's CPU in cores, and what the rest of the machine used meanwhile."""

    relay: str
    viewers: int
    cores: float
    foreign: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one relay: cores of the host's upload, cores of one viewer, and milliseconds a picture and viewer."""

    relay: str
    host: float
    viewer: float
    milliseconds: float


class Card:
    """A synthetic host of the moving card and its audience at one relay."""

    def __init__(self, relay: str, pin: str) -> None:
        self._relay, self._pin = parse_address(relay), parse_pin(pin)
        self._identity = Identity(entropy(32))
        self._sockets: list[Endpoint] = []
        self._host = host(self._pin, self._identity)
        self.viewers: list[Hop] = []
        self.sent = 0
        self._wants_key = False

    async def _dial(self, hop: Hop) -> None:
        self._sockets.append(await endpoint_at(HERE))
        await hop.dial(self._relay, self._sockets[-1], READY)

    async def open(self, viewers: int) -> None:
        """Register and let so many viewers in. Raises what a dial raises."""

        def message(message: HopMessage) -> None:
            if isinstance(message, Incoming):
                self._host.hop.send(Accept(message.handle))
                self._host.hop.send(Admit(message.handle, (CARD.id,), (int(Channel.CONTROL),)))
                self._wants_key = True

        self._host.on_message = message
        await self._dial(self._host)
        self._host.hop.send(Tracks((CARD.row,)))
        for _ in range(viewers):
            hop = viewer(self._pin)
            await self._dial(hop)
            hop.hop.send(Attach(self._identity.number.to_bytes(17, "big"), entropy(16)))
            self.viewers.append(hop)

    async def show(self) -> None:
        """Send the card until cancelled: each picture when it is due, whatever the one before cost."""
        loop = asyncio.get_running_loop()
        begins = loop.time()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, begins + number / RATE - loop.time()))
            key, self._wants_key = self._wants_key or not number, False
            sealed, flags = bytes(KEY_PICTURE if key else PICTURE), int(ObjectFlag.KEY) if key else 0
            now = CLOCK.monotonic()
            pieces = packetize(sealed, self._host.hop.media_handle, CARD.id, number, flags)
            cookies = [SentFragment(piece, CARD, now) for piece in pieces]
            self._host.hop.carrier.send_datagrams(pieces, CARD.priority, now + CARD.lifetime, cookies)
            self.sent += len(pieces)

    async def close(self) -> None:
        """Everybody leaves."""
        for endpoint in self._sockets:
            await endpoint.close()


async def measure(program: Path, viewers: int, seconds: float) -> Figure:
    """Start a relay and measure it with so many viewers. Raises ProgramFailed."""
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(Path(folder))
        card = None
        try:
            ports = ["--listen", f"{HERE}:0", "--http", f"{HERE}:0", "--public", HERE]
            serving = programs.start("relay", [program, "serve", *ports, *kept(Path(folder), "relay")])
            ready = await programs.ready_file(Path(folder) / "relay.json", READY)
            load = Load()
            load.add("relay", serving.process.pid)
            card = Card(ready["quic"], ready["pin"])
            await card.open(viewers)
            showing = asyncio.create_task(card.show())
            await asyncio.sleep(SETTLES)
            before, sent, got = load.sample(), card.sent, [hop.media for hop in card.viewers]
            await asyncio.sleep(seconds)
            used, sent = load.since(before), card.sent - sent
            least = min(hop.media - had for hop, had in zip(card.viewers, got, strict=True))
            showing.cancel()
            programs.check()
            if least < DELIVERED * sent - ON_THEIR_WAY:
                raise ProgramFailed(f"a viewer got {least} of {sent} datagrams")
            return Figure(str(program), viewers, used.cores["relay"], used.cores["foreign"])
        except FAILURES as error:
            raise ProgramFailed(f"no session: {error}") from error
        finally:
            if card is not None:
                await card.close()
            programs.end()


async def measure_all(programs: list[Path], viewers: int, seconds: float, rounds: int) -> list[Figure]:
    """Every relay with one viewer and with all of them, by turns."""
    figures = []
    for turn in range(rounds):
        for count in (1, viewers):
            for program in programs if turn % 2 == 0 else reversed(programs):
                figures.append(await measure(program, count, seconds))
                say(f"{program}: {count} viewers, {figures[-1].cores:.4f} cores")
    return figures


def cost(figures: list[Figure], relay: str, viewers: int) -> Cost:
    """What one relay's figures say; medians of its rounds."""
    one, many = (
        statistics.median(figure.cores for figure in figures if figure.relay == relay and figure.viewers == count)
        for count in (1, viewers)
    )
    each = (many - one) / (viewers - 1)
    return Cost(relay, one - each, each, 1000 * each / RATE)


def report(figures: list[Figure], costs: list[Cost]) -> dict[str, Any]:
    """Everything, as it goes to a file."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "load": os.getloadavg()[0],
        "costs": [asdict(one) for one in costs],
        "figures": [asdict(one) for one in figures],
    }


def say(text: str) -> None:
    """Progress, on stderr: results go to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def main(
    relay: Annotated[
        list[Path] | None, typer.Option(help="An avl-relay to measure; more are compared with it.")
    ] = None,
    viewers: Annotated[int, typer.Option(help="Viewers of the large audience.", min=2)] = 8,
    seconds: Annotated[float, typer.Option(help="How long each measurement lasts.", min=1)] = 10.0,
    rounds: Annotated[int, typer.Option(help="Measurements of each kind.", min=1)] = 3,
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
) -> None:
    """Measure a relay's CPU with the moving card."""
    programs = relay or [BIN / "avl-relay"]
    try:
        figures = asyncio.run(measure_all(programs, viewers, seconds, rounds))
    except ProgramFailed as error:
        say(str(error))
        raise typer.Exit(1) from None
    costs = [cost(figures, str(program), viewers) for program in programs]
    table = Table("relay", "host, cores", "each viewer, cores", "ms a picture and viewer", "of the first")
    for one in costs:
        share = f"{one.viewer / costs[0].viewer:.2f}" if costs[0].viewer > 0 else "-"
        table.add_row(one.relay, f"{one.host:.4f}", f"{one.viewer:.4f}", f"{one.milliseconds:.3f}", share)
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    say(f"others on this machine used up to {max(figure.foreign for figure in figures):.2f} cores")
    if out is not None:
        out.write_text(json.dumps(report(figures, costs), indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
