"""Book: a relay's audit log as each of its processes has it: the first writes, the others tell it what they record, and
have it prove what they show.

What another process records is kept there until the first has it on its disk, so that a crash of either loses nothing
that a crash of a single one would keep.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from avl_protocol.audit.compare import Missing
from avl_protocol.audit.entry import Entry
from avl_protocol.audit.events import checked
from avl_protocol.audit.exchange import ALARM, name_bytes, rows
from avl_protocol.audit.head import TreeHead, head_of
from avl_protocol.audit.limits import Limits
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.auditfiles import FOLDER
from avl_protocol.endpoint.program.auditlog import AuditLog
from avl_protocol.endpoint.program.auditwriter import Writer
from avl_protocol.session.hop.server import HopServer, HopServerState
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.messages import Logged
from avl_relay.audit.comparing import Comparing
from avl_relay.audit.heads import Heads, Shown
from avl_relay.audit.reading import MARK
from avl_relay.audit.settings import AuditSettings

#: Events that a process keeps while the first does not take them.
MOST_UNTOLD = 10_000
#: Questions to the first process that wait for their answers.
MOST_ASKED = 4096
#: Seconds between two looks at which limits were hit.
LOOK_AT_LIMITS = 60.0


class Book:
    """One of each process. It is an Auditor, and a reader of siblings' news (workers/siblings.py)."""

    def __init__(self, world: World, settings: AuditSettings, identity: Identity, *, software: str) -> None:
        self._world, self.settings = world, settings
        self.folder = settings.state / FOLDER
        self._log = structlog.get_logger("relay")
        self._tell: Callable[[bytes], object] = lambda news: None
        self.heads = Heads(self.ask)
        self._trouble = ""
        self._writer: Writer | None = None
        self._comparing = Comparing(say=self._say_logged, found=self._missing, beyond=self._beyond)
        if settings.number == 0:
            log = AuditLog(self.folder, identity, entropy=world.entropy, program="relay", software=software)
            self._writer = Writer(
                log,
                clock=world.clock,
                faults=world.faults,
                report=self._report,
                grown=lambda head: self._grown(),
                kept=self._kept,
                remember=self._remember,
                days=settings.days,
                address_days=settings.address_days,
            )
        #: What the first process has not on its disk yet, of ours: its number, and the news.
        self._untold: deque[tuple[int, bytes]] = deque()
        self._run, self._number, self._lost = world.entropy(8).hex(), 0, 0
        #: What others have recorded here: the newest number of each, and what waits for the disk.
        self._heard: dict[int, tuple[str, int]] = {}
        self._unkept: deque[tuple[int, int, str, int]] = deque()
        self._asked: dict[int, Shown] = {}
        self._question = 0
        self._hit = Limits(self)
        self._limits: Callable[[], Mapping[str, int]] = dict
        self._by_network: Callable[[], Mapping[str, int]] = dict
        self._listener: Callable[[str, Mapping[str, Any], int], None] = lambda kind, said, time_ms: None
        self._next_look: asyncio.TimerHandle | None = None
        #: Hosts of this process that compare their logs with ours.
        self._compared: dict[str, HopServer] = {}
        self._next_due: asyncio.TimerHandle | None = None
        #: Is told which session is missing in which log, by the device of the host; without one it is logged here.
        self.alarmed: Callable[[str, Missing], None] = self.raise_missing

    # running

    def start(
        self,
        tell: Callable[[bytes], object],
        limits: Callable[[], Mapping[str, int]],
        by_network: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """See RelayLog."""
        self._tell, self._limits, self._by_network = tell, limits, by_network
        self._look_at_limits()
        if self._writer is not None:
            self._writer.start()

    def _look_at_limits(self) -> None:
        self._hit.look(self._limits(), self._by_network())
        self._next_look = asyncio.get_running_loop().call_later(LOOK_AT_LIMITS, self._look_at_limits)

    async def close(self) -> None:
        """Write what is left."""
        if self._next_due is not None:
            self._next_due.cancel()
        if self._next_look is not None:
            self._next_look.cancel()
            self._hit.look(self._limits(), self._by_network())
        if self._writer is not None:
            await self._writer.close()

    def forget(self, person: str) -> None:
        """Remove what could name a person, who is deleted, from what is written of them; soon."""
        if self._writer is not None:
            self._writer.forget(person)
        else:
            self._say({"forget": person})

    def listen(self, listener: Callable[[str, Mapping[str, Any], int], None]) -> None:
        """Tell somebody what is recorded: the kind, the fields, and when (Unix milliseconds); in the first process, of
        all processes."""
        self._listener = listener

    # Auditor

    def record(self, kind: str, **said: object) -> None:
        """See Auditor."""
        given = {name: value for name, value in said.items() if value is not None and value != ""}
        time_ms = self._now_ms()
        if kind == "host_left":
            self._compared.pop(str(given.get("device")), None)
        if self._writer is not None:
            self._writer.record(kind, given, time_ms)
            self._hear(kind, given, time_ms)
        elif self._world.faults.run(checked, kind, given, bytes):
            self._hand_over(kind, given, time_ms)

    @property
    def trouble(self) -> str:
        """Why nothing can be written now; "": it can."""
        return self._trouble if self._writer is None else self._writer.trouble

    @property
    def refuses(self) -> bool:
        """Whether new sessions are refused, since they could not be logged."""
        return self.settings.refuses and bool(self.trouble)

    @property
    def heads_signed(self) -> int:
        """How many entries the newest head is of; 0: none has been signed, or another process signs."""
        head = None if self._writer is None else self._writer.head
        return 0 if head is None else head.size

    def snapshot(self) -> Snapshot:
        """What it holds, by number."""
        size = 0 if self._writer is None else self._writer.size
        counts = {"entries": size, "in trouble": int(bool(self.trouble)), "shown heads": len(self.heads)}
        return Snapshot("audit", {**counts, "waiting for the writer": len(self._untold)})

    # heads

    def known(self, peer: HopServer, size: int) -> None:
        """A neighbour has said what it keeps."""
        self.heads.known(peer, size)

    def ask(self, known: int, shown: Shown, to: int | None = None) -> bool:
        """Have the newest head shown, with the proof from a size to another, by default its own; at once, or once the
        first process has answered. False: there is none."""
        if self._writer is not None:
            answer = self._answer(known, to)
            if answer is not None:
                shown(*answer)
            return answer is not None
        self._question += 1
        self._asked[self._question] = shown
        while len(self._asked) > MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        self._say({"ask": self._question, "known": known, "to": to, "by": self.settings.number})
        return True

    def _answer(self, known: int, to: int | None) -> tuple[TreeHead, Sequence[bytes]] | None:
        assert self._writer is not None
        head = self._writer.head
        if head is None:
            return None
        to = head.size if to is None else to
        return head, self._writer.consistency(known, to) if known <= to <= head.size else ()

    # what hosts have logged

    def logged(self, peer: HopServer, device: str, message: Logged) -> None:
        """A host of this process says what its own log has."""
        begins = self._compared.get(device) is not peer
        self._compared[device] = peer
        if self._writer is not None:
            self._heard_logged(device, message, begins)
        else:
            self._say({"logged": device, "begins": begins, **_written(message)})

    def _heard_logged(self, device: str, message: Logged, begins: bool) -> None:
        now = self._world.clock.monotonic()
        self._comparing.hear(device, message, begins=begins, now=now, now_ms=self._now_ms())
        self._look_at_due()

    def _say_logged(self, device: str, message: Logged) -> None:
        """Name sessions to a host, if it is here; another process that has it, or thinks so, does the same."""
        peer = self._compared.get(device)
        if peer is not None and peer.state is not HopServerState.GONE:
            peer.send(message)
        if self._writer is not None:
            self._say({"named": device, **_written(message)})

    def _remember(self, entries: Sequence[Entry], since: int) -> None:
        self._comparing.know(entries, since, self._world.clock.monotonic(), self._now_ms())
        self._look_at_due()

    def _look_at_due(self) -> None:
        """Be called when something may be missing."""
        if self._next_due is not None:
            self._next_due.cancel()
            self._next_due = None
        due = self._comparing.next_timeout()
        if due is not None:
            seconds = max(0.0, due - self._world.clock.monotonic())
            self._next_due = asyncio.get_running_loop().call_later(seconds, self._due)

    def _due(self) -> None:
        self._next_due = None
        self._comparing.handle_timer(self._world.clock.monotonic())
        self._look_at_due()

    def _missing(self, device: str, missing: Missing) -> None:
        self._log.warning("session missing", session=missing.session, device=device, lacks=missing.lacks)
        self.alarmed(device, missing)

    def raise_missing(self, device: str, missing: Missing) -> None:
        """Log that a session is missing in a host's log, or in this one."""
        self.record("alarm", alarm=ALARM, device=device, session=missing.session, why=str(missing))

    def _beyond(self, device: str) -> None:
        self.record("limit_hit", limit="missing sessions of a host", count=1, device=device)

    def _hear(self, kind: str, said: Mapping[str, Any], time_ms: int) -> None:
        """The log has one more event, of whichever process."""
        self._comparing.recorded(kind, said, time_ms, self._world.clock.monotonic())
        if kind in ("session_began", "host_left"):
            self._look_at_due()
        self._listener(kind, said, time_ms)

    def _now_ms(self) -> int:
        return int(self._world.clock.wall() * 1000)

    # Readers (workers/siblings.py)

    def told(self, worker: int, news: bytes) -> None:
        """What another process says."""
        said = json.loads(news[len(MARK) :])
        if "record" in said:
            self._take(worker, said)
        elif "ask" in said:
            if self._writer is not None and (answer := self._answer(said["known"], said["to"])) is not None:
                head, proof = answer
                told = {"answer": said["ask"], "for": said["by"], "head": head.to_dict()}
                self._say({**told, "proof": [one.hex() for one in proof]})
        elif "answer" in said:
            if said["for"] == self.settings.number and (shown := self._asked.pop(said["answer"], None)) is not None:
                shown(head_of(said["head"]), tuple(bytes.fromhex(one) for one in said["proof"]))
        elif "logged" in said:
            if self._writer is not None:
                self._heard_logged(said["logged"], _read(said), said["begins"])
        elif "named" in said:
            self._say_logged(said["named"], _read(said))
        elif "kept" in said:
            self._drop_told(said)
        elif "forget" in said:
            if self._writer is not None:
                self._writer.forget(said["forget"])
        elif "grown" in said:
            self.heads.grown()
        elif "trouble" in said:
            self._trouble = said["trouble"]

    def all_news(self) -> list[bytes]:
        """What another process that has just begun has to be told."""
        if self._writer is not None:
            return [_news({"trouble": self.trouble})]
        self._asked.clear()
        self.heads.lost()
        return [news for _, news in self._untold]

    def lost(self, worker: int) -> None:
        """A process is gone: what it has recorded stays."""

    # within

    def _say(self, said: Mapping[str, Any]) -> None:
        self._tell(_news(said))

    def _hand_over(self, kind: str, said: dict[str, object], time_ms: int) -> None:
        if len(self._untold) >= MOST_UNTOLD:
            self._lost += 1
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self._hand_over("events_lost", {"count": lost, "why": "process"}, time_ms)
        self._number += 1
        news = _news({"record": self._number, "run": self._run, "kind": kind, "said": said, "at": time_ms})
        self._untold.append((self._number, news))
        self._tell(news)

    def _take(self, worker: int, said: Mapping[str, Any]) -> None:
        if self._writer is None:
            return
        run, number = said["run"], said["record"]
        known = self._heard.get(worker)
        if known is not None and known[0] == run and number <= known[1]:
            return
        self._heard[worker] = run, number
        self._writer.record(said["kind"], said["said"], said["at"])
        self._hear(said["kind"], said["said"], said["at"])
        self._unkept.append((self._writer.size, worker, run, number))

    def _kept(self, size: int) -> None:
        """The disk holds so many entries: others need not keep theirs."""
        newest: dict[int, tuple[str, int]] = {}
        while self._unkept and self._unkept[0][0] <= size:
            _, worker, run, number = self._unkept.popleft()
            newest[worker] = run, number
        for worker, (run, number) in newest.items():
            self._say({"kept": number, "run": run, "for": worker})

    def _drop_told(self, said: Mapping[str, Any]) -> None:
        if said["for"] == self.settings.number and said["run"] == self._run:
            while self._untold and self._untold[0][0] <= said["kept"]:
                self._untold.popleft()

    def _grown(self) -> None:
        self.heads.grown()
        self._say({"grown": True})

    def _report(self, trouble: str) -> None:
        if trouble:
            self._log.error("audit log", why=trouble, sessions="refused" if self.settings.refuses else "go on")
        else:
            self._log.info("audit log can be written again")
        self._say({"trouble": trouble})


def _written(message: Logged) -> dict[str, Any]:
    return {"covers": message.covers, "sessions": list(rows(message))}


def _read(said: Mapping[str, Any]) -> Logged:
    return Logged(said["covers"], tuple((name_bytes(name), age) for name, age in said["sessions"]))


def _news(said: Mapping[str, Any]) -> bytes:
    return MARK + json.dumps(said).encode()
