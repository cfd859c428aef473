"""Writer: writes a program's audit log while the program runs: what is recorded, in the order in which it comes.

What happens before the log has been verified waits. The disk is waited for in a thread, never by who forwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from avl_protocol.audit.entry import Entry
from avl_protocol.audit.exchange import KINDS, WINDOW
from avl_protocol.audit.head import TreeHead
from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.program.auditfiles import droppable, recent
from avl_protocol.endpoint.program.auditlog import AuditLog, shorten, without_person
from avl_protocol.endpoint.program.state import StateError
from avl_protocol.wire.registry import T_HEAD

#: Seconds until what was recorded is on the disk, at most, and entries after which there is a new head.
KEPT, GROWN = 1.0, 1000
#: Seconds between two looks at what is old.
TIDIED = 3600.0
#: Events that wait for the log to be opened, at most.
MOST_WAITING = 10_000
_DAY_MS = 24 * 3_600_000
#: What is on the disk before anything else happens.
AT_ONCE = frozenset({"device_changed", "grant_changed", "person_changed", "factor_changed", "setting_changed", "alarm"})


class Writer:
    """`days`: how long entries are kept, and `address_days` addresses in full; 0: for ever. `report(text)` tells an
    operator what is wrong with it, and with "" that it is right again; `grown(head)` that there is a new head,
    `kept(size)` that the disk holds so many entries. `remember(entries, since)` is told, once the log is open, what it
    has of sessions that are compared (audit/exchange.py), and from when on it tells of any (Unix milliseconds)."""

    def __init__(
        self,
        log: AuditLog,
        *,
        clock: Clock,
        faults: Faults,
        report: Callable[[str], None],
        grown: Callable[[TreeHead], None] = lambda head: None,
        kept: Callable[[int], None] = lambda size: None,
        remember: Callable[[Sequence[Entry], int], None] = lambda entries, since: None,
        days: int = 0,
        address_days: int = 30,
    ) -> None:
        self._log, self._clock, self._faults = log, clock, faults
        self._days, self._address_days = days, address_days
        self._report, self._grown, self._kept, self._remember = report, grown, kept, remember
        self._opened = False
        self._before: list[tuple[str, dict[str, object], int]] = []
        self._lost = 0
        self._timers: set[asyncio.TimerHandle] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping = False
        #: Files of the log are written anew by one at a time.
        self._rewriting = asyncio.Lock()
        self._next: tuple[float, asyncio.TimerHandle] | None = None
        self._signed_at, self._told = 0.0, ""

    @property
    def trouble(self) -> str:
        """Why nothing can be written now; "": it can."""
        return self._log.trouble

    @property
    def size(self) -> int:
        """Entries."""
        return self._log.size

    @property
    def head(self) -> TreeHead | None:
        """The newest that was signed; None: there is none, or the log is false."""
        return self._log.head if self._opened and self._log.fault is None else None

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """See AuditLog. Raises ValueError."""
        return self._log.consistency(old, new)

    def start(self) -> None:
        """Open the log; this process runs."""
        self._start(self._open())

    def record(self, kind: str, said: dict[str, object], time_ms: int) -> None:
        """Add an event; one that no log takes is an error in this program, and ends where those end."""
        if not self._opened:
            if len(self._before) < MOST_WAITING:
                self._before.append((kind, said, time_ms))
            else:
                self._lost += 1
            return
        self._faults.run(self._log.append, kind, said, time_ms)
        self._keep_soon(0.0 if kind in AT_ONCE else KEPT)

    def forget(self, person: str) -> None:
        """Remove what could name a person from all entries about her; soon, and the log says so."""
        self._start(self._forget(person))

    async def close(self) -> None:
        """Write what is left, sign it, and let go."""
        for timer in [*self._timers, *(() if self._next is None else (self._next[1],))]:
            timer.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._opened:
            self._log.close(self._now_ms())

    # within

    async def _open(self) -> None:
        try:
            known = await asyncio.to_thread(self._read)
        except StateError as error:
            self._log.trouble, known = str(error), None
        self._opened = True
        before, self._before = self._before, []
        for kind, said, time_ms in before:
            self._faults.run(self._log.append, kind, said, time_ms)
        if self._lost:
            self._log.append("events_lost", {"count": self._lost, "why": "start"}, self._now_ms())
        if known is not None:
            self._remember(*known)
        self._look()
        self._signed_at = self._clock.monotonic()
        self._keep_soon(0.0)
        self._start(self._tidy())

    def _read(self) -> tuple[list[Entry], int] | None:
        now_ms = self._now_ms()
        self._log.open(now_ms)
        return recent(self._log.folder, now_ms - WINDOW, KINDS) if self._log.fault is None else None

    def _keep_soon(self, seconds: float) -> None:
        """Have the disk keep what was recorded, in so many seconds at most."""
        at = self._clock.monotonic() + seconds
        if self._next is not None:
            if self._next[0] <= at:
                return
            self._next[1].cancel()
        self._next = at, asyncio.get_running_loop().call_later(seconds, self._keep_due)

    def _keep_due(self) -> None:
        self._next = None
        if self._keeping:
            self._keep_soon(KEPT)
        else:
            self._start(self._keep())

    async def _keep(self) -> None:
        """Have the disk keep all, and sign it when it is time."""
        if self._keeping:
            return
        now = self._clock.monotonic()
        signed = 0 if self._log.head is None else self._log.head.size
        sign = self._log.size - signed >= GROWN or now - self._signed_at >= T_HEAD or not signed
        before = self._log.head
        self._keeping = True
        try:
            keeping = self._log.begin_keeping(self._now_ms(), sign=sign)
            if keeping is not None:
                await asyncio.to_thread(keeping.run)
                self._log.end_keeping(keeping)
                if not keeping.why:
                    self._kept(keeping.size)
        finally:
            self._keeping = False
        self._look()
        if self._log.head is not None and self._log.head is not before:
            self._signed_at = now
            self._grown(self._log.head)
        if self._log.fault is None and (self._log.trouble or self._log.size > (0 if before is None else before.size)):
            self._keep_soon(KEPT if self._log.trouble else T_HEAD)

    def _look(self) -> None:
        """Tell an operator once what is wrong, and once that it is right again."""
        if self._log.trouble != self._told:
            self._told = self._log.trouble
            self._report(self._told)

    async def _forget(self, person: str) -> None:
        async with self._rewriting:
            while self._keeping or not self._opened:
                await asyncio.sleep(0)
            files = self._log.begin_forgetting(self._now_ms())
            try:
                changed = await asyncio.to_thread(without_person, files, person)
            except (OSError, StateError, ValueError) as error:
                self._report(f"the audit log still names somebody who is deleted: {error}")
                return
            self.record("personal_removed", {"person": person, "entries": changed}, self._now_ms())

    async def _tidy(self) -> None:
        """Shorten and drop what is old, now and every hour."""
        async with self._rewriting:
            await self._tidied()
        self._later(TIDIED, lambda: self._start(self._tidy()))

    async def _tidied(self) -> None:
        now_ms = self._now_ms()
        folder = self._log.folder
        try:
            if self._address_days and self._log.fault is None:
                await asyncio.to_thread(shorten, folder, now_ms - self._address_days * _DAY_MS)
            if self._days and self._log.fault is None:
                cut = await asyncio.to_thread(droppable, folder, now_ms - self._days * _DAY_MS)
                if cut and not self._keeping:
                    self._log.drop(cut, now_ms)
        except (OSError, StateError, ValueError) as error:
            self._report(f"old entries of the audit log stay: {error}")

    def _now_ms(self) -> int:
        return int(self._clock.wall() * 1000)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._faults.task_done)

    def _later(self, seconds: float, work: Callable[[], object]) -> None:
        def due() -> None:
            self._timers.discard(handle)
            work()

        handle = asyncio.get_running_loop().call_later(seconds, due)
        self._timers.add(handle)
