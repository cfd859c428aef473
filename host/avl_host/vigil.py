"""Vigil: what else follows from the coming and going of viewers: punches, and a locked screen when one was lost."""

from __future__ import annotations

import asyncio

from avl_host.lock import LockPolicy, ScreenLocker
from avl_host.reachability import Reachability
from avl_protocol.session.host import HostSession
from avl_protocol.wire.endtoend import Candidates
from avl_protocol.wire.registry import Permission

_HANDS = Permission.POINTER | Permission.KEYBOARD


class Vigil:
    """The Guests of the reception. Only who could act on the desktop leaves something behind that is worth locking."""

    def __init__(self, reachability: Reachability, policy: LockPolicy, locker: ScreenLocker | None) -> None:
        self._reachability = reachability
        self._policy = policy
        self._locker = locker
        self._present: set[HostSession] = set()
        self._tasks: set[asyncio.Task[bool]] = set()

    def joined(self, session: HostSession, now: float) -> None:
        """It was admitted."""
        self._reachability.joined(session)
        self.back(session, now)

    def candidates(self, session: HostSession, message: Candidates, now: float) -> None:
        """Its viewer says where it might be reached."""
        self._reachability.candidates(session, message, now)

    def lost(self, session: HostSession, now: float) -> None:
        """There is no way to its viewer now."""
        self._present.discard(session)
        if session.permissions & _HANDS and not self._present:
            self._policy.lost(now)

    def back(self, session: HostSession, now: float) -> None:
        """It is reached again."""
        if session.permissions & _HANDS:
            self._present.add(session)
            self._policy.back(now)

    def gone(self, session: HostSession, now: float) -> None:
        """It is over: who left on purpose leaves nothing to lock."""
        self._reachability.gone(session)
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
