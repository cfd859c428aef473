"""Redial: when relays are dialled while a session has none at hand (spec 08-paths, 8.6).

At once the first time, then after pauses that double while attempts fail. One that nobody answers does not hold up the
next: it may have been lost on a path that has become good again meanwhile.
"""

from __future__ import annotations

from avl_protocol.wire.registry import T_PATH_FIRST_RETRY, T_PATH_UNANSWERED_ATTEMPT, T_PATH_URGENT_RETRY

#: Attempts at one relay at a time; where one more begins, the oldest is given up.
DIALLING = 3
#: After so many doublings a pause is the longest.
DOUBLINGS = 8


class Redial:
    """Seconds of the caller's clock."""

    __slots__ = ("_at", "_attempts", "_dialled", "_failed")

    def __init__(self) -> None:
        self._attempts = 0
        self._dialled = self._failed = float("-inf")
        self._at: float | None = None

    def look(self, *, at_hand: bool, dialling: bool, now: float) -> bool:
        """Whether to dial now, where that is done then. `at_hand`: a relay can take the session; `dialling`: an attempt
        is under way."""
        if at_hand:
            self._attempts, self._at = 0, None
            return False
        if not self._attempts:
            self._at = self._dialled + T_PATH_FIRST_RETRY
        elif dialling:
            self._at = self._dialled + T_PATH_UNANSWERED_ATTEMPT
        else:
            pause = T_PATH_FIRST_RETRY * 2 ** min(self._attempts - 1, DOUBLINGS)
            self._at = max(self._failed, self._dialled) + min(T_PATH_URGENT_RETRY, pause)
        if now < self._at:
            return False
        self._attempts += 1
        self._dialled = now
        self._at = now + T_PATH_UNANSWERED_ATTEMPT
        return True

    def failed(self, now: float) -> None:
        """An attempt at a relay, or the path to one, is over."""
        self._failed = now

    def begin_anew(self) -> None:
        """Whatever stood in the way may be gone: the next attempt waits for nothing."""
        self._attempts = 0
        self._dialled = float("-inf")

    def next_timeout(self) -> float | None:
        """When `look` should be called again."""
        return self._at
