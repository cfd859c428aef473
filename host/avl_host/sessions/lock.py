"""Locks the screen when nobody is at either end: after an unattended session was lost, by policy.

A session that breaks leaves a desktop as its viewer had it: unlocked. Whoever walks by then has it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from typing import Protocol

#: Commands that ask a desktop to lock, in the order in which they are tried.
COMMANDS = (("loginctl", "lock-session"), ("xdg-screensaver", "lock"))
#: Seconds that a command may take.
LIMIT = 5.0
_ADVICE = "lock it by hand, and name a command that works here with --lock-command"


class ScreenLocker(Protocol):
    """What can lock the screen."""

    async def lock(self) -> bool:
        """Lock it, and say so; False when it did not work. A locked screen may be locked again."""


class CommandLocker:
    """Locks by running a command: the given one, or the first of COMMANDS that exists and succeeds."""

    def __init__(
        self,
        tell: Callable[[str], None],
        command: Sequence[str] | None = None,
        *,
        which: Callable[[str], str | None] = shutil.which,
        limit: float = LIMIT,
    ) -> None:
        self._tell = tell
        self._commands = [tuple(command)] if command else list(COMMANDS)
        self._which = which
        self._limit = limit

    async def lock(self) -> bool:
        """As ScreenLocker says. That a command succeeded is all that is known: a desktop does not answer."""
        failures = []
        for command in self._commands:
            words = " ".join(command)
            path = self._which(command[0])
            if path is None:
                failures.append(f"{command[0]} is not installed")
                continue
            failure = await self._run([path, *command[1:]])
            if not failure:
                self._tell(f"The session was lost: the screen was told to lock ({words}).")
                return True
            failures.append(f"{words} {failure}")
        self._tell(f"The session was lost, and the screen could not be locked: {'; '.join(failures)}: {_ADVICE}.")
        return False

    async def _run(self, command: Sequence[str]) -> str:
        """Run it to its end; what went wrong, or empty."""
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=quiet)
        except OSError as error:
            return f"can't be run ({error.strerror})"
        try:
            async with asyncio.timeout(self._limit):
                status = await process.wait()
        except TimeoutError:
            return f"took longer than {self._limit:g} s and was ended (it must return once it has locked)"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return f"ended with status {status}" if status else ""


class RememberingLocker:
    """A double of CommandLocker: counts, and answers as it was told to."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.locked = 0

    async def lock(self) -> bool:
        self.locked += 1
        return self.answer


class LockPolicy:
    """When to lock: `after` seconds after the last unattended session was lost; None: never.

    It fails closed. Once the time has come, nobody's return takes it back: who came back after all finds the lock
    screen, and unlocks it by ordinary means.
    """

    __slots__ = ("_after", "_at", "_lost")

    def __init__(self, after: float | None) -> None:
        self._after = after
        self._at: float | None = None
        self._lost = False

    def lost(self, now: float) -> None:
        """The last session was lost. Being told again while it is lost moves nothing."""
        if self._after is not None and not self._lost:
            self._lost = True
            if self._at is None:
                self._at = now + self._after

    def back(self, now: float) -> None:
        """A session is there again: in time, nothing is locked."""
        self._lost = False
        if self._at is not None and now < self._at:
            self._at = None

    def next_timeout(self) -> float | None:
        """When to ask `due`; None: not before something happens."""
        return self._at

    def due(self, now: float) -> bool:
        """Whether to lock now: True once for each loss."""
        if self._at is None or now < self._at:
            return False
        self._at = None
        return True
