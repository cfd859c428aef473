"""Real X servers for the host's tests: each on a number of its own, ended with the test run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import xcffib

from tests.tools import need


@dataclass
class XServer:
    """A running Xvfb; `display` is its name, such as ":7"."""

    display: str
    process: subprocess.Popen[bytes]

    def end(self) -> None:
        """Kill it, as a crash would."""
        self.process.kill()
        self.process.wait()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run an X client to its end."""
        environment = {**os.environ, "DISPLAY": self.display}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)


def start_xvfb(width: int = 640, height: int = 480, depth: int = 24, *more: str) -> XServer:
    """Start an Xvfb on a number that it finds itself, and wait until it takes clients."""
    program = need("Xvfb")
    screen = f"{width}x{height}x{depth}"
    read, write = os.pipe()
    process = subprocess.Popen(
        [program, "-displayfd", str(write), "-noreset", "-nolisten", "tcp", *more, "-screen", "0", screen],
        pass_fds=(write,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    return XServer(f":{number}", process)


@pytest.fixture(scope="session")
def xvfb() -> Iterator[XServer]:
    """One server for all tests that leave it as they found it."""
    server = start_xvfb()
    yield server
    server.end()


@pytest.fixture
def own_xvfb() -> Iterator[Callable[..., XServer]]:
    """Servers for one test, which may be resized or killed."""
    servers: list[XServer] = []

    def start(width: int = 640, height: int = 480, depth: int = 24, *more: str) -> XServer:
        servers.append(start_xvfb(width, height, depth, *more))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The X connections that are opened from now on."""
    made: list[Any] = []
    connect: Callable[[str], Any] = xcffib.connect

    def recorded(display: str) -> Any:
        made.append(connect(display))
        return made[-1]

    monkeypatch.setattr(xcffib, "connect", recorded)
    return made


@dataclass
class Typist:
    """An xterm whose shell writes every line that is typed into a file."""

    process: subprocess.Popen[bytes]
    path: Path

    def lines(self, count: int, seconds: float = 8.0) -> list[str]:
        """The first `count` lines typed, waiting for them."""
        end = time.monotonic() + seconds
        while True:
            found = self.path.read_text("utf-8").split("\n")[:-1] if self.path.exists() else []
            if len(found) >= count or time.monotonic() > end:
                return found
            time.sleep(0.01)


@pytest.fixture
def typist(xvfb: XServer, tmp_path: Path) -> Iterator[Typist]:
    """A terminal that has the keyboard focus (no window manager: the pointer is in it)."""
    path = tmp_path / "typed"
    environment = {**os.environ, "DISPLAY": xvfb.display, "LC_ALL": "C.UTF-8"}
    # cat must be running before anything is typed; it says so by creating its file.
    # pynput types by synthetic events, which a terminal takes only when it is told to.
    allowed = "*allowSendEvents: true"
    command = f"stty -ixon; cat > '{path}'"
    process = subprocess.Popen(
        [need("xterm"), "-u8", "-xrm", allowed, "-geometry", "100x30+0+0", "-e", "sh", "-c", command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 10
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.02)
    yield Typist(process, path)
    process.kill()
    process.wait()
