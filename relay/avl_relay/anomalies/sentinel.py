"""Sentinel: hears what a relay's audit log records, has it judged, and does what is to be done about alarms: they are
told in the log, to listeners of the API and to its operator, and kept; by setting the person has to sign in anew, and
their sessions end.

In the first process of a relay alone, where the events of all come together. What it has to write, or to think about
for longer, happens behind its back.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol

import structlog

from avl_protocol.audit.compare import Missing
from avl_protocol.endpoint.loop.world import World
from avl_protocol.session.snapshot import Snapshot
from avl_relay.anomalies.alarms import Alarm, Judge, missing_alarm
from avl_relay.anomalies.forest import LEAST, Forest, Lacking
from avl_relay.anomalies.settings import ASK, END, FOREST, NOTIFY, AnomalySettings
from avl_relay.anomalies.watch import LOOK
from avl_relay.store.errors import StoreError

#: Events that wait to be judged, at most.
WAITING = 10_000
#: Seconds for which events are gathered, between two times that habits are kept, and that the forest grows anew.
GATHERED, KEPT, GROWN = 0.5, 60.0, 3600.0

Event = tuple[str, Mapping[str, Any], float]


class Ledger(Protocol):
    """Where alarms and habits are kept, and what is done about alarms (keeping.py). Each raises StoreError."""

    async def habits(self) -> dict[str, dict[str, Any]]:
        """What was kept, by subject."""

    async def keep(self, changed: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep what has changed."""

    async def raised(self, alarm: Alarm, acted: str) -> str:
        """Keep an alarm; its id."""

    async def sign_out(self, person: str) -> None:
        """Whoever acts as this person has to sign in anew."""

    def end(self, session: str) -> None:
        """End a session, if it runs."""


class Auditor(Protocol):
    """See audit/auditor.py."""

    def record(self, kind: str, **said: object) -> None:
        """Something has happened."""


class Sentinel:
    """`ledger()` may take the store's opening; `announce(alarm, id)` tells listeners, `report` is told of errors of the
    store."""

    def __init__(
        self,
        world: World,
        settings: AnomalySettings,
        *,
        ledger: Callable[[], Awaitable[Ledger]],
        auditor: Auditor,
        announce: Callable[[Alarm, str], None],
        report: Callable[[BaseException], None],
    ) -> None:
        self._world, self._settings = world, settings
        self._ledger, self._auditor, self._announce, self._report = ledger, auditor, announce, report
        self._log = structlog.get_logger("relay")
        self._judge = Judge()
        self._events: deque[Event] = deque(maxlen=WAITING)
        self._missing: deque[Alarm] = deque(maxlen=WAITING)
        self._unkept: dict[str, dict[str, Any]] = {}
        self._known = self._working = self._closed = False
        self._looked = self._kept = self._grown = world.clock.wall()
        self._grown = 0.0
        self._next: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._lacking = ""
        #: Alarms so far, by kind.
        self.counts: Counter[str] = Counter()

    def snapshot(self) -> Snapshot:
        """What it holds, by number."""
        held = {"waiting": len(self._events), "subjects": len(self._judge.watch), "days": len(self._judge.days)}
        return Snapshot("anomalies", held, (Snapshot("alarms so far", dict(self.counts)),))

    def change(self, settings: AnomalySettings) -> None:
        """What is looked at, and what is done about it, from now on."""
        self._settings = settings

    def heard(self, kind: str, said: Mapping[str, Any], time_ms: int) -> None:
        """An event has been recorded (Unix milliseconds)."""
        if self._settings.on and kind != "alarm":
            self._events.append((kind, said, time_ms / 1000))

    def missing(self, device: str, missing: Missing) -> None:
        """A session is missing in a host's log, or in the relay's (audit/book.py): told whatever is looked at."""
        self._missing.append(missing_alarm(device, missing, self._world.clock.wall()))

    def begin(self) -> None:
        """The relay runs, and the store is open."""
        self._wait()

    async def close(self) -> None:
        """Judge and keep what is left."""
        self._closed = True
        if self._next is None:  # the store was never there
            return
        self._next.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._turn(last=True)

    # within

    def _wait(self) -> None:
        if not self._closed:
            self._next = asyncio.get_running_loop().call_later(GATHERED, lambda: self._start(self._turn()))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._world.faults.task_done)

    async def _turn(self, *, last: bool = False) -> None:
        """Judge what was heard, and do what is due."""
        try:
            ledger = await self._ledger()
            if not self._known:
                await self._remember(ledger)
            now = self._world.clock.wall()
            while self._missing:
                await self._raise(self._missing.popleft(), ledger, NOTIFY)
            events = list(self._events)
            self._events.clear()
            if self._settings.on and (events or now - self._looked >= LOOK / 2):
                self._looked = now
                for alarm in await self._judged(events, now):
                    await self._raise(alarm, ledger, self._settings.action)
            if last or now - self._kept >= KEPT:
                self._kept = now
                self._unkept |= self._judge.watch.changed()
                changed, self._unkept = self._unkept, {}
                try:
                    await ledger.keep(changed)
                except StoreError:
                    self._unkept = {**changed, **self._unkept}
                    raise
            if not last and self._settings.detector == FOREST and now - self._grown >= GROWN:
                await self._grow(now)
        except StoreError as error:
            self._report(error)
        finally:
            if not last:
                self._wait()

    async def _remember(self, ledger: Ledger) -> None:
        """What was known before this start."""
        for subject, kept in (await ledger.habits()).items():
            try:
                self._judge.put(subject, kept)
            except (KeyError, TypeError, ValueError):
                self._log.warning("habits can't be read, and begin anew", subject=subject)
        self._known = True

    async def _judged(self, events: list[Event], now: float) -> list[Alarm]:
        if self._judge.detector.name == FOREST:  # tens of milliseconds: not in the turn of who forwards
            return await asyncio.to_thread(self._hear, events, now)
        return self._hear(events, now)

    def _hear(self, events: list[Event], now: float) -> list[Alarm]:
        found = []
        for kind, said, at in events:
            found += self._judge.hear(kind, said, at)
            if kind == "person_changed" and said.get("what") == "deleted":
                self._judge.watch.forget(str(said.get("person")))
                self._unkept.pop(str(said.get("person")), None)
        return [*found, *self._judge.look(now)]

    async def _raise(self, alarm: Alarm, ledger: Ledger, action: str) -> None:
        if action in (ASK, END) and alarm.person:
            await ledger.sign_out(alarm.person)
        if action == END:
            for session in self._judge.watch.sessions_of(alarm.account):
                ledger.end(session)
        acted = action if action == END or alarm.person else NOTIFY
        self.counts[alarm.kind] += 1
        self._auditor.record(
            "alarm",
            alarm=alarm.kind,
            device=alarm.device,
            person=alarm.person,
            session=alarm.session,
            why=alarm.why,
            score=alarm.score,
        )
        why = "; ".join(map(str, alarm.reasons))
        self._log.warning("alarm", kind=alarm.kind, person=alarm.person, device=alarm.device, why=why, acted=acted)
        self._announce(alarm, await ledger.raised(alarm, acted))

    async def _grow(self, now: float) -> None:
        """Make the forest anew of what was seen; until there is enough, and without its library, sums judge."""
        self._grown = now
        rows = self._judge.days.rows()
        if len(rows) < LEAST or self._lacking:
            return
        try:
            self._judge.detector = await asyncio.to_thread(Forest, rows)
        except Lacking as error:
            self._lacking = str(error)
            self._log.warning("anomalies are judged by sums", why=self._lacking)
