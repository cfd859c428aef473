"""Journal: what a host records of sessions, grants and consent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from avl_host.presence.question import Decision, Question
from avl_host.services.files import Moved
from avl_protocol.audit.chain import Chain
from avl_protocol.audit.compare import DIRECT, session_name
from avl_protocol.audit.entry import Entry
from avl_protocol.audit.limits import Limits
from avl_protocol.audit.witness import Heard
from avl_protocol.crypto.identity import Identity, device_number
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.auditfiles import FOLDER
from avl_protocol.endpoint.program.auditlog import AuditLog
from avl_protocol.endpoint.program.auditwriter import Writer
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.jws import claimed_name, thumbprint
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire import device_id
from avl_protocol.wire.errors import GrantRefused, Refused

#: Seconds between two looks at which limits were hit.
LOOK_AT_LIMITS = 60.0


class Records(Protocol):
    """Takes events (avl_protocol/audit/events.py)."""

    def record(self, kind: str, **said: object) -> None:
        """Something has happened; fields that are None or "" are left out."""


class HostLog(Records, Protocol):
    """A host's own log."""

    def start(self, known: Callable[[Sequence[Entry], int], None] = lambda entries, since: None) -> None:
        """The host runs. `known(entries, since)` is told what the log has of sessions already, once it is read, and
        from when on it tells of all (Unix milliseconds); never where the log is false."""

    def watch_limits(
        self, limits: Callable[[], Mapping[str, int]], by_network: Callable[[], Mapping[str, int]]
    ) -> None:
        """Record which limits were hit, once a minute from now on; `limits()` is how often each was so far,
        `by_network()` the same of each network (avl_protocol/audit/limits.py)."""

    async def close(self) -> None:
        """Write what is left."""


class MemoryJournal:
    """The double of Journal: what was recorded, in memory; of a host's runs if it is given to each."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.chain, self.entries = Chain(), list[Entry]()

    def start(self, known: Callable[[Sequence[Entry], int], None] = lambda entries, since: None) -> None:
        """See HostLog."""
        now_ms = int(self._world.clock.wall() * 1000)
        known(self.entries, self.entries[0].time_ms if self.entries else now_ms)

    def record(self, kind: str, **said: object) -> None:
        """See Records."""
        now_ms = int(self._world.clock.wall() * 1000)
        self.entries.append(self.chain.append(kind, said, now_ms=now_ms, entropy=self._world.entropy))

    def watch_limits(
        self, limits: Callable[[], Mapping[str, int]], by_network: Callable[[], Mapping[str, int]]
    ) -> None:
        """See HostLog: nobody looks."""

    async def close(self) -> None:
        """See HostLog."""


class Journal:
    """The host's own log, in its state folder."""

    def __init__(
        self, world: World, state: StateFolder, identity: Identity, *, software: str, tell: Callable[[str], None]
    ) -> None:
        self._world = world
        log = AuditLog(state.path / FOLDER, identity, entropy=world.entropy, program="host", software=software)

        def report(trouble: str) -> None:
            tell(trouble or "the audit log can be written again")

        self._hit = Limits(self)
        self._limits: Callable[[], Mapping[str, int]] = dict
        self._by_network: Callable[[], Mapping[str, int]] = dict
        self._next_look: asyncio.TimerHandle | None = None
        self._known: Callable[[Sequence[Entry], int], None] = lambda entries, since: None
        self._writer = Writer(
            log,
            clock=world.clock,
            faults=world.faults,
            report=report,
            remember=lambda entries, since: self._known(entries, since),
        )

    def start(self, known: Callable[[Sequence[Entry], int], None] = lambda entries, since: None) -> None:
        """See HostLog."""
        self._known = known
        self._writer.start()

    def record(self, kind: str, **said: object) -> None:
        """See Records."""
        given = {name: value for name, value in said.items() if value is not None and value != ""}
        self._writer.record(kind, given, int(self._world.clock.wall() * 1000))

    def watch_limits(
        self, limits: Callable[[], Mapping[str, int]], by_network: Callable[[], Mapping[str, int]]
    ) -> None:
        """See HostLog."""
        self._limits, self._by_network = limits, by_network
        self._look()

    def _look(self) -> None:
        self._hit.look(self._limits(), self._by_network())
        self._next_look = asyncio.get_running_loop().call_later(LOOK_AT_LIMITS, self._look)

    async def close(self) -> None:
        """Write what is left."""
        if self._next_look is not None:
            self._next_look.cancel()
            self._hit.look(self._limits(), self._by_network())
        await self._writer.close()


class JournalService(Service[HostSession]):
    """Records sessions as they begin, change and end, the grants that they came by, and what a person has said."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._begun: dict[HostSession, float] = {}

    def admitted(self, session: HostSession, now: float) -> None:
        """See Service."""
        self._begun[session] = now
        name = session_name(session.session_id)
        presented = session.presented
        self._records.record(
            "session_began",
            session=name,
            way=DIRECT if session.attachment.direct else "relay",
            viewer=_viewer(session),
            name=session.name,
            permissions=int(session.permissions),
            verified=presented is not None,
        )
        if presented is not None:
            grants = presented.rights.grants
            self._records.record(
                "grant_used",
                session=name,
                grant=grants[-1] if grants else "owner",
                holder=thumbprint(session.viewer),
                depth=len(grants),
            )

    def allowed(self, session: HostSession, now: float) -> None:
        """See Service."""
        if session in self._begun:
            name, permissions = session_name(session.session_id), int(session.permissions)
            self._records.record("rights_changed", session=name, permissions=permissions, why="decided")

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """See Service."""
        lasted = max(0, round(now - self._begun.pop(session, now)))
        name = session_name(session.session_id)
        self._records.record("session_ended", session=name, why=reason.code.name.lower(), seconds=lasted)

    def decided(self, session: HostSession, question: Question, decision: Decision | None) -> None:
        """A person was asked about a session; None: they could not be."""
        allowed = None if decision is None else decision.allowed
        self._records.record(
            "consent_answered",
            session=session_name(session.session_id),
            viewer=_viewer(session),
            name=session.name,
            answer="none" if allowed is None else "allowed" if allowed else "denied",
            permissions=int(allowed or question.wish),
            seconds=None if decision is None or decision.seconds is None else round(decision.seconds),
        )

    def grant_refused(self, chain: tuple[str, ...], viewer: bytes, error: GrantRefused) -> None:
        """A chain was no good; what it calls itself is unproved, and who has shown it is not."""
        self._records.record(
            "grant_refused",
            grant=claimed_name(chain[-1]) if chain else "",
            holder=thumbprint(viewer),
            why="unknown" if error.why is None else error.why.name.lower(),
        )

    def files_moved(self, moved: Moved) -> None:
        """A transfer is over: how many files and bytes, never which (R-SESS-273)."""
        tally = moved.tally
        self._records.record(
            "file_moved",
            session=session_name(moved.session.session_id),
            direction="in" if moved.inward else "out",
            why=moved.reason.name.lower(),
            files=tally.done,
            left=tally.left,
            size=tally.moved,
            seconds=max(0, round(moved.seconds)),
        )

    def head_refused(self, heard: Heard) -> None:
        """A relay's audit log is not what it was."""
        self._records.record(
            "head_refused",
            log=thumbprint(heard.head.key) if len(heard.head.key) == 32 else "",
            size=heard.head.size if 0 <= heard.head.size < 1 << 53 else None,
            kept=None if heard.kept is None else heard.kept.size,
            why=heard.verdict.value,
        )


def _viewer(session: HostSession) -> str:
    return device_id.to_text(device_number(session.viewer)).replace("-", "")
