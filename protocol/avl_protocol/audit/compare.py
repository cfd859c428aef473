"""Comparison: sessions in a relay's log and in a host's: one that is missing in either is an alarm (spec 14, 14.7)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from avl_protocol.audit.entry import Entry

#: Milliseconds by which the two clocks may differ, and a session be on its way into a log.
TOLERANCE = 5 * 60_000
#: The way of a session that no relay sees.
DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Missing:
    """A session that one log has and the other lacks. `lacks`: "relay" or "host"."""

    session: str
    time_ms: int
    lacks: str

    def __str__(self) -> str:
        has = "host" if self.lacks == "relay" else "relay"
        return f"session {self.session} is in the {has}'s log and not in the {self.lacks}'s"


def session_name(session: bytes) -> str:
    """How logs call a session (16 bytes that its two ends know): it names it and gives no right to it."""
    return base64.urlsafe_b64encode(sha256(b"session" + session).digest()[:16]).rstrip(b"=").decode()


def compare(relay: Iterable[Entry], host: Iterable[Entry], device: str) -> list[Missing]:
    """What is missing in either log, of the sessions of one device; where one log begins later or ends earlier, the
    other is not held to it. Sessions that came to the host directly are not the relay's."""
    at_relay, of_relay = _sessions(relay, device)
    at_host, of_host = _sessions(host, "")
    begin = max(of_relay[0], of_host[0]) + TOLERANCE
    end = min(of_relay[1], of_host[1]) - TOLERANCE
    missing = [
        Missing(name, time, "host")
        for name, (time, _) in at_relay.items()
        if name not in at_host and begin <= time <= end
    ]
    missing += [
        Missing(name, time, "relay")
        for name, (time, way) in at_host.items()
        if name not in at_relay and way != DIRECT and begin <= time <= end
    ]
    return sorted(missing, key=lambda one: (one.time_ms, one.session))


def _sessions(entries: Iterable[Entry], device: str) -> tuple[dict[str, tuple[int, str]], tuple[int, int]]:
    """When each began and its way; the first and the last time of the log."""
    found: dict[str, tuple[int, str]] = {}
    first, last = 0, 0
    for number, entry in enumerate(entries):
        first = entry.time_ms if number == 0 else min(first, entry.time_ms)
        last = max(last, entry.time_ms)
        if entry.kind == "session_began" and (not device or entry.text("device") == device):
            found.setdefault(entry.text("session"), (entry.time_ms, entry.text("way")))
    return found, (first, last)
