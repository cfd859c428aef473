"""Bench of the clipboard: a large picture both ways between real programs, and what a film beside it loses.

    ./dev bench clipboard [--megabytes 20] [--seconds 6] [--json]

A display with something that moves 30 times a second, a relay, a host, and a viewer that watches. xclip is the program
that copies and pastes at the host, in pieces (INCR); the viewer is one of the Python API. The goals: every byte; no
frame less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

from avl_protocol.wire.clipformats import PNG
from avl_viewer.api import Desktop, connect
from interop import stage
from interop.programs import Programs

#: Seconds until a film has found its rate, and for a program to own or read the clipboard.
WARM, PATIENCE = 4.0, 60.0


def seen(desktop: Desktop) -> dict[str, Any]:
    """The film, as the viewer has it now."""
    stats = desktop.stats()
    delay = stats["glass_to_glass_ms"]
    return {"fps": round(stats["fps"], 1), "p50_ms": delay["p50"], "p95_ms": delay["p95"]}


async def measured(folder: Path, size: int, seconds: float) -> dict[str, Any]:
    """Figures of one run. Raises AssertionError where what came is not what was copied."""
    picture = b"\x89PNG\r\n\x1a\n" + os.urandom(size - 8)
    (folder / "picture").write_bytes(picture)
    figures: dict[str, Any] = {"megabytes": round(size / (1 << 20), 1)}
    programs = Programs(folder)
    try:
        made = await stage.start(programs, None)
        xclip = ["xclip", "-display", made.display, "-selection", "clipboard", "-t", PNG]
        (folder / "viewer").mkdir(mode=0o700)
        async with connect(made.host["target"], code=made.host["code"], state=folder / "viewer") as desktop:
            await desktop.watch(WARM)
            await desktop.watch(seconds)
            figures["film"] = seen(desktop)

            programs.start("copier", [*xclip, "-quiet", "-i", str(folder / "picture")])
            async with asyncio.timeout(PATIENCE):
                while PNG not in await desktop.clipboard.types():
                    await desktop.wait_for_change(0.1)
            got, figures["here"] = await beside(desktop, seconds, desktop.clipboard.read(PNG))
            if got != picture:
                raise AssertionError("what the viewer got is not what was copied")

            back = picture[:8] + picture[:7:-1]
            await desktop.clipboard.write({PNG: back}, keep=False)
            got, figures["there"] = await beside(desktop, seconds, pasted(xclip))
            if got != back:
                raise AssertionError("what xclip pasted is not what was copied")
    finally:
        programs.end()
    return figures


async def beside(desktop: Desktop, seconds: float, work: Any) -> tuple[bytes, dict[str, Any]]:
    """What comes of it, how long it took, and the film meanwhile (or for `seconds`, if it took less)."""
    began, took = monotonic(), 0.0

    async def timed() -> bytes:
        nonlocal took
        result: bytes = await work
        took = monotonic() - began
        return result

    got, _ = await asyncio.gather(timed(), desktop.watch(seconds))
    return got, {"seconds": round(took, 2), "mbit": round(len(got) * 8 / took / 1e6), **seen(desktop)}


async def pasted(xclip: list[str]) -> bytes:
    """What a program of the host gets."""
    process = await asyncio.create_subprocess_exec(*xclip, "-o", stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(PATIENCE):
        return (await process.communicate())[0]


def main() -> int:
    """Print the figures."""
    made = argparse.ArgumentParser(prog="./dev bench clipboard")
    made.add_argument("--megabytes", type=int, default=20, help="size of the picture")
    made.add_argument("--seconds", type=float, default=6.0, help="how long the film is looked at, at least")
    made.add_argument("--json", action="store_true", help="one JSON object")
    chosen = made.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = asyncio.run(measured(Path(name), chosen.megabytes << 20, chosen.seconds))
    if chosen.json:
        print(json.dumps(figures))
        return 0
    print(f"| {figures['megabytes']} MiB | seconds | Mbit/s | film, frames a second | delay p50, ms | p95, ms |")
    print("| --- | --- | --- | --- | --- | --- |")
    for title, row in (("film alone", "film"), ("host to viewer", "here"), ("viewer to host", "there")):
        one = figures[row]
        delays = " | ".join("–" if one[key] is None else f"{one[key]:.0f}" for key in ("p50_ms", "p95_ms"))
        print(f"| {title} | {one.get('seconds', '–')} | {one.get('mbit', '–')} | {one['fps']} | {delays} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
