"""The relay's unit for systemd: judged by systemd-analyze, and held to what the program is."""

from __future__ import annotations

import configparser
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from avl_relay.cli import app
from interop.programs import Programs
from interop.stage import BIN, READY, ROOT
from tests.tools import need

UNIT = ROOT / "relay" / "avl-relay.service"
#: How much a service may leave open, of ten (systemd-analyze security).
EXPOSURE = 2.0


class Unit(configparser.RawConfigParser):
    """A unit in which each name is spelt as it is; of names that stand twice the last counts."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit() -> Unit:
    read = Unit(strict=False, comment_prefixes=("#",), delimiters=("=",))
    read.read_string(UNIT.read_text())
    return read


def test_little_of_the_machine_is_left_open_to_the_relay() -> None:
    tool = need("systemd-analyze")
    command = [tool, "security", "--offline=yes", "--no-pager", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE, done.stdout


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    tool = need("systemd-analyze")
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace("/opt/avl/bin/avl-relay", str(BIN / "avl-relay")))
    done = subprocess.run([tool, "verify", "--man=no", here], capture_output=True, text=True, timeout=60)
    assert UNIT.name not in done.stderr, done.stderr


def test_the_command_in_it_is_one_that_the_relay_takes() -> None:
    words = unit()["Service"]["ExecStart"].split()
    assert words[0].endswith("/avl-relay") and words[1] == "serve"
    group = get_command(app)
    options = {name for parameter in group.commands["serve"].params for name in parameter.opts}  # type: ignore[attr-defined]
    assert {word for word in words if word.startswith("--")} <= options


def test_it_has_longer_to_end_than_its_sessions_have_to_leave() -> None:
    service = unit()["Service"]
    drain = next(p for p in get_command(app).commands["serve"].params if p.name == "drain")  # type: ignore[attr-defined]
    assert int(service["TimeoutStopSec"]) > 2 * drain.default and service["KillMode"] == "mixed"
    assert service["Type"] == "notify" and service["Restart"] == "on-failure" and service["DynamicUser"] == "yes"
    assert int(service["LimitNOFILE"]) == 65536 and service["MemoryMax"]


async def test_the_manager_is_told_when_the_relay_is_ready_and_when_it_stops(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(READY)
        ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--state", str(tmp_path / "relay")]
        try:
            program = programs.start(
                "relay", [BIN / "avl-relay", "serve", *ports], {"NOTIFY_SOCKET": str(tmp_path / "notify")}
            )
            assert manager.recv(1024).startswith(b"READY=1\n"), program.last_words()
            os.kill(program.process.pid, 15)
            assert manager.recv(1024).startswith(b"STOPPING=1\n"), program.last_words()
            assert program.process.wait(READY) == 0
        finally:
            programs.end()


#: prctl(2): no memory of this process, or of a program that it becomes, may be made executable afterwards.
FORBID = """
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""


async def test_it_runs_where_no_memory_becomes_executable(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    ready = tmp_path / "relay.json"
    ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
    command: list[str | Path] = [
        BIN / "python",
        "-c",
        FORBID,
        BIN / "avl-relay",
        "serve",
        *ports,
        "--state",
        tmp_path / "relay",
    ]
    relay = programs.start("relay", [*command, "--ready-file", ready])
    try:
        await programs.until("ready, or not possible", READY, lambda: ready.exists() or relay.process.poll() == 77)
        if not ready.exists():
            pytest.skip("this kernel can't forbid it to a process (before 6.3)")
    finally:
        programs.end()
