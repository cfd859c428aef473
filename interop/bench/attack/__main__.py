"""`./dev bench attack [NAME ..]`: each attack alone against a relay with ten sessions."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from interop.bench.attack.attacks import ATTACKS, BEGINS
from interop.bench.attack.figures import Figures, figures, markdown
from interop.programs import Program, ProgramFailed, Programs
from interop.stage import BIN, READY, ROOT


def say(text: str) -> None:
    """Progress, on stderr: results go to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def told(program: Program) -> list[dict[str, Any]]:
    """What the sessions have told so far."""
    lines = program.log.read_text("utf-8", errors="replace").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]


async def attack(name: str, seconds: float, viewers: int, relay: Sequence[str], before: float = 3.0) -> Figures:
    """Run one attack. `relay`: the program that serves; `before`: seconds of peace to compare with."""
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(Path(folder))
        try:
            ready = Path(folder) / "relay.json"
            serving = programs.start(
                "relay",
                [
                    *relay,
                    "serve",
                    "--listen",
                    "127.0.0.1:0",
                    "--http",
                    "127.0.0.1:0",
                    "--public",
                    "127.0.0.1",
                    "--state",
                    f"{folder}/relay",
                    "--ready-file",
                    ready,
                ],
            )
            where = await programs.ready_file(ready, READY)
            page = "127.0.0.1:" + where["http"].rsplit(":", 1)[1]
            aim = [where["quic"], page, where["pin"]]
            sessions = programs.start(
                "sessions",
                [sys.executable, "-m", "interop.bench.attack.sessions", "--viewers", str(viewers), "--", *aim],
                {"PYTHONPATH": str(ROOT)},
            )
            device = await programs.until(
                "sessions running", READY, lambda: next((e["ready"] for e in told(sessions) if "ready" in e), None)
            )
            watched = psutil.Process(serving.process.pid)
            await asyncio.sleep(before)
            peace = time.monotonic()
            attacker = Programs(Path(folder))
            try:
                command = [sys.executable, "-m", "interop.bench.attack.attacks", "--seconds", str(seconds)]
                aimed = [*command, "--", name, *aim, str(device)]  # a pin may begin with a dash
                attacking = attacker.start("attacker", aimed, {"PYTHONPATH": str(ROOT)})
                await attacker.until("the attack begun", READY, lambda: BEGINS in attacking.log.read_text())
                resident, busy, begins = watched.memory_info().rss, sum(watched.cpu_times()[:2]), time.monotonic()
                most = resident
                while time.monotonic() < begins + seconds + 1:
                    await asyncio.sleep(0.1)
                    programs.check()
                    most = max(most, watched.memory_info().rss)
                ends = time.monotonic()
                cpu = 100 * (sum(watched.cpu_times()[:2]) - busy) / (ends - begins)
            finally:
                attacker.end()
            await programs.until(  # whoever began to come in during the attack
                "newcomers", 15, lambda: any(event.get("began", 0.0) > ends for event in told(sessions))
            )
            return figures(name, told(sessions), (peace, begins, ends), (most - resident) / 1e6, cpu)
        finally:
            programs.end()


def about() -> dict[str, Any]:
    """When, what and where."""
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True
    ).stdout.strip()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "load": os.getloadavg()[0],
    }


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Attacks; default: all.")] = None,
    seconds: Annotated[float, typer.Option(help="How long each lasts.", min=1)] = 6.0,
    viewers: Annotated[int, typer.Option(help="Sessions that run.", min=1)] = 10,
    relay: Annotated[Path, typer.Option(help="The avl-relay that is attacked.")] = BIN / "avl-relay",
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
) -> None:
    """Attack a relay of our own on loopback."""
    chosen = names or list(ATTACKS)
    if unknown := [name for name in chosen if name not in ATTACKS]:
        print(f"bench: no attack is called {unknown[0]}; there are: {', '.join(ATTACKS)}", file=sys.stderr)
        raise typer.Exit(2)
    results: list[Figures] = []
    failed = False
    for name in chosen:
        say(name)
        try:
            results.append(asyncio.run(attack(name, seconds, viewers, [str(relay)])))
            say(markdown(results[-1:]).splitlines()[-1])
        except ProgramFailed as error:
            failed = True
            say(f"{name}: {error}")
    report = {**about(), "viewers": viewers, "attacks": [asdict(one) for one in results]}
    print(markdown(results))
    print("Goals: +64 MB, +20 ms, 3 s. " + ", ".join(f"{key}: {report[key]}" for key in ("date", "commit", "machine")))
    if out is not None:
        out.write_text(json.dumps(report, indent=1) + "\n")
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
