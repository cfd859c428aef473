"""Exchange: a host and a relay that tell each other which sessions their logs have; one that is in one log and not in
the other is missing there (spec 14, 14.7).

Each says how long ago a session began and how far back its log tells, so that clocks need not agree; and none is held
to what was before its log.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from avl_protocol.audit.compare import TOLERANCE, Missing
from avl_protocol.audit.entry import Entry
from avl_protocol.wire.messages import Logged
from avl_protocol.wire.registry import MAX_LOGGED, T_LOGGED

#: The alarm, as logs call it.
ALARM = "session_missing"
#: Kinds of events that a log is read for when a program starts.
KINDS = frozenset({"session_began", "alarm"})
#: Milliseconds for which sessions are compared.
WINDOW = 7 * 24 * 3_600_000
#: Sessions of all devices together, and names that one end has said on a hop.
MOST, MOST_SAID = 65_536, 8192
_NAME_BYTES = 16


class Sessions:
    """Those that a log has, by device ("" in a host's own): when each began (Unix milliseconds). The oldest give way.
    `since` is from when on nothing is left out."""

    def __init__(self) -> None:
        self.since = 0
        self._begun: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._of: dict[str, dict[str, int]] = {}

    def add(self, device: str, session: str, time_ms: int) -> None:
        """The log has it; one that comes again began at first."""
        if (device, session) in self._begun:
            return
        self._begun[device, session] = time_ms
        self._of.setdefault(device, {})[session] = time_ms
        while self._begun and (len(self._begun) > MOST or next(iter(self._begun.values())) < time_ms - WINDOW):
            (whose, name), before = self._begun.popitem(last=False)
            self.since = max(self.since, before + 1)
            del self._of[whose][name]
            if not self._of[whose]:
                del self._of[whose]

    def of(self, device: str) -> Iterator[tuple[str, int]]:
        """Those of one device, and when they began."""
        yield from list(self._of.get(device, {}).items())

    def begun(self, device: str, session: str) -> int | None:
        """When it began; None: the log does not have it."""
        return self._begun.get((device, session))

    def __len__(self) -> int:
        """How many."""
        return len(self._begun)


def known(entries: Iterable[Entry], since: int, device: bool) -> tuple[Sessions, set[str]]:
    """What a log has that tells from `since` on: its sessions (`device`: it is a relay's, and they are by device), and
    those that were told to be missing before."""
    sessions, told = Sessions(), set[str]()
    sessions.since = since
    for entry in entries:
        if entry.kind == "session_began":
            sessions.add(entry.text("device") if device else "", entry.text("session"), entry.time_ms)
        elif entry.text("alarm") == ALARM:
            told.add(entry.text("session"))
    return sessions, told


@dataclass(frozen=True, slots=True)
class _Waits:
    """The other end has until `due` (seconds) to name it, or we have."""

    due: float
    time_ms: int
    lacks: str


class Exchange:
    """Of one hop. `own` and `other` are the two logs, "host" and "relay". Times are monotonic seconds, and `now_ms`
    Unix milliseconds of this end."""

    def __init__(self, own: str, other: str) -> None:
        self._own, self._other = own, other
        self._said: OrderedDict[str, None] = OrderedDict()
        self._heard: OrderedDict[str, None] = OrderedDict()
        self._waits: dict[str, _Waits] = {}
        #: From when on the other's log tells, by the clock of this end; None: it has not said LOGGED.
        self._since: int | None = None

    def say(self, sessions: Sequence[tuple[str, int]], now: float) -> list[tuple[str, int]]:
        """Those of these sessions of our log (name, when it began) that have to be said now: each once."""
        new = [(name, time_ms) for name, time_ms in sessions if name not in self._said]
        for name, time_ms in new:
            _note(self._said, name)
            self._wait(name, time_ms, self._other, self._heard, now)
        return new

    def hear(self, message: Logged, now: float, now_ms: int) -> list[str]:
        """What the other's log has; their names."""
        self._since = now_ms - 1000 * max(0, message.covers)
        names = []
        for name, age in rows(message):
            names.append(name)
            if name not in self._heard:
                _note(self._heard, name)
                self._wait(name, now_ms - 1000 * age, self._own, self._said, now)
        return names

    def pause(self) -> None:
        """The hop is gone: nothing is waited for."""
        self._waits.clear()

    def next_timeout(self) -> float | None:
        """When `missing` wants to be called."""
        return next((waits.due for waits in self._waits.values()), None)

    def missing(self, now: float, own_since: int) -> list[Missing]:
        """What one has named and the other has not, in time, where the other's log tells of that time at all; our own
        tells from `own_since` on (Unix milliseconds)."""
        found = []
        while self._waits:
            name, waits = next(iter(self._waits.items()))
            if waits.due > now:
                break
            del self._waits[name]
            since = own_since if waits.lacks == self._own else self._since
            if since is not None and waits.time_ms >= since + TOLERANCE:
                found.append(Missing(name, waits.time_ms, waits.lacks))
        return found

    def _wait(self, name: str, time_ms: int, lacks: str, named: Iterable[str], now: float) -> None:
        """One of us has named it: the other has to, unless it did."""
        if name in named:
            self._waits.pop(name, None)
        elif len(self._waits) < MOST_SAID:
            self._waits[name] = _Waits(now + T_LOGGED, time_ms, lacks)


def messages(sessions: Sequence[tuple[str, int]], since: int, now_ms: int) -> Iterator[Logged]:
    """What says these (name, when it began), at least one; the log tells from `since` on."""
    covers = max(0, now_ms - since) // 1000
    for at in range(0, max(1, len(sessions)), MAX_LOGGED):
        some = sessions[at : at + MAX_LOGGED]
        yield Logged(covers, tuple((name_bytes(name), max(0, now_ms - time_ms) // 1000) for name, time_ms in some))


def rows(message: Logged) -> Iterator[tuple[str, int]]:
    """Names and ages (seconds) of a LOGGED; what is none is left out."""
    for row in message.sessions[:MAX_LOGGED]:
        match row:
            case (bytes(name), int(age), *_) if len(name) == _NAME_BYTES and age >= 0:
                yield base64.urlsafe_b64encode(name).rstrip(b"=").decode(), age
            case _:
                continue


def name_bytes(name: str) -> bytes:
    """A name of logs as LOGGED has it."""
    return base64.urlsafe_b64decode(name + "==")


def _note(names: OrderedDict[str, None], name: str) -> None:
    names[name] = None
    while len(names) > MOST_SAID:
        names.popitem(last=False)
