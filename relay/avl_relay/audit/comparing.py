"""Comparing: a relay's log and those of its hosts, told to each other as they grow (spec 14, 14.7).

In the first process of a relay alone, where the events of all come together.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from avl_protocol.audit.compare import Missing
from avl_protocol.audit.entry import Entry
from avl_protocol.audit.exchange import ALARM, Exchange, Sessions, known, messages
from avl_protocol.session.deadlines import Deadlines
from avl_protocol.wire.messages import Logged

#: Alarms of one host in a day: it may name what never was.
MOST_ALARMS, DAY = 8, 86_400.0
#: Events, and LOGGEDs of one host, that wait until the log has been read; and hosts that have left and may come back.
MOST_BEFORE, MOST_ASKED, MOST_LEFT = 10_000, 16, 4096


class Comparing:
    """`say(device, message)` reaches a host, wherever it is registered; `found(device, missing)` is told what is
    missing, `beyond(device)` that more was than is told in a day. Nothing is said before `know`: what happens until
    then waits."""

    def __init__(
        self,
        *,
        say: Callable[[str, Logged], None],
        found: Callable[[str, Missing], None],
        beyond: Callable[[str], None],
    ) -> None:
        self._say, self._found, self._beyond = say, found, beyond
        self._sessions: Sessions | None = None
        self._told: set[str] = set()
        self._before: deque[tuple[str, Mapping[str, Any], int]] = deque(maxlen=MOST_BEFORE)
        self._asked: OrderedDict[str, list[Logged]] = OrderedDict()
        self._hops: dict[str, Exchange] = {}
        #: Of those, hosts that have left: which worker's word of it comes first is open, so they are kept for a while.
        self._left: OrderedDict[str, None] = OrderedDict()
        self._due: Deadlines[str] = Deadlines()
        self._today: tuple[int, Counter[str]] = (0, Counter())

    def know(self, entries: Iterable[Entry], since: int, now: float, now_ms: int) -> None:
        """What the log has that tells from `since` on (Unix milliseconds)."""
        self._sessions, self._told = known(entries, since, device=True)
        for kind, said, time_ms in self._before:
            self.recorded(kind, said, time_ms, now)
        self._before.clear()
        asked, self._asked = self._asked, OrderedDict()
        for device, heard in asked.items():
            for number, message in enumerate(heard):
                self.hear(device, message, begins=not number, now=now, now_ms=now_ms)

    def recorded(self, kind: str, said: Mapping[str, Any], time_ms: int, now: float) -> None:
        """The log has one more event."""
        if kind not in ("session_began", "host_left", "alarm"):
            return
        if self._sessions is None:
            self._before.append((kind, said, time_ms))
            return
        device = str(said.get("device") or "")
        hop = self._hops.get(device)
        if kind == "session_began":
            session = str(said.get("session"))
            self._sessions.add(device, session, time_ms)
            if hop is not None:
                self._name(device, hop, [(session, time_ms)], now, time_ms)
        elif kind == "alarm":
            if said.get("alarm") == ALARM:
                self._told.add(str(said.get("session")))
        elif hop is not None:
            hop.pause()
            self._due.drop(device)
            self._left[device] = None
            while len(self._left) > MOST_LEFT:
                del self._hops[self._left.popitem(last=False)[0]]

    def hear(self, device: str, message: Logged, *, begins: bool, now: float, now_ms: int) -> None:
        """A host says what its log has; `begins`: for the first time on its hop."""
        if self._sessions is None:
            heard = self._asked.setdefault(device, [])
            if begins:
                heard.clear()
            if len(heard) < MOST_ASKED:
                heard.append(message)
            while len(self._asked) > MOST_LEFT:
                self._asked.popitem(last=False)
            return
        begins = begins or device not in self._hops  # it may be that this process has begun anew, and the hop has not
        if begins:
            self._hops[device] = Exchange("relay", "host")
            self._left.pop(device, None)
        hop = self._hops[device]
        ours = list(self._sessions.of(device)) if begins else []
        for name in hop.hear(message, now, now_ms):
            begun = self._sessions.begun(device, name)
            if begun is not None and not begins:
                ours.append((name, begun))
        self._name(device, hop, ours, now, now_ms, always=begins)

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._due.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        assert self._sessions is not None
        for device, _ in self._due.expired(now):
            hop = self._hops[device]
            for missing in hop.missing(now, self._sessions.since):
                self._tell(device, missing, now)
            self._due.set(device, hop.next_timeout())

    # within

    def _name(
        self,
        device: str,
        hop: Exchange,
        sessions: list[tuple[str, int]],
        now: float,
        now_ms: int,
        *,
        always: bool = False,
    ) -> None:
        assert self._sessions is not None
        new = hop.say(sessions, now)
        self._due.set(device, hop.next_timeout())
        if new or always:
            for message in messages(new, self._sessions.since, now_ms):
                self._say(device, message)

    def _tell(self, device: str, missing: Missing, now: float) -> None:
        if missing.session in self._told:
            return
        day = int(now // DAY)
        if self._today[0] != day:
            self._today = day, Counter()
        self._today[1][device] += 1
        if self._today[1][device] > MOST_ALARMS:
            self._beyond(device)
            return
        self._told.add(missing.session)
        self._found(device, missing)
