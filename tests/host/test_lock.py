"""Locking the screen: when the policy says so, and what is said of commands that work, fail, hang or are missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from avl_host.sessions.lock import COMMANDS, CommandLocker, LockPolicy, RememberingLocker, ScreenLocker

Programs = Callable[..., Callable[[str], str | None]]


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """Makes programs of these names with these bodies of shell, and returns the search for them."""

    def make(**bodies: str) -> Callable[[str], str | None]:
        for name, body in bodies.items():
            path = tmp_path / name.replace("_", "-")
            path.write_text(f"#!/bin/sh\n{body}\n")
            path.chmod(0o755)

        def which(name: str) -> str | None:
            return str(tmp_path / name) if (tmp_path / name).exists() else None

        return which

    return make


# ---------------------------------------------------------------------------------------------------------- the command


async def test_the_first_command_that_works_locks(programs: Programs, tmp_path: Path) -> None:
    said: list[str] = []
    which = programs(loginctl=f"echo $0 $@ >{tmp_path}/done", xdg_screensaver=f"echo second >{tmp_path}/done")
    assert await CommandLocker(said.append, which=which).lock()
    assert (tmp_path / "done").read_text() == f"{tmp_path}/loginctl lock-session\n"
    assert said == ["The session was lost: the screen was told to lock (loginctl lock-session)."]


@pytest.mark.parametrize("first", [None, "exit 1"])
async def test_the_next_is_tried_where_one_is_missing_or_fails(programs: Programs, first: str | None) -> None:
    said: list[str] = []
    bodies = {} if first is None else {"loginctl": first}
    assert await CommandLocker(said.append, which=programs(xdg_screensaver="exit 0", **bodies)).lock()
    assert "(xdg-screensaver lock)" in said[0]


async def test_where_nothing_works_each_failure_and_the_way_out_are_told(programs: Programs) -> None:
    said: list[str] = []
    assert not await CommandLocker(said.append, which=programs(loginctl="exit 3")).lock()
    assert len(said) == 1
    assert "loginctl lock-session ended with status 3; xdg-screensaver is not installed" in said[0]
    assert "--lock-command" in said[0]


async def test_a_command_that_hangs_is_ended(programs: Programs, tmp_path: Path) -> None:
    said: list[str] = []
    which = programs(slow=f"echo $$ >{tmp_path}/pid\nexec sleep 60")
    begin = time.monotonic()
    assert not await CommandLocker(said.append, ["slow"], which=which, limit=0.3).lock()
    assert time.monotonic() - begin < 10
    assert "slow took longer than 0.3 s" in said[0]
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


async def test_a_given_command_is_the_only_one(programs: Programs, tmp_path: Path) -> None:
    said: list[str] = []
    which = programs(loginctl="exit 0", mine=f'echo "$2" >{tmp_path}/done')
    assert await CommandLocker(said.append, ["mine", "-x", "two words; $HOME"], which=which).lock()
    assert (tmp_path / "done").read_text() == "two words; $HOME\n", "no shell reads a command"
    assert not await CommandLocker(said.append, ["absent"], which=which).lock()
    assert "absent is not installed" in said[1]


async def test_what_is_no_program_is_told(programs: Programs, tmp_path: Path) -> None:
    said: list[str] = []
    which = programs(broken="")
    (tmp_path / "broken").write_bytes(b"\x00\x01")
    assert not await CommandLocker(said.append, ["broken"], which=which).lock()
    assert "broken can't be run" in said[0]


async def test_the_double_counts_and_answers() -> None:
    double = RememberingLocker()
    locker: ScreenLocker = double
    assert await locker.lock()
    double.answer = False
    assert not await locker.lock()
    assert double.locked == 2
    assert [command[0] for command in COMMANDS] == ["loginctl", "xdg-screensaver"]


# ----------------------------------------------------------------------------------------------------------- the policy


def test_it_is_due_once_when_the_time_has_come() -> None:
    policy = LockPolicy(30.0)
    assert policy.next_timeout() is None
    policy.lost(100.0)
    assert policy.next_timeout() == 130.0
    assert not policy.due(129.9)
    assert policy.due(130.0)
    assert not policy.due(131.0)
    assert policy.next_timeout() is None


def test_who_is_back_in_time_finds_nothing_locked() -> None:
    policy = LockPolicy(30.0)
    policy.lost(100.0)
    policy.back(129.0)
    assert policy.next_timeout() is None
    assert not policy.due(200.0)
    policy.lost(300.0)
    assert policy.next_timeout() == 330.0


def test_who_is_back_too_late_finds_it_locked_even_if_nobody_had_looked() -> None:
    policy = LockPolicy(30.0)
    policy.lost(100.0)
    policy.back(131.0)
    assert policy.next_timeout() == 130.0
    assert policy.due(131.0)


def test_being_lost_again_before_it_was_looked_at_takes_nothing_back() -> None:
    policy = LockPolicy(30.0)
    policy.lost(100.0)
    policy.back(131.0)
    policy.lost(132.0)
    assert policy.next_timeout() == 130.0


def test_being_told_of_the_same_loss_again_moves_nothing() -> None:
    policy = LockPolicy(30.0)
    policy.lost(100.0)
    policy.lost(120.0)
    assert policy.next_timeout() == 130.0
    assert policy.due(130.0)
    policy.lost(140.0)
    assert policy.next_timeout() is None, "it is locked, and nobody came back"
    policy.back(150.0)
    policy.lost(160.0)
    assert policy.next_timeout() == 190.0


def test_at_once_and_never() -> None:
    policy = LockPolicy(0.0)
    policy.lost(5.0)
    assert policy.due(5.0)
    never = LockPolicy(None)
    never.lost(5.0)
    assert never.next_timeout() is None
    assert not never.due(1e9)
