"""Ledger: every media datagram a hop sent, until it is known what became of it.

Two witnesses speak of the same datagram, the transport's acknowledgements and the peer's feedback; whichever comes
first decides. Reports name datagrams by what stands in their header, so the ledger finds them by that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from avl_protocol.rate.control import Arrival
from avl_protocol.wire.feedback import UNIT, ArrivalReport, name_of
from avl_protocol.wire.registry import DatagramType

PENDING, ARRIVED, LOST = range(3)
#: A datagram is lost when so many sent after it have arrived (RFC 9002, section 6.1.1).
REORDERING = 3
#: Seconds, beyond two round trips, after which a datagram is forgotten, the longest that it is remembered for, and the
#: longest lateness that is learned as reordering.
MEMORY, LONGEST_MEMORY = 2.0, 10.0
LONGEST_REORDERING = 0.1
#: Losses that are remembered until the next report tells the controller of them.
MOST_LOST = 1024
#: Share of the learned reordering that each report forgets.
FORGET = 0.002


class Sent:
    """One datagram on its way: a plain object because there is one a packet."""

    __slots__ = ("again", "cookie", "index", "name", "sent", "size", "state")

    def __init__(self, index: int, sent: float, size: int, cookie: object | None, name: bytes, again: bool) -> None:
        self.index = index
        self.sent = sent
        self.size = size
        self.cookie = cookie
        self.name = name
        self.again = again
        self.state = PENDING


class Record(Protocol):
    """What the ledger knows of a datagram: a Sent, or what a transport keeps of its packet anyway.

    `index` counts datagrams, -1 where no feedback names it; `sent` in seconds, `size` with all headers; `again`: it is
    a repair; `state`: PENDING, ARRIVED or LOST.
    """

    index: int
    sent: float
    size: int
    cookie: object | None
    again: bool
    state: int


class Ledger:
    """What one hop has in flight. `fates` collects (cookie, arrived) as they become known."""

    def __init__(self) -> None:
        self._named: dict[bytes, dict[int, Record]] = {}
        #: When the first datagram of each name left.
        self._kept: deque[tuple[float, bytes, dict[int, Record]]] = deque()
        self._pending: deque[Record] = deque()
        self._count = 0
        self._highest = -1
        self._highest_sent = 0.0
        self._lateness = 0.0
        #: The newest and the least round trip, feedback's waiting included; seconds.
        self.rtt = self.least_rtt = 0.2
        self._memory = MEMORY
        self._lost: deque[tuple[float, int]] = deque(maxlen=MOST_LOST)
        self.fates: list[tuple[object, bool]] = []
        self.spurious = 0
        #: Bytes sent of which nothing is known.
        self.unanswered = 0
        #: When the oldest of these left, None when there is none.
        self.oldest: float | None = None

    def _settle(self) -> None:
        pending = self._pending
        while pending and pending[0].state != PENDING:
            pending.popleft()
        self.oldest = pending[0].sent if pending else None

    def sent(self, payload: bytes, size: int, cookie: object | None, now: float) -> Sent:
        """A datagram leaves; `size` counts all headers. The transport hands the result back to `resolved`."""
        if self._kept and self._kept[0][0] < now - self._memory:
            self._forget(now)
        name, fragment = name_of(payload)
        record = Sent(self._count, now, size, cookie, name, name[0] == DatagramType.REPAIR)
        self._count += 1
        self.unanswered += size
        named = self._named.get(name)
        if named is None:
            named = self._named[name] = {}
            self._kept.append((now, name, named))
        named[fragment] = record
        self._pending.append(record)
        if self.oldest is None:
            self.oldest = now
        return record

    def sent_together(self, names: Iterable[tuple[bytes, int]], records: Sequence[Record], now: float) -> None:
        """Datagrams leave, with these names and fragments; a record of each, whose index is given here, is what the
        transport hands back to `arrived` or `resolved`."""
        if self._kept and self._kept[0][0] < now - self._memory:
            self._forget(now)
        index, size, last, named = self._count, 0, None, {}
        for (name, fragment), record in zip(names, records, strict=True):
            record.index = index
            index += 1
            size += record.size
            if name != last:
                last = name
                if (known := self._named.get(name)) is None:
                    known = self._named[name] = {}
                    self._kept.append((now, name, known))
                named = known
            named[fragment] = record
        self._count = index
        self.unanswered += size
        self._pending.extend(records)
        if self.oldest is None:
            self.oldest = now

    def unnamed(self, size: int, cookie: object | None, now: float) -> Sent:
        """A datagram leaves that no feedback names: only the transport knows what becomes of it."""
        record = Sent(-1, now, size, cookie, b"", True)
        self.unanswered += size
        return record

    def resolved(self, record: Record, arrived: bool) -> None:
        """The transport's verdict."""
        if record.state == PENDING:
            if arrived:
                record.state = ARRIVED
                self.unanswered -= record.size
                self.fates.append((record.cookie, True))
            else:
                self._lose(record)
            self._settle()

    def arrived(self, records: Sequence[Record]) -> None:
        """The transport's verdict on several datagrams."""
        for record in records:
            if record.state == PENDING:
                record.state = ARRIVED
                self.unanswered -= record.size
                self.fates.append((record.cookie, True))
        self._settle()

    def reported(self, report: ArrivalReport, now: float) -> tuple[list[Arrival], list[tuple[float, int]]]:
        """The peer's feedback: arrivals of datagrams sent once, in order of arrival, and what is lost by now.

        Names that were never sent, or are answered a second time, count for nothing.
        """
        arrivals: list[Arrival] = []
        fates = self.fates
        at = report.base
        for run in report.runs:
            named = self._named.get(run.name)
            fragment = run.fragment
            if named is None:
                at += sum(run.times)
                continue
            for delta in run.times:
                at += delta
                record = named.pop(fragment, None)
                fragment += 1
                if record is None:
                    continue
                if record.state == LOST:
                    self._late(record)
                elif record.state == PENDING:
                    record.state = ARRIVED
                    self.unanswered -= record.size
                    fates.append((record.cookie, True))
                if not record.again:
                    arrivals.append((record.sent, at * UNIT, record.size))
                    if record.index > self._highest:
                        self._highest, self._highest_sent = record.index, record.sent
            if not named:
                self._named.pop(run.name, None)
        self._lateness *= 1 - FORGET
        if arrivals:
            self.rtt = now - arrivals[-1][0]
            self.least_rtt = min(self.least_rtt, self.rtt)
        self._detect(now)
        self._forget(now)
        lost = list(self._lost)
        self._lost.clear()
        return arrivals, lost

    def _detect(self, now: float) -> None:
        edge, before = self._highest - REORDERING, self._highest_sent - self._lateness
        overdue = now - 1.25 * self.rtt - 0.01 - self._lateness
        pending = self._pending
        while pending:
            record = pending[0]
            if record.state == PENDING:
                overtaken = record.index <= edge and record.sent <= before
                if not overtaken and (record.index > self._highest or record.sent > overdue):
                    break
                self._lose(record)
            pending.popleft()
        self._settle()

    def _lose(self, record: Record) -> None:
        record.state = LOST
        self.unanswered -= record.size
        self._lost.append((record.sent, record.size))
        self.fates.append((record.cookie, False))

    def _late(self, record: Record) -> None:
        """It was given up too early: wait longer from now on."""
        self.spurious += 1
        record.state = ARRIVED
        late = min(LONGEST_REORDERING, 1.25 * max(0.0, self._highest_sent - record.sent))
        self._lateness = max(self._lateness, late)

    def _forget(self, now: float) -> None:
        kept = self._kept
        self._memory = min(LONGEST_MEMORY, MEMORY + 2 * self.rtt)
        since = now - self._memory
        while kept and kept[0][0] < since:
            _, name, named = kept.popleft()
            if self._named.get(name) is named:
                del self._named[name]

    def unresolved(self) -> Sequence[Record]:
        """Datagrams of which nothing is known, oldest first; for tests and logs."""
        return [record for record in self._pending if record.state == PENDING]
