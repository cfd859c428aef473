"""Silence: is a way still there, when nothing has come over it for a while (spec 08-paths, 8.6)?

A side that only receives never notices that its NAT has forgotten it: it has to ask. A busy way is asked after 100 ms
without a packet, and counts as silent when it has not answered in about as long; an idle one is asked now and then.
"""

from __future__ import annotations

from enum import Enum

from avl_protocol.wire.registry import T_SILENCE

#: Seconds that a neighbour may take to acknowledge, beyond the round trip.
ACK_DELAY = 0.03
#: Seconds of silence after which an idle way is asked.
IDLE_ASK = 2.5
#: Seconds between questions while a silent way stays silent: they bring it back at once when it returns.
REPEAT = 0.25


class Verdict(Enum):
    """What to do about a way."""

    FINE = "nothing"
    ASK = "send something that is answered"
    SILENT = "it was asked and did not answer; ask again"


class Silence:
    """Watches one way."""

    __slots__ = ("_asked", "_busy_at", "_last", "silent")

    def __init__(self) -> None:
        self._asked: float | None = None
        self._last = 0.0
        self._busy_at: float | None = None
        #: Whether what was asked has not been answered in time.
        self.silent = False

    def look(self, now: float, heard: float, busy: bool, rtt: float | None) -> Verdict:
        """Judge at `now`: when something was last `heard`, whether there is something to hear, and the round trip."""
        if self._asked is not None and heard > self._asked:
            self._asked = None
            self.silent = False
        if not busy:
            self._busy_at = None
        else:
            self.busy(now)
        if now < self.next_timeout(heard, rtt):
            return Verdict.FINE
        if self._asked is not None and not self.silent:
            self.silent = True
            self._last = now
            return Verdict.SILENT
        if self._asked is None:
            self._asked = now
        self._last = now
        return Verdict.ASK

    def busy(self, now: float) -> None:
        """There is something to hear from now on."""
        if self._busy_at is None:
            self._busy_at = now

    def next_timeout(self, heard: float, rtt: float | None) -> float:
        """When `look` wants to be called."""
        patience = max(T_SILENCE, 1.5 * (rtt or 0.0) + ACK_DELAY)
        if self.silent:
            return self._last + REPEAT
        if self._asked is not None:
            return self._asked + patience
        if self._busy_at is None:
            return heard + IDLE_ASK
        return max(heard, self._busy_at) + patience
