"""Passwords: how strong one must be, and argon2id (RFC 9106) in a few threads of low priority.

A hash costs 20 ms of a core on purpose. In threads that go last and with a bounded queue a storm of sign-ins takes what
sessions leave, and is told to come back when that is too little.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

SHORTEST, LONGEST = 12, 256
#: Bits that a guesser, who knows how people choose, must not have less of.
FLOOR_BITS = 40.0
#: 19 MiB and two passes: OWASP's least, for 40 sign-ins a second on two cores.
MEMORY_KIB, PASSES, LANES, SALT_BYTES = 19 * 1024, 2, 1, 16
THREADS, WAITING = 2, 50
#: The lowest priority of a thread on Linux.
LAST = 19

#: What a person's words cost a guesser, in bits: one of these, a run of the keyboard, a year, one's own name.
WORD_BITS, RUN_BITS, YEAR_BITS, OWN_BITS, CHARACTER_BITS = 9.0, 6.0, 6.0, 3.0, 3.5
WORDS = frozenset(
    """
    password passwort passw0rd letmein welcome admin administrator root master login monkey dragon football baseball
    iloveyou princess sunshine shadow superman batman trustno1 access hello freedom whatever qazwsx starwars
    computer internet server secret change changeme default desktop remote winter summer spring autumn monday
    tuesday wednesday thursday friday saturday sunday january february march april june july august september
    october november december michael jordan jennifer thomas charlie andrew daniel joshua hunter killer pepper
    ginger cookie cheese banana orange flower lovely loveme mustang ferrari mercedes corvette harley soccer hockey
    liverpool chelsea arsenal barcelona london berlin paris america germany england system oracle cisco linux ubuntu
    windows google facebook apple samsung test guest user demo temp company office house family friend money black
    white purple green yellow silver golden diamond crystal angel devil jesus heaven blessed
    """.split()  # noqa: SIM905 (a list of one word a line says no more)
)
RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "azertyuiop")
LEET = str.maketrans("0134578@$!", "oleastbasi")


class WeakPassword(ValueError):
    """A password that would be guessed; the text says what to do."""


class Busy(Exception):
    """Too many passwords wait to be looked at."""


def normalised(password: str) -> str:
    """The same characters whatever keyboard they came from (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_strength(password: str, *about: str) -> None:
    """Raises WeakPassword. `about`: names of the person, which a guesser tries first."""
    text = normalised(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise WeakPassword(f"A password has {SHORTEST} to {LONGEST} characters; several words are easiest to keep.")
    if bits(text, *about) < FLOOR_BITS:
        raise WeakPassword("This password would be guessed: take four words that have nothing to do with each other.")


def bits(password: str, *about: str) -> float:
    """About how many guesses a password takes, as a power of two: its parts are priced one after the other, the
    longest known one first."""
    own = {part.lower() for name in about for part in (name, *re.split(r"\W+", name)) if len(part) >= 3}
    text, plain, at, total = password.lower(), password.lower().translate(LEET), 0, 0.0
    seen: dict[str, int] = {}
    while at < len(text):
        length, cost = _part(text, plain, at, own)
        part = plain[at : at + length]
        if length > 1:  # the same part again costs little more than saying how often
            cost = cost if part not in seen else math.log2(2 + seen[part])
            seen[part] = seen.get(part, 0) + 1
        elif at and text[at] == text[at - 1]:
            cost = 0.5
        elif seen.get(part, 0) >= 3:
            cost = 1.5
        else:
            seen[part] = seen.get(part, 0) + 1
        total += cost
        at += length
    return total


def _part(text: str, plain: str, at: int, own: set[str]) -> tuple[int, float]:
    """The length and the cost of what begins at `at`."""
    for length in range(min(24, len(text) - at), 2, -1):
        said, part = plain[at : at + length], text[at : at + length]
        if part in own or said in own:
            return length, OWN_BITS
        if said in WORDS or part in WORDS:
            return length, WORD_BITS
        if any(part in run or part[::-1] in run for run in RUNS):
            return length, RUN_BITS
        if length == 4 and re.fullmatch(r"(19|20)\d\d", part):
            return length, YEAR_BITS
    return 1, CHARACTER_BITS if text[at].isalnum() else CHARACTER_BITS + 1


class PasswordHashing(Protocol):
    """What hashes and compares passwords."""

    async def hash(self, password: str) -> str:
        """What the store keeps. Raises Busy."""

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is the one; without `kept` (nobody has that name) False, after as long. Raises Busy."""

    def outdated(self, kept: str) -> bool:
        """Whether it should be hashed anew, now that the password is at hand."""


class PlainHashing:
    """The double: fast and worthless."""

    async def hash(self, password: str) -> str:
        """See PasswordHashing."""
        return f"plain:{normalised(password)}"

    async def matches(self, kept: str | None, password: str) -> bool:
        """See PasswordHashing."""
        return kept == f"plain:{normalised(password)}"

    def outdated(self, kept: str) -> bool:
        """See PasswordHashing."""
        return False


class Argon2Hashing:
    """argon2id in threads of the lowest priority; so many may wait, the next is told Busy."""

    def __init__(self, entropy: Callable[[int], bytes], threads: int = THREADS, waiting: int = WAITING) -> None:
        self._entropy = entropy
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(threads, "passwords", initializer=_go_last)
        self._most = threads + waiting
        self._under_way = 0
        self._of_nobody: str | None = None

    @property
    def under_way(self) -> int:
        """Passwords being looked at or waiting for it."""
        return self._under_way

    async def hash(self, password: str) -> str:
        """See PasswordHashing."""
        salt = self._entropy(SALT_BYTES)
        return await self._do(lambda: self._hasher.hash(normalised(password), salt=salt))

    async def matches(self, kept: str | None, password: str) -> bool:
        """See PasswordHashing."""
        if kept is not None:
            return await self._do(lambda: self._compare(kept, password))
        if self._of_nobody is None:
            self._of_nobody = await self.hash("nobody has this password")
        of_nobody = self._of_nobody
        await self._do(lambda: self._compare(of_nobody, password))
        return False

    def outdated(self, kept: str) -> bool:
        """See PasswordHashing."""
        try:
            return self._hasher.check_needs_rehash(kept)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """End the threads; nobody waits any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _compare(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, normalised(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _do(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._most:
            raise Busy
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


def _go_last() -> None:
    """Let the loop's thread, and everybody else's, go before this one, where the system has priorities of threads."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)
