"""`./dev bench hops`: what one datagram and one small message cost from socket to socket, on loopback.

A relay, a host and a viewer are processes of their own, with nothing above the hop: the viewer sends small messages to
the host, one at a time, as a click does; the host sends pictures of one datagram and of many. Told are wall time from
the sender's carrier to the receiver's owner (two hops), and the CPU of each process for each of them, with all
acknowledgements and feedback. Each `--checkout` is a folder with another state of the sources; all are measured by
turns in one run, since the machine's speed changes from minute to minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from interop import stage
from interop.bench.latency import commit, machine
from interop.programs import Program, ProgramFailed, Programs

RELAY = "from avl_relay.cli import main; main()"
PARTS = ("protocol", "host", "relay", "viewer")
ROLES = ("host", "relay", "viewer")


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: who sends it, how often, and how many bytes."""

    name: str
    sender: str
    kind: str
    pause: float
    size: int


LOADS = (
    Load("message", "viewer", "message", 0.040, 0),
    Load("datagram", "host", "picture", 0.040, 1024),
    Load("picture of 20", "host", "picture", 0.033, 20 * 1024),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `took`: milliseconds of each over both hops; `cpu`: milliseconds that each role spent on one."""

    checkout: str
    load: str
    took: list[float]
    cpu: dict[str, float]


class Session:
    """Relay, host and viewer of one checkout."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self._programs = Programs(folder)
        self._folder = folder
        paths = [str(checkout / part) for part in PARTS]
        self._environment = {"PYTHONPATH": os.pathsep.join([*paths, str(stage.ROOT)])}
        self._ends: dict[str, subprocess.Popen[str]] = {}
        self._relay: Program | None = None

    async def open(self) -> None:
        """Start all three. Raises ProgramFailed."""
        ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--public", "127.0.0.1"]
        command = [sys.executable, "-c", RELAY, "serve", *ports, *stage.kept(self._folder, "relay")]
        self._relay = self._programs.start("relay", command, self._environment)
        ready = await self._programs.ready_file(self._folder / "relay.json", stage.READY)
        for role in ("host", "viewer"):
            ended = [sys.executable, "-m", "interop.bench.hops.end", role, ready["quic"], ready["pin"]]
            self._ends[role] = subprocess.Popen(
                ended,
                env={**os.environ, **self._environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._hear(role)

    def _hear(self, role: str) -> dict[str, Any]:
        out = self._ends[role].stdout
        assert out is not None
        line = out.readline()
        if not line:
            raise ProgramFailed(f"the {role} ended")
        return dict(json.loads(line))

    def _ask(self, role: str, order: dict[str, object]) -> dict[str, Any]:
        ears = self._ends[role].stdin
        assert ears is not None
        ears.write(json.dumps(order) + "\n")
        ears.flush()
        return self._hear(role)

    def measure(self, load: Load, count: int) -> tuple[list[float], dict[str, float]]:
        """Milliseconds of each, and each role's CPU for one. Raises ProgramFailed."""
        receiver = "host" if load.sender == "viewer" else "viewer"
        order: dict[str, object] = {"send": load.kind, "pause": load.pause, "size": load.size}
        self._ask(load.sender, {**order, "count": 10})  # rates are learned, and nobody is a stranger
        self._ask(receiver, {})
        before = self._used()
        self._ask(load.sender, {**order, "count": count})
        after = self._used()
        took = [1000 * each for each in self._ask(receiver, {})["took"]]
        if len(took) < 0.9 * count:
            raise ProgramFailed(f"{load.name}: {len(took)} of {count} arrived")
        return took, {role: (after[role] - before[role]) / count for role in ROLES}

    def _used(self) -> dict[str, float]:
        """Milliseconds of CPU of each process so far, its idle housekeeping included."""
        assert self._relay is not None
        processes = {"relay": self._relay.process.pid, **{role: end.pid for role, end in self._ends.items()}}
        return {role: _milliseconds(pid) for role, pid in processes.items()}

    def close(self) -> None:
        """End all three."""
        for end in self._ends.values():
            end.kill()
            end.communicate()
        self._programs.end()


def _milliseconds(pid: int) -> float:
    """CPU of all threads of a process."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def measure_all(checkouts: list[Path], rounds: int, count: int) -> list[Figure]:
    """Every checkout, by turns. Raises ProgramFailed."""
    figures = []
    for turn in range(rounds):
        for checkout in checkouts if turn % 2 == 0 else reversed(checkouts):
            with tempfile.TemporaryDirectory() as folder:
                session = Session(checkout, Path(folder))
                try:
                    asyncio.run(session.open())
                    for load in LOADS:
                        took, cpu = session.measure(load, count)
                        figures.append(Figure(str(checkout), load.name, took, cpu))
                finally:
                    session.close()
        print(f"bench: round {turn + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    return figures


@dataclass(frozen=True, slots=True)
class Row:
    """Of one checkout and load: wall over two hops (least, 10th percentile, median, 95th) and CPU by role (least of all
    rounds), in milliseconds."""

    checkout: str
    load: str
    least: float
    p10: float
    p50: float
    p95: float
    cpu: dict[str, float]


def summed(figures: list[Figure]) -> list[Row]:
    """One row a checkout and load."""
    rows = []
    for name, checkout in dict.fromkeys((figure.load, figure.checkout) for figure in figures):
        found = [figure for figure in figures if figure.load == name and figure.checkout == checkout]
        cuts = statistics.quantiles([took for figure in found for took in figure.took], n=20)
        rows.append(
            Row(
                checkout=checkout,
                load=name,
                least=min(min(figure.took) for figure in found),
                p10=cuts[1],
                p50=cuts[9],
                p95=cuts[18],
                cpu={role: min(figure.cpu[role] for figure in found) for role in ROLES},
            )
        )
    return rows


def main(
    checkout: Annotated[
        list[Path] | None, typer.Option(help="A folder with the sources to measure; more are compared with it.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Measurements of each.", min=1)] = 3,
    count: Annotated[int, typer.Option(help="Messages or pictures of a measurement.", min=20)] = 150,
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
) -> None:
    """Measure what a hop costs."""
    began = time.monotonic()
    try:
        figures = measure_all(checkout or [stage.ROOT], rounds, count)
    except ProgramFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    table = Table("load", "sources", "wall, two hops: least", "p10", "p50", "p95", *(f"CPU {role}" for role in ROLES))
    rows = summed(figures)
    for row in rows:
        walls = (f"{value:.2f}" for value in (row.least, row.p10, row.p50, row.p95))
        table.add_row(row.load, row.checkout, *walls, *(f"{row.cpu[role]:.2f}" for role in ROLES))
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    if out is not None:
        report = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "machine": machine(),
            "seconds": time.monotonic() - began,
            "rows": [asdict(row) for row in rows],
            "figures": [asdict(figure) for figure in figures],
        }
        out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
