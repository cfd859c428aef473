"""LockWatch: locks the screen if a viewer was lost and did not come back in time."""

from __future__ import annotations

import asyncio

from avl_host.sessions.lock import LockPolicy, ScreenLocker
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import Permission

_HANDS = Permission.POINTER | Permission.KEYBOARD


class LockWatch(Service[HostSession]):
    """Follows the coming and going of viewers. Only who could act on the desktop leaves something behind that is worth
    locking."""

    def __init__(self, policy: LockPolicy, locker: ScreenLocker | None) -> None:
        self._policy = policy
        self._locker = locker
        self._present: set[HostSession] = set()
        self._tasks: set[asyncio.Task[bool]] = set()

    def admitted(self, session: HostSession, now: float) -> None:
        """It is here."""
        self.moved(session, now)

    def lost(self, session: HostSession, now: float) -> None:
        """There is no path to its viewer now."""
        self._present.discard(session)
        if session.permissions & _HANDS and not self._present:
            self._policy.lost(now)

    def moved(self, session: HostSession, now: float) -> None:
        """It is reached again."""
        if session.permissions & _HANDS:
            self._present.add(session)
            self._policy.back(now)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It is over: who left on purpose leaves nothing to lock."""
        self._present.discard(session)

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._policy.next_timeout() if self._locker is not None else None

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._locker is not None and self._policy.due(now):
            task = asyncio.get_running_loop().create_task(self._locker.lock())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
