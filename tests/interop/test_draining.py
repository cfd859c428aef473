"""A relay that is asked to end, as real programs: its sessions go on, and the second request is the last."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import avl_viewer
from avl_viewer.api import Desktop
from interop.programs import Program, Programs
from interop.stage import BIN, READY
from tests.relay.test_listener import ask

CODE = "DRAIN-CODE"
#: Seconds for which the picture may stand still. The host's card changes 30 times a second.
STILL = 1.0


class Stage:
    """Relays and a host that is registered at all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = Programs(folder)
        self.relays: list[tuple[Program, dict[str, Any]]] = []

    async def relay(self, *options: str) -> Program:
        name = f"relay{len(self.relays)}"
        ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
        kept: list[str | Path] = ["--state", self.folder / name, "--ready-file", self.folder / f"{name}.json"]
        command = [BIN / "avl-relay", "serve", *ports, *kept, "--log-format", "json", *options]
        program = self.programs.start(name, command)
        self.relays.append((program, await self.programs.ready_file(self.folder / f"{name}.json", READY)))
        return program

    async def host(self) -> str:
        """Start the host; its target, once it names all relays."""
        where: list[str | Path] = []
        for _, ready in self.relays:
            where += ["--relay", f"{ready['quic']}?pin={ready['pin']}"]
        kept: list[str | Path] = ["--state", self.folder / "host", "--ready-file", self.folder / "host.json"]
        shared = ["--source", "pattern", "--code", CODE, "--no-direct"]
        self.programs.start("host", [BIN / "avl-host", "run", *shared, *where, *kept])
        await self.programs.ready_file(self.folder / "host.json", READY)

        def target() -> str:
            found = str(json.loads((self.folder / "host.json").read_text())["target"])
            return found if all(ready["quic"] in found for _, ready in self.relays) else ""

        return str(await self.programs.until("the host at all relays", READY, target))

    def metrics(self, relay: Program) -> int:
        """The port of a relay's private listener."""
        lines = [json.loads(line) for line in relay.log.read_text().splitlines() if line.startswith("{")]
        (at,) = [line["at"] for line in lines if line["event"] == "metrics"]
        return int(at.rpartition(":")[2])

    def used(self, desktop: Desktop) -> Program:
        """The relay that the session is on."""
        paths = desktop.client.paths
        assert paths is not None and paths.current is not None and paths.current.relay is not None
        port = paths.current.relay.port
        return next(program for program, ready in self.relays if ready["quic"].endswith(f":{port}"))


async def watched(desktop: Desktop, until: asyncio.Event) -> float:
    """The longest time without a picture, in seconds."""
    longest, last = 0.0, time.monotonic()
    while not until.is_set():
        assert await desktop.wait_for_change(10)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    return longest


async def ended(relay: Program, seconds: float) -> int:
    return await asyncio.to_thread(relay.process.wait, seconds)


async def test_a_relay_that_is_asked_to_end_loses_no_session_and_hardly_a_picture(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    try:
        await stage.relay()
        await stage.relay()
        target = await stage.host()
        async with avl_viewer.connect(target, code=CODE, state=tmp_path / "viewer", direct=False) as desktop:
            await desktop.wait_for_change(10)
            stop = asyncio.Event()
            watching = asyncio.create_task(watched(desktop, stop))
            await asyncio.sleep(1.0)
            before = stage.used(desktop)
            before.signal(signal.SIGTERM)
            assert await ended(before, 10) == 0, before.last_words()
            await asyncio.sleep(1.0)
            after = stage.used(desktop)
            assert after is not before and desktop.stats()["switch"]["reason"] == "the relay goes away"
            await desktop.type("still the same session")
            stop.set()
            assert await watching < STILL
        events = [json.loads(line) for line in before.log.read_text().splitlines() if line.startswith("{")]
        (drained,) = [event for event in events if event["event"] == "drained"]
        assert (drained["left"], drained["stayed"]) == (1, 0)
        host = stage.programs.started[-1].log.read_text()
        assert host.count("is in (full control)") == 1, host
    finally:
        stage.programs.end()


async def test_a_relay_whose_sessions_have_nowhere_to_go_ends_when_it_is_asked_twice(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    try:
        relay = await stage.relay("--drain", "60")
        target = await stage.host()
        port = stage.metrics(relay)
        assert await asyncio.to_thread(ask, port, "/ready") == (200, "ready\n")
        async with avl_viewer.connect(target, code=CODE, state=tmp_path / "viewer", direct=False) as desktop:
            await desktop.wait_for_change(10)
            status, figures = await asyncio.to_thread(ask, port, "/metrics")
            assert status == 200 and "avl_relay_sessions_admitted 1.0" in figures
            assert 'avl_relay_connections{kind="quic"} 2.0' in figures and "avl_relay_queue_delay_seconds" in figures
            relay.signal(signal.SIGTERM)
            while (await asyncio.to_thread(ask, port, "/ready"))[0] != 503:
                await asyncio.sleep(0.02)
            assert await desktop.wait_for_change(10), "the session goes on"
            begun = time.monotonic()
            relay.signal(signal.SIGTERM)
            assert await ended(relay, 10) == 0, relay.last_words()
            assert time.monotonic() - begun < 5.0
        assert not (tmp_path / "relay0" / "control.sock").exists()
    finally:
        stage.programs.end()
