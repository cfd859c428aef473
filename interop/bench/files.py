"""Bench of files: how fast they travel on an idle direct path, beside scp where there is an sshd; to and from a page
that shows a film; and what a film loses that shares a link of 20 Mbit/s with them.

    ./dev bench files [--megabytes 300] [--page 100] [--seconds 12] [--only idle|page|shared] [--json]
    ./dev bench files --many 100000 [--on FOLDER] [--json]

The first two are of real programs on this machine, sealed and hashed, to a disk and back. The third is in virtual time:
the film is a strip of noise, which takes what it is given, and the same seconds are looked at with and without a
transfer. The goals: 400 Mbit/s; no frame less, and 5 ms more at the 95th percentile at most; 95 % of the link together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

from avl_viewer.api import Desktop, connect
from interop.bench.rig import many
from interop.bench.rig.dropped import measure
from interop.programs import Programs
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.run import run as simulated
from tests.simulator.world import HOST, VIEWER, System, system
from tests.system.seen import online
from tests.system.snow import Snow

CODE = "7K3P-9QX2"
#: Bits per second of the shared link, its delay each way in seconds, and seconds until a film has found its rate.
RATE, DELAY, WARM = 20e6, 0.02, 12.0
#: Bytes of a file after which it has found its share of the link.
FLOWS = 4 << 20
#: Seconds that a start may take.
PATIENCE = 30.0
Work = Callable[[], Awaitable[Any]]


def random_bytes(path: Path, size: int) -> None:
    """Write a file of so many."""
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))


async def timed(size: int, work: Work) -> int:
    """Mbit/s at which so many bytes went."""
    began = monotonic()
    await work()
    return round(size * 8 / (monotonic() - began) / 1e6)


async def idle(folder: Path, size: int) -> dict[str, Any]:
    """Mbit/s of a file of random bytes to a host on this machine, back, and by scp."""
    shared, there, back = folder / "shared", folder / "there", folder / "back"
    for path in (shared, back, folder / "viewer"):
        path.mkdir(mode=0o700)
    random_bytes(there, size)
    ready = folder / "ready.json"
    flags: list[str | Path] = [
        "--source",
        "pattern",
        "--listen",
        "127.0.0.1:0",
        "--code",
        CODE,
        "--state",
        folder / "host",
    ]
    flags += ["--files", f"{shared}:rw", "--ready-file", ready]
    programs = Programs(folder)
    try:
        programs.start("host", [Path(sys.executable).with_name("avl-host"), "run", *flags])
        target = (await programs.ready_file(ready, PATIENCE))["target"]
        async with connect(target, code=CODE, state=folder / "viewer", pictures=False) as desktop:
            put = await timed(size, lambda: desktop.files.put(there))
            get = await timed(size, lambda: desktop.files.get("there", back))
        if (back / "there").read_bytes() != there.read_bytes():
            raise AssertionError("what came back is not what was sent")
        return {"megabytes": size >> 20, "put_mbit": put, "get_mbit": get, "scp_mbit": await beside(programs, there)}
    finally:
        programs.end()


async def sshd(programs: Programs) -> list[str | Path] | None:
    """Start an sshd of our own; its port, and the options of who asks it. None where there is none."""
    server = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
    if server is None or shutil.which("scp") is None:
        return None
    folder, port = programs.folder / "ssh", 2222
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        await done("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    shutil.copy(folder / "user.pub", folder / "keys")
    options = [f"AuthorizedKeysFile={folder / 'keys'}", "ListenAddress=127.0.0.1", "StrictModes=no", "UsePAM=no"]
    options += [f"PidFile={folder / 'pid'}"]
    given = [part for option in options for part in ("-o", option)]
    programs.start("sshd", [server, "-D", "-p", str(port), "-h", folder / "host", *given])
    await programs.until("sshd listens", PATIENCE, (folder / "pid").exists)
    trusting = [
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        f"UserKnownHostsFile={folder / 'known'}",
        "-o",
        "LogLevel=ERROR",
    ]
    return [str(port), "-i", folder / "user", *trusting]


async def beside(programs: Programs, file: Path) -> int | str:
    """Mbit/s of scp to an sshd of our own; what is missing where there is none."""
    options = await sshd(programs)
    if options is None:
        return "skipped: no sshd"
    words = ["-q", "-P", *map(str, options), str(file), f"127.0.0.1:{programs.folder / 'copy'}"]
    return await timed(file.stat().st_size, lambda: done("scp", *words))


async def done(*command: str) -> None:
    """Run a command. Raises OSError where it fails."""
    process = await asyncio.create_subprocess_exec(*command)
    if await process.wait():
        raise OSError(f"{command[0]} failed")


def shared(folder: Path, seconds: float) -> dict[str, Any]:
    """A film alone on a link, and beside a transfer in the same direction: fps, delay, and what the link carries."""
    figures: dict[str, Any] = {}

    async def look(simulation: Simulation, desktop: Desktop, name: str) -> None:
        link = simulation.network.link(HOST, VIEWER)
        before = link.bytes
        await desktop.watch(seconds)
        stats = desktop.stats()
        figures[name] = {
            "fps": round(stats["fps"], 1),
            "p95_ms": round(stats["glass_to_glass_ms"]["p95"], 1),
            "link": round((link.bytes - before) * 8 / seconds / RATE, 3),
        }

    async def main(simulation: Simulation) -> None:
        snow: Any = Snow(simulation.clock.monotonic, (320, 192))
        s: System
        async with system(simulation, via="direct") as s, s.host(shows=snow) as host:
            await online(host)
            host.files.put("large", bytes(range(256)) * (1 << 18))
            async with s.viewer(host) as desktop:
                await asyncio.sleep(WARM)
                await look(simulation, desktop, "film")
                transfer = desktop.client.features.files.get(["large"], str(folder))
                flows = asyncio.Event()
                transfer.changed = lambda one: flows.set() if one.tally.moved >= FLOWS else None
                await flows.wait()
                before = transfer.tally.moved
                await look(simulation, desktop, "both")
                figures["file_mbit"] = round((transfer.tally.moved - before) * 8 / seconds / 1e6, 2)
                transfer.cancel()

    simulated(main, 1, LinkShape(delay=DELAY, rate=RATE, queue=0.2))
    return figures


async def paged(folder: Path, size: int, seconds: float) -> dict[str, Any]:
    """The same file from a page and back, beside a film."""
    random_bytes(folder / "dropped.bin", size)
    return await measure(folder, folder / "dropped.bin", seconds)


def main() -> int:
    """Print the figures."""
    made = argparse.ArgumentParser(prog="./dev bench files")
    made.add_argument("--megabytes", type=int, default=300, help="size of the file on the idle path")
    made.add_argument(
        "--page", type=int, default=100, help="size of the file that is dropped onto a page, in megabytes"
    )
    made.add_argument("--seconds", type=float, default=12.0, help="how long a film is looked at")
    made.add_argument("--only", choices=("idle", "page", "shared"), help="one of the three")
    made.add_argument("--many", type=int, default=0, help="so many small files by `avl cp -r`, and nothing else")
    made.add_argument("--on", type=Path, help="the folder where files are made; default: that for temporary files")
    made.add_argument("--json", action="store_true", help="one JSON object")
    chosen = made.parse_args()
    figures: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=chosen.on) as name:
        folder = Path(name)
        if chosen.many:
            figures["many"] = asyncio.run(many.measure(folder, chosen.many, sshd))
            chosen.only = "many"
        if chosen.only in (None, "idle"):
            figures["idle"] = asyncio.run(idle(folder, chosen.megabytes << 20))
        if chosen.only in (None, "page"):
            figures["page"] = asyncio.run(paged(folder, chosen.page << 20, chosen.seconds))
        if chosen.only in (None, "shared"):
            figures["shared"] = shared(folder, chosen.seconds)
    print(json.dumps(figures) if chosen.json else tables(figures))
    return 0


def tables(figures: dict[str, dict[str, Any]]) -> str:
    """The figures for people, in Markdown."""
    lines: list[str] = []
    if (found := figures.get("many")) is not None:
        lines += ["| {files} files, {megabytes} MB | s | viewer, MB | host grew by, MB | relay, MB |".format(**found)]
        lines += ["| --- | --- | --- | --- | --- |"]
        row = "| {name} | {seconds} | {viewer_mb} | {host_mb} | {relay_mb} |"
        lines += [row.format(name=name, **found[name]) for name in ("put", "get")]
        lines += [f"| {name} | {seconds} | | | |" for name, seconds in found["others"].items()]
    if (found := figures.get("idle")) is not None:
        lines += ["| path | put, Mbit/s | get, Mbit/s | scp, Mbit/s |", "| --- | --- | --- | --- |"]
        lines += ["| idle, direct | {put_mbit} | {get_mbit} | {scp_mbit} |".format(**found), ""]
    if (found := figures.get("page")) is not None:
        lines += ["| page | file, Mbit/s | fps | delay p95, ms | path |", "| --- | --- | --- | --- | --- |"]
        for title, name in (("film alone", "film"), ("put, with the film", "put"), ("get, with the film", "get")):
            row = found[name]
            rate = found.get(f"{name}_mbit", "")
            lines.append(f"| {title} | {rate} | {row['fps']} | {row['p95_ms']} | {row['path']} |")
        lines.append("")
    if (found := figures.get("shared")) is not None:
        lines += ["| shared link of 20 Mbit/s | fps | delay p95, ms | share of the link |", "| --- | --- | --- | --- |"]
        for title, row in (
            ("film alone", found["film"]),
            (f"with a file ({found['file_mbit']} Mbit/s)", found["both"]),
        ):
            lines.append(f"| {title} | {row['fps']} | {row['p95_ms']} | {row['link']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
