"""Programs that the demo starts are watched, and ended with all they started."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from interop.programs import ProgramFailed, Programs


def gone(pid: int) -> bool:
    """Whether no such process runs; one that ended and awaits its parent counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_ending_a_program_ends_what_it_started(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    child = tmp_path / "ready.json"
    programs.start(
        "parent", ["sh", "-c", f'sleep 600 & echo "{{\\"child\\": $!}}" > {child}.new; mv {child}.new {child}; wait']
    )
    pid = (await programs.ready_file(child, 10))["child"]
    assert not gone(pid)
    programs.end()
    await asyncio.wait_for(until_gone(pid), 5)


async def until_gone(pid: int) -> None:
    while not gone(pid):
        await asyncio.sleep(0)


async def test_a_program_that_dies_is_reported_with_its_last_words(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    programs.start("relay", ["sh", "-c", "echo no such port >&2; exit 3"])
    with pytest.raises(ProgramFailed, match=r"relay ended with status 3\n  relay: no such port"):
        await programs.until("never", 10, lambda: False)
    programs.end()


async def test_what_does_not_happen_in_time_is_named(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    programs.start("host", ["sleep", "600"])
    with pytest.raises(ProgramFailed, match="still not: a picture"):
        await programs.until("a picture", 0.01, lambda: False)
    programs.end()
    assert not programs.started


def test_a_program_that_ignores_being_asked_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interop.programs.GRACE", 0.05)
    programs = Programs(tmp_path)
    program = programs.start("stubborn", ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    programs.end()
    assert program.process.returncode is not None
    assert not os.path.exists(f"/proc/{program.process.pid}")
