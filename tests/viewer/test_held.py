"""A session that is held: commands act in it, one after the other, with the results they have by themselves."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.localcontrol import ask
from avl_protocol.endpoint.program.localserver import LocalServer
from avl_protocol.wire.device_id import to_text
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode
from avl_viewer.api import Desktop
from avl_viewer.held.holder import Holder
from avl_viewer.held.sockets import socket_of

NUMBER = Identity(bytes(32)).number
TARGET = f"avl://192.0.2.1:4433/{to_text(NUMBER)}"


class FakeClipboard:
    """A clipboard of this process."""

    def __init__(self) -> None:
        self.text = "from the host\n"

    async def get(self) -> str:
        return self.text

    async def set(self, text: str) -> None:
        self.text = text


class FakeDesktop:
    """What commands do, written down."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.clipboard = FakeClipboard()
        self.stuck = False
        self.refused: Refused | None = None

    async def type(self, text: str) -> None:
        if self.refused is not None:
            raise self.refused
        if self.stuck:
            self.done.append(("stuck",))
            await asyncio.Event().wait()
        self.done.append(("type", text))

    async def move(self, x: int, y: int) -> None:
        self.done.append(("move", x, y))


class Stand:
    """A held session with a fake desktop, and commands as a shell gives them."""

    def __init__(self, folder: Path, desktop: FakeDesktop) -> None:
        self.folder = folder
        self.desktop = desktop

    def start(self, *arguments: str, given: bytes | None = None) -> subprocess.Popen[bytes]:
        """Begin a command."""
        environment = {**os.environ, "XDG_STATE_HOME": str(self.folder)}
        environment.pop("AVL_CODE", None)
        command = [sys.executable, "-c", "from avl_viewer.entry import main; main()", *arguments]
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        if given is not None and child.stdin is not None:
            child.stdin.write(given)
            child.stdin.close()
            child.stdin = None
        return child

    async def run(self, *arguments: str, given: bytes | None = None) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of a command."""
        child = self.start(*arguments, given=given)
        out, errors = await asyncio.to_thread(child.communicate)
        return child.returncode, out.decode(), errors.decode()


@asynccontextmanager
async def held(tmp_path: Path) -> AsyncIterator[Stand]:
    desktop = FakeDesktop()
    server = LocalServer(socket_of(tmp_path / "avl" / "viewer", NUMBER), Holder(cast(Desktop, desktop)).answer)
    server.listen()
    try:
        yield Stand(tmp_path, desktop)
    finally:
        await server.close()


async def test_commands_act_in_the_held_session_without_a_code(tmp_path: Path) -> None:
    async with held(tmp_path) as stand:
        assert await stand.run("type", TARGET, "hello") == (0, "", "")
        assert await stand.run("type", TARGET, "-", given="Grüße\n".encode()) == (0, "", "")
        assert await stand.run("move", TARGET, "3", "4") == (0, "", "")
        assert stand.desktop.done == [("type", "hello"), ("type", "Grüße\n"), ("move", 3, 4)]
        assert await stand.run("clipboard", TARGET) == (0, "from the host\n", "")


async def test_a_clipboard_of_the_largest_size_passes_both_ways(tmp_path: Path) -> None:
    text = "\u0001" * 1_000_000  # six characters each, as JSON writes it
    async with held(tmp_path) as stand:
        assert (await stand.run("clipboard", TARGET, "--set", "-", given=text.encode()))[0] == 0
        assert stand.desktop.clipboard.text == text
        assert (await stand.run("clipboard", TARGET))[1] == text


async def test_errors_and_exit_codes_are_those_of_a_session_of_its_own(tmp_path: Path) -> None:
    async with held(tmp_path) as stand:
        status, out, errors = await stand.run("move", TARGET, "3", "four")
        assert (status, out) == (2, "") and "valid integer" in errors
        stand.desktop.refused = Refused(CloseCode.SESSION_LOST)
        status, out, errors = await stand.run("type", TARGET, "x")
        assert (status, out) == (4, "") and errors.startswith("avl: The connection to the host was lost")


async def test_commands_wait_for_each_other_and_can_be_interrupted(tmp_path: Path) -> None:
    async with held(tmp_path) as stand:
        stand.desktop.stuck = True
        first = stand.start("type", TARGET, "never")
        while not stand.desktop.done:
            await asyncio.sleep(0.01)
        stand.desktop.stuck = False
        second = asyncio.create_task(stand.run("type", TARGET, "after"))
        first.send_signal(2)
        await asyncio.to_thread(first.communicate)
        assert first.returncode == 130
        assert await second == (0, "", "")
        assert stand.desktop.done == [("stuck",), ("type", "after")]


@pytest.mark.parametrize("option", [["--code", "ABCD2345"], ["--timeout", "0.2"]])
async def test_a_command_that_wants_a_session_of_its_own_gets_one(tmp_path: Path, option: list[str]) -> None:
    async with held(tmp_path) as stand:
        status, _, errors = await stand.run(
            "type",
            "avl://127.0.0.1:1/" + to_text(NUMBER),
            "x",
            *option[:2],
            *(["--timeout", "0.2"] if "--code" in option else []),
        )
        assert status in (2, 4) and errors and stand.desktop.done == []


async def test_a_socket_that_was_left_behind_is_no_session(tmp_path: Path) -> None:
    async with held(tmp_path) as stand:
        path = socket_of(tmp_path / "avl" / "viewer", NUMBER)
    assert not path.exists()
    path.touch()
    status, _, errors = await stand.run("type", TARGET, "x")
    assert status == 2 and "a code is needed" in errors


async def test_disconnect_ends_it_and_says_when_there_is_none(tmp_path: Path) -> None:
    async with held(tmp_path) as stand:
        assert await stand.run("disconnect", TARGET) == (0, "", "")
    status, _, errors = await stand.run("disconnect", TARGET)
    assert status == 1 and "no session with this desktop is held" in errors


async def test_what_is_no_question_is_answered_as_such(tmp_path: Path) -> None:
    async with held(tmp_path):
        path = socket_of(tmp_path / "avl" / "viewer", NUMBER)
        with pytest.raises(Exception, match="does not know what to do"):
            await asyncio.to_thread(ask, path, {"do": "dance"})


LIGHT = [
    ("avl_viewer.entry", {"asyncio", "typer", "cryptography", "aioquic", "numpy", "av", "rich"}),
    (
        "avl_viewer.cli",
        {"asyncio", "pydantic", "cryptography", "aioquic", "numpy", "av", "rich", "websockets", "PySide6"},
    ),
    ("avl_host.cli", {"asyncio", "pydantic", "cryptography", "aioquic", "numpy", "av", "rich", "websockets", "xcffib"}),
    ("avl_relay.cli", {"asyncio", "pydantic", "cryptography", "aioquic", "structlog", "starlette", "uvicorn", "rich"}),
    ("avl_relay.relay", {"numpy", "av", "typer", "zeroconf"}),
    ("avl_viewer.api", {"numpy", "av", "rich", "typer", "websockets", "zeroconf", "PySide6"}),
]


@pytest.mark.parametrize(("module", "heavy"), LIGHT)
def test_a_command_loads_no_more_than_it_needs(module: str, heavy: set[str]) -> None:
    text = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & heavy == set()
