"""A host that viewers reach at its own address: real programs, no relay anywhere."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

import avl_viewer
from avl_protocol.wire import device_id
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode
from interop.programs import Programs
from interop.stage import BIN

CODE = "LISTEN-CODE"


def avl(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the viewer's commands to its end."""
    command = [str(part) for part in (BIN / "avl", *arguments, "--code", CODE, "--state", folder / "viewer")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0"])
async def test_a_listening_host_needs_no_relay_and_no_pin(tmp_path: Path, listen: str) -> None:
    programs = Programs(tmp_path)
    try:
        where = ["--listen", listen, "--source", "pattern", "--code", CODE]
        kept: list[str | Path] = ["--state", tmp_path / "host", "--ready-file", tmp_path / "host.json"]
        programs.start("host", [BIN / "avl-host", "run", *where, *kept])
        ready = await programs.ready_file(tmp_path / "host.json", 30)
        assert ready["url"] == "" and "pin=" not in ready["target"]
        shot = await asyncio.to_thread(avl, "screenshot", ready["target"], "-o", tmp_path / "now.png", folder=tmp_path)
        assert shot.returncode == 0, shot.stderr
        assert (tmp_path / "now.png").read_bytes()[1:4] == b"PNG"
        told = await asyncio.to_thread(avl, "stats", ready["target"], "--json", "--seconds", "1", folder=tmp_path)
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout.splitlines()[-1])["path"] in ("lan", "direct")

        if listen.startswith("127."):
            await _ends_sessions(tmp_path, ready["target"])

        other = ready["target"].replace(ready["device_id"], _another(ready["device_id"]))
        wrong = await asyncio.to_thread(avl, "screenshot", other, "-o", tmp_path / "no.png", folder=tmp_path)
        assert wrong.returncode == 3 and "vouches" in wrong.stderr, wrong.stderr
    finally:
        programs.end()


async def test_a_session_that_is_held_serves_commands_without_a_code_until_it_is_over(tmp_path: Path) -> None:
    programs = Programs(tmp_path)

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [str(part) for part in (BIN / "avl", *arguments, "--state", tmp_path / "viewer")]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)

    try:
        where = ["--listen", "127.0.0.1:0", "--source", "pattern", "--code", CODE]
        kept: list[str | Path] = ["--state", tmp_path / "host", "--ready-file", tmp_path / "host.json"]
        host = programs.start("host", [BIN / "avl-host", "run", *where, *kept])
        target = (await programs.ready_file(tmp_path / "host.json", 30))["target"]
        wrong = await asyncio.to_thread(run, "connect", target, "--background", "--code", "WRONG-CODE")
        assert wrong.returncode == 3 and "code is wrong" in wrong.stderr
        begun = await asyncio.to_thread(run, "connect", target, "--background", "--code", CODE)
        assert begun.returncode == 0, begun.stderr
        try:
            again = await asyncio.to_thread(run, "connect", target, "--background", "--code", CODE)
            assert again.returncode == 1 and "held already" in again.stderr
            typed = await asyncio.to_thread(run, "type", target, "hello")
            assert (typed.returncode, typed.stdout, typed.stderr) == (0, "", "")
            shot = await asyncio.to_thread(run, "screenshot", target, "-o", tmp_path / "now.png", "--settle", "0")
            assert shot.returncode == 0 and (tmp_path / "now.png").read_bytes()[1:4] == b"PNG"
        finally:
            ended = await asyncio.to_thread(run, "disconnect", target)
        assert ended.returncode == 0, ended.stderr
        after = await asyncio.to_thread(run, "type", target, "hello")
        assert after.returncode == 2 and "a code is needed" in after.stderr
        assert host.log.read_text().count("is in (full control)") == 1
    finally:
        programs.end()


def avl_host(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of the host's commands to its end."""
    command = [str(part) for part in (BIN / "avl-host", *arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


async def _ends_sessions(folder: Path, target: str) -> None:
    """`avl-host sessions` shows who is here and ends it; a second host with this identity is refused."""
    state = folder / "host"
    nobody = await asyncio.to_thread(avl_host, "sessions", "--state", folder / "none")
    assert nobody.returncode == 1 and "no host runs" in nobody.stderr, nobody.stderr
    async with avl_viewer.connect(target, code=CODE, state=folder / "api", name="api \x1b[2J") as desktop:
        listed = await asyncio.to_thread(avl_host, "sessions", "--state", state)
        assert listed.returncode == 0 and "everything" in listed.stdout and "api \\x1b[2J" in listed.stdout, listed
        wrong = await asyncio.to_thread(avl_host, "sessions", "end", "99", "--state", state)
        assert wrong.returncode == 1 and "no session 99" in wrong.stderr, wrong
        number = listed.stdout.splitlines()[1].split()[0]
        ended = await asyncio.to_thread(avl_host, "sessions", "--state", state, "end", number)
        assert ended.returncode == 0 and ended.stdout == f"ended: {number}\n", ended
        with pytest.raises(Refused) as refused:
            async with asyncio.timeout(10):
                while True:
                    await desktop.wait_for_change(10)
        assert refused.value.code is CloseCode.EVICTED
    second = await asyncio.to_thread(
        avl_host, "run", "--listen", "127.0.0.1:0", "--source", "pattern", "--state", state
    )
    assert second.returncode == 1 and "runs already" in second.stderr, second


def _another(device: str) -> str:
    """A device ID that is not this one."""
    return device_id.to_text(device_id.from_text(device) ^ 1)
