"""Liveness: whether the peer of a connection is there, and until when the connection may last.

A handshake has a deadline of its own, shorter than the idle timeout, so that strangers hold no memory for long; later
a PING now and then keeps NATs open and shows that a silent peer is gone.
"""

from __future__ import annotations


class Liveness:
    """The times of one connection, in seconds of the caller's clock.

    `keepalive`: seconds of silence after which a PING asks for a sign of life; None: never. `handshake_deadline`:
    seconds from `now` until which the handshake has to be done.
    """

    __slots__ = ("_deadline", "_expires", "_keepalive", "_pinged_at", "heard_at")

    def __init__(self, *, now: float, handshake_deadline: float, keepalive: float | None) -> None:
        self._deadline = now + handshake_deadline
        self._keepalive = keepalive
        self._expires: float | None = None
        self._pinged_at = now
        #: When a packet of the peer last arrived.
        self.heard_at = now

    def end_at(self, when: float) -> None:
        """Let the connection end then, unless it ends sooner."""
        self._expires = when

    def handshake_overdue(self, now: float) -> bool:
        """Whether a handshake that is not done has taken too long."""
        return now >= self._deadline

    def take_end(self, now: float) -> bool:
        """Whether the connection should be closed now; True once."""
        if self._expires is None or now < self._expires:
            return False
        self._expires = None
        return True

    def take_ping(self, now: float) -> bool:
        """Whether a PING should leave now; True once, and again after as much silence."""
        at = self._ping_at()
        if at is None or now < at:
            return False
        self._pinged_at = now
        return True

    def next_timeout(self, *, handshake_complete: bool) -> float | None:
        """When one of these times comes; None: never."""
        due = self._ping_at() if handshake_complete else self._deadline
        if self._expires is None:
            return due
        return self._expires if due is None else min(due, self._expires)

    def _ping_at(self) -> float | None:
        if self._keepalive is None:
            return None
        return max(self.heard_at, self._pinged_at) + self._keepalive
