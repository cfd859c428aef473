"""Silence: is a path still there, when nothing has come over it for a while (spec 08-paths, 8.6)?

A side that only receives never notices that its NAT has forgotten it: it has to ask. A busy path is asked after 100 ms
without a packet, and counts as silent when it has not answered in about as long; an idle one is asked now and then.
What comes says nothing of the other direction, where the input goes: only answers do, so they must not fail either.
"""

from __future__ import annotations

from enum import Enum

from avl_protocol.wire.registry import T_PATH_ANSWER_DELAY, T_PATH_IDLE_ASK, T_PATH_REPEAT, T_PATH_UNANSWERED, T_SILENCE


class Verdict(Enum):
    """What to do about a path."""

    FINE = "nothing"
    ASK = "send something that is answered"
    SILENT = "it was asked and did not answer; ask again"


class Silence:
    """Watches one path."""

    __slots__ = ("_asked", "_busy_at", "_last", "silent")

    def __init__(self) -> None:
        self._asked: float | None = None
        self._last = 0.0
        self._busy_at: float | None = None
        #: Whether what was asked has not been answered in time.
        self.silent = False

    def look(self, now: float, heard: float, answered: float, busy: bool, rtt: float | None) -> Verdict:
        """Judge at `now`: when something was last `heard`, and when that `answered` something of ours, whether there is
        something to hear, and the round trip.
        """
        if self._asked is not None and answered > self._asked:
            self._asked = None
            self.silent = False
        if not busy:
            self._busy_at = None
        else:
            self.busy(now)
        if now < self.next_timeout(heard, answered, rtt):
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

    def next_timeout(self, heard: float, answered: float, rtt: float | None) -> float:
        """When `look` wants to be called."""
        patience = max(T_SILENCE, 1.5 * (rtt or 0.0) + T_PATH_ANSWER_DELAY)
        if self.silent:
            return self._last + (patience if heard > self._last else T_PATH_REPEAT)
        if self._asked is not None:
            # an answer may have been lost, where something comes all the same: it has time to be repeated
            return self._asked + (2 * patience if heard > self._asked else patience)
        if self._busy_at is None:
            return heard + T_PATH_IDLE_ASK
        return max(min(heard, answered + T_PATH_UNANSWERED), self._busy_at) + patience
