"""Notices: who came and went, told to whoever is not looking at the screen: the desktop's notifications, a webhook, a
mail server.

Each teller has a queue of its own, short, and a time for each notice: one that hangs or fails costs its own notices
and nothing else. No session waits for any.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Protocol

from avl_host.presence.spoken import say

#: Notices that wait for a teller; the oldest is dropped for a new one.
WAITING = 32
#: Seconds that a teller may take for one.
LIMIT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A session has "begun" or "ended". `device`: the viewer's ID; `name`: as the indicator shows it, `verified`: it is
    the owner's word; `acts`: it may type or click; `asked`: somebody at the host let it in; `why`: it ended so."""

    what: str
    device: str
    name: str
    verified: bool
    acts: bool
    asked: bool
    why: str = ""

    @property
    def sentence(self) -> str:
        """For a person. The name is in quotes: it may be any text of one line."""
        quoted = f'"{self.name}"'
        who = quoted if self.verified else say("notice.unverified", who=quoted)
        key = "notice.left" if self.what == "ended" else "notice.acts" if self.acts else "notice.sees"
        return say(key, who=who)

    def to_json(self) -> bytes:
        """For a program."""
        return json.dumps({"event": f"session {self.what}", **asdict(self)}).encode()


class Teller(Protocol):
    """Takes one notice at a time."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    async def tell(self, notice: Notice) -> None:
        """Hand it over. Raises OSError with the reason where that is not possible."""


class RememberingTeller:
    """A double: what it was told; it may hang or fail."""

    name = "double"

    def __init__(self, *, hangs: bool = False, fails: bool = False) -> None:
        self.hangs, self.fails = hangs, fails
        self.told: list[Notice] = []

    async def tell(self, notice: Notice) -> None:
        """See Teller."""
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise OSError("it fails")
        self.told.append(notice)


class Notices:
    """Hands notices to all tellers. `tell`: for a person, when one begins to fail."""

    def __init__(self, tellers: Iterable[Teller], tell: Callable[[str], None], *, limit: float = LIMIT) -> None:
        self._lines = [_Line(teller, tell, limit) for teller in tellers]

    def put(self, notice: Notice) -> None:
        """Have it told; returns at once."""
        for line in self._lines:
            line.put(notice)

    @property
    def dropped(self) -> int:
        """Notices that were told to nobody, of all tellers."""
        return sum(line.dropped for line in self._lines)

    def close(self) -> None:
        """What waits is dropped."""
        for line in self._lines:
            line.close()


class _Line:
    def __init__(self, teller: Teller, tell: Callable[[str], None], limit: float) -> None:
        self._teller = teller
        self._tell = tell
        self._limit = limit
        self._waiting: deque[Notice] = deque()
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self.dropped = 0

    def put(self, notice: Notice) -> None:
        if len(self._waiting) >= WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(notice)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._waiting:
            notice = self._waiting.popleft()
            try:
                async with asyncio.timeout(self._limit):
                    await self._teller.tell(notice)
                self._failing = False
            except TimeoutError:
                self._failed(f"no answer within {self._limit:g} s")
            except OSError as error:
                self._failed(str(error))

    def _failed(self, why: str) -> None:
        self.dropped += 1
        if not self._failing:
            self._tell(f"{self._teller.name} can't be told who is here: {why}; sessions go on")
        self._failing = True

    def close(self) -> None:
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
