"""Comparing: this host's own log and those of the relays by which its viewers come, told to each other as they grow
(spec 14, 14.7).

What is missing in either is told the person at the host, once: a relay that does not log what it carries, or another
machine that runs with this one's identity.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

from avl_protocol.audit.compare import Missing, session_name
from avl_protocol.audit.entry import Entry
from avl_protocol.audit.exchange import ALARM, Exchange, Sessions, known, messages
from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.session.hop.client import HopClient
from avl_protocol.session.host import HostSession
from avl_protocol.session.pipes import Hop
from avl_protocol.session.services import Service
from avl_protocol.wire.foreign import for_terminal
from avl_protocol.wire.messages import Logged

#: Relays of which it is remembered which sessions they have named, and sessions of each.
MOST_RELAYS, MOST_NAMED = 16, 1024


class Records(Protocol):
    """See journal.py."""

    def record(self, kind: str, **said: object) -> None:
        """Something has happened."""


class _Hop:
    """To the relay of this key."""

    def __init__(self, client: HopClient, relay: bytes) -> None:
        self.client, self.relay = client, relay
        self.exchange = Exchange("host", "relay")
        #: Whether our log was read when it began, and it was told of it.
        self.begun = False


class Comparing(Service[HostSession]):
    """`tell` is for a person. Nothing is said before `know`."""

    def __init__(self, records: Records, clock: Clock, tell: Callable[[str], None]) -> None:
        self._records, self._clock, self._tell = records, clock, tell
        self._sessions, self._told, self._ready = Sessions(), set[str](), False
        self._hops: dict[Hop, _Hop] = {}
        #: What each relay has named that is in our log: it was told of them, and may be told again.
        self._named: OrderedDict[bytes, OrderedDict[str, int]] = OrderedDict()

    def know(self, entries: Iterable[Entry], since: int) -> None:
        """What the log has that tells from `since` on (Unix milliseconds)."""
        meanwhile = self._sessions
        self._sessions, self._told = known(entries, since, device=False)
        for name, time_ms in meanwhile.of(""):
            self._sessions.add("", name, time_ms)
        self._ready = True
        for hop in self._hops.values():
            self._begin(hop)

    # hops to relays

    def up(self, client: HopClient, relay: bytes) -> None:
        """The host is registered at the relay of this key."""
        hop = self._hops[client] = _Hop(client, relay)
        if self._ready:
            self._begin(hop)

    def hear(self, client: HopClient, message: Logged) -> None:
        """The relay says what its log has."""
        hop = self._hops.get(client)
        if hop is None or not hop.begun:
            return
        ours = []
        for name in hop.exchange.hear(message, self._clock.monotonic(), self._now_ms()):
            time_ms = self._sessions.begun("", name)
            if time_ms is not None:
                ours.append((name, time_ms))
                self._note(hop.relay, name, time_ms)
        self._say(hop, ours)

    def down(self, client: HopClient) -> None:
        """The hop is gone."""
        self._hops.pop(client, None)

    # Service

    def admitted(self, session: HostSession, now: float) -> None:
        """See Service."""
        name, time_ms = session_name(session.session_id), self._now_ms()
        self._sessions.add("", name, time_ms)
        hop = self._hops.get(session.attachment.hop)
        if hop is not None and hop.begun:
            self._say(hop, [(name, time_ms)])

    def next_timeout(self) -> float | None:
        """See Service."""
        due = (hop.exchange.next_timeout() for hop in self._hops.values())
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """See Service."""
        for hop in self._hops.values():
            for missing in hop.exchange.missing(now, self._sessions.since):
                self._alarm(missing)

    # within

    def _now_ms(self) -> int:
        return int(self._clock.wall() * 1000)

    def _begin(self, hop: _Hop) -> None:
        """Say for the first time on a hop what our log has of its sessions."""
        hop.begun = True
        self._say(hop, list(self._named.get(hop.relay, {}).items()), always=True)

    def _say(self, hop: _Hop, ours: list[tuple[str, int]], *, always: bool = False) -> None:
        new = hop.exchange.say(ours, self._clock.monotonic())
        if new or always:
            for message in messages(new, self._sessions.since, self._now_ms()):
                hop.client.send(message)

    def _note(self, relay: bytes, name: str, time_ms: int) -> None:
        named = self._named.setdefault(relay, OrderedDict())
        self._named.move_to_end(relay)
        named[name] = time_ms
        while len(named) > MOST_NAMED:
            named.popitem(last=False)
        while len(self._named) > MOST_RELAYS:
            self._named.popitem(last=False)

    def _alarm(self, missing: Missing) -> None:
        if missing.session in self._told:
            return
        self._told.add(missing.session)
        self._records.record("alarm", alarm=ALARM, session=missing.session, why=str(missing))
        if missing.lacks == "relay":
            why = "its log may have been changed, or it carries what it does not log"
        else:
            why = "this host's log may have been changed, or another machine runs with its identity"
        self._tell(f"WARNING: {for_terminal(str(missing), 120)}: {why}. 'avl-host audit search' shows more.")
