"""One table of named timers: nothing else in a state machine can be waiting."""

from __future__ import annotations

from enum import Enum


class Timer(Enum):
    """What a machine may be waiting for; the value says when it fires."""

    HELLO = "the neighbour has not answered HELLO, REGISTER or ATTACH"
    HANDSHAKE = "the session was not admitted in time"
    CONSENT = "the person at the host has not answered"
    BEACON = "the next beacon is due"
    STALE = "no beacon came for too long"
    ECHO = "what has answered input may be on its way, and the viewer is told that it was applied"
    SILENCE = "a viewer that holds something has fallen silent"
    HOLDING = "it is time to say that something is still held"
    REPORT = "the next report is due"
    CLOCK = "the next clock exchange is due"
    RECOVER = "a missing object is given up"
    LATE = "input that waits is too old to be sent"
    UNCONFIRMED = "the host has not answered input for too long"
    REOPEN = "a channel that the relay did not let through is opened again"
    RESUME = "a session without a path is given up"
    CLIPBOARD = "the host has not answered about the clipboard"


class Timers:
    """Deadlines by name, in seconds of the caller's clock."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due: dict[Timer, float] = {}

    def set(self, timer: Timer, at: float | None) -> None:
        """Fire at `at`, instead of whenever it was set for; None: not at all."""
        if at is None:
            self._due.pop(timer, None)
        else:
            self._due[timer] = at

    def stop(self, timer: Timer) -> None:
        """Do not fire."""
        self._due.pop(timer, None)

    def is_set(self, timer: Timer) -> bool:
        """Whether it will fire."""
        return timer in self._due

    def stop_all(self) -> None:
        """Nothing is waited for any more."""
        self._due.clear()

    def next_timeout(self) -> float | None:
        """When the earliest fires."""
        return min(self._due.values()) if self._due else None

    def expired(self, now: float) -> list[Timer]:
        """Those due at `now`, earliest first; they are no longer set."""
        due = sorted((at, timer.name, timer) for timer, at in self._due.items() if at <= now)
        for _, _, timer in due:
            del self._due[timer]
        return [timer for _, _, timer in due]
