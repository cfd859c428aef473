"""A person at a desktop, with the programs as they are: they allow a viewer less than it wants, see it, and end it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import xcffib
import xcffib.xproto

from avl_host.input.ownwindows import OwnWindows
from avl_host.presence.dialog import Layout
from avl_host.presence.indicator import Plan
from avl_host.presence.question import Question
from avl_host.presence.scene import Onlooker, Scene
from avl_host.presence.surface import Box, Surface
from avl_protocol.wire.registry import PRESETS, Permission
from interop.programs import Programs
from interop.stage import BIN
from tests.host.conftest import XServer, start_xvfb
from tests.host.hand import Hand
from tests.host.test_blank import Monitor

pytestmark = pytest.mark.display
CODE = "TESTCODE"
Sessions = Callable[[], list[dict[str, object]]]


@asynccontextmanager
async def host(folder: Path, *more: str) -> AsyncIterator[tuple[XServer, Programs, str, Sessions]]:
    """A host on a display of its own; its target, and the sessions that it lists."""
    server, programs = start_xvfb(800, 600), Programs(folder)
    try:
        where = ["--listen", "127.0.0.1:0", "--display", server.display, "--code", CODE, *more]
        kept: list[str | Path] = ["--state", folder / "host", "--ready-file", folder / "host.json"]
        programs.start("host", [BIN / "avl-host", "run", *where, *kept], {"DISPLAY": server.display})
        ready = await programs.ready_file(folder / "host.json", 30)

        def sessions() -> list[dict[str, object]]:
            command = [str(part) for part in (BIN / "avl-host", "sessions", "--json", "--state", folder / "host")]
            told = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ})
            return list(json.loads(told.stdout)["sessions"])

        yield server, programs, str(ready["target"]), sessions
    finally:
        programs.end()
        server.end()


def watch(programs: Programs, folder: Path, target: str) -> None:
    """A viewer that stays."""
    watching: list[str | Path] = [target, "--code", CODE, "--seconds", "60", "--state", folder / "viewer"]
    programs.start("viewer", [BIN / "avl", "stats", *watching])


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.05)


def shows(server: XServer, window: Box) -> bool:
    """Whether there is a window of this size at this place."""
    x: Any = xcffib.connect(server.display)  # type: ignore[no-untyped-call]
    root = x.get_setup().roots[0].root
    known = [x.core.GetGeometry(one).reply() for one in x.core.QueryTree(root).reply().children]
    x.disconnect()
    return any((one.width, one.height) == (window.width, window.height) for one in known)


def click(server: XServer, window: Box, part: Box) -> None:
    hand = Hand(server.display)
    hand.click(window.x + part.x + 8, window.y + part.y + 8)
    hand.close()


async def test_a_person_allows_part_of_it_sees_it_and_ends_it(tmp_path: Path) -> None:
    async with host(tmp_path, "--consent", "ask") as (server, programs, target, sessions):
        probe = Surface(server.display, OwnWindows())
        line, screen = probe.line, probe.screen
        probe.close()
        question = Layout(Question(device="", claimed="", wish=PRESETS["CODE"]), line)
        watch(programs, tmp_path, target)
        window = question.on(screen)
        await until(lambda: shows(server, window))
        await asyncio.sleep(1)  # the guard
        click(server, window, question.switches[Permission.KEYBOARD])
        await asyncio.sleep(0.2)
        click(server, window, question.allow)
        await until(lambda: sessions())
        assert "keyboard" not in str(sessions()[0]["permissions"]) and "pointer" in str(sessions()[0]["permissions"])
        plan = Plan(Scene((Onlooker(number=1, name="x", acts=True),)), line)
        click(server, plan.on(screen, 0), plan.end_all)
        await until(lambda: not sessions())


async def test_a_screen_is_dark_while_a_session_runs_that_nobody_allowed(tmp_path: Path) -> None:
    async with host(tmp_path, "--blank") as (server, programs, target, sessions):
        monitor = Monitor(server.display)
        before = monitor.ramp()
        assert any(before)
        watch(programs, tmp_path, target)
        await until(lambda: sessions())
        assert not any(monitor.ramp())
        hand = Hand(server.display)
        hand.key(*(hand.keycode(keysym) for keysym in (0xFFE3, 0xFFE9, 0xFFE1, 0xFF1B)))
        hand.close()
        await until(lambda: not sessions())
        assert monitor.ramp() == before
        monitor.close()
