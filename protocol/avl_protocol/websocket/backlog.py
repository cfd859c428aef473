"""DatagramBacklog: datagrams that wait for the socket, by priority, each with its deadline and its cookie.

What TCP has taken arrives, however late. So whatever may still be dropped must not be given to it too early, and what
becomes of each datagram is decided here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from avl_protocol.wire.errors import LocalProtocolError

PRIORITIES = 4
DEFAULT_LIMIT = 4 << 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """One datagram: payload, the time after which it is worthless, and what its fate is told with."""

    payload: bytes
    deadline: float | None
    cookie: object | None


class DatagramBacklog:
    """First in, first out within a priority; lower numbers leave first."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._queues: tuple[deque[Waiting], ...] = tuple(deque() for _ in range(PRIORITIES))
        self._limit = limit
        self._fates: list[tuple[object, bool]] = []
        self.bytes = 0

    def add(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None
    ) -> None:
        """Append datagrams; beyond the limit the oldest of the least urgent are dropped. Raises LocalProtocolError."""
        if not 0 <= priority < PRIORITIES:
            raise LocalProtocolError(f"no datagram priority {priority}")
        if cookies is not None and len(cookies) != len(payloads):
            raise LocalProtocolError("one cookie for each datagram, or none")
        for index, payload in enumerate(payloads):
            cookie = None if cookies is None else cookies[index]
            self._queues[priority].append(Waiting(payload, deadline, cookie))
            self.bytes += len(payload)
        for victim in reversed(self._queues):
            while self.bytes > self._limit and victim:
                self._drop(victim)

    def clear(self, priority: int) -> int:
        """Drop a priority's datagrams; returns how many there were."""
        queue = self._queues[priority]
        count = len(queue)
        while queue:
            self._drop(queue)
        return count

    def pop(self, now: float) -> bytes | None:
        """The most urgent datagram that is still worth something."""
        for queue in self._queues:
            while queue:
                deadline = queue[0].deadline
                if deadline is not None and deadline < now:
                    self._drop(queue)
                    continue
                taken = queue.popleft()
                self.bytes -= len(taken.payload)
                self._tell(taken.cookie, True)
                return taken.payload
        return None

    def take_fates(self) -> list[tuple[object, bool]]:
        """(cookie, whether it was written) of datagrams that no longer wait."""
        fates, self._fates = self._fates, []
        return fates

    def _drop(self, queue: deque[Waiting]) -> None:
        dropped = queue.popleft()
        self.bytes -= len(dropped.payload)
        self._tell(dropped.cookie, False)

    def _tell(self, cookie: object | None, written: bool) -> None:
        if cookie is not None:
            self._fates.append((cookie, written))
