"""DatagramQueue: datagrams that wait to leave, by priority, each with its deadline.

aioquic's own queue is one unbounded FIFO in which a late frame delays every later one, and what TCP has taken arrives
however late. This one drops what is past its deadline when its turn comes, and the oldest of the least urgent when more
than `limit` bytes wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import NamedTuple

from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import Priority

PRIORITIES = len(Priority)
DEFAULT_LIMIT = 4 << 20


class Waiting(NamedTuple):
    """One datagram: payload, the time after which it is worthless, and what its fate is reported with."""

    payload: bytes
    deadline: float | None
    cookie: object | None


class DatagramQueue:
    """First in, first out within a priority; lower numbers leave first. Looks enough like a deque for aioquic.

    `forgotten` is called with each datagram that will not leave.
    """

    def __init__(self, limit: int = DEFAULT_LIMIT, forgotten: Callable[[Waiting], None] | None = None) -> None:
        self._queues: tuple[deque[Waiting], ...] = tuple(deque() for _ in range(PRIORITIES))
        self._limit = limit
        self._forgotten = forgotten
        self._now = 0.0
        self._count = 0
        self.bytes = 0
        self.dropped = 0

    def add(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None
    ) -> None:
        """Append datagrams; raises LocalProtocolError for a priority that does not exist or too few cookies."""
        if not 0 <= priority < PRIORITIES:
            raise LocalProtocolError(f"no datagram priority {priority}")
        if cookies is not None and len(cookies) != len(payloads):
            raise LocalProtocolError("one cookie for each datagram, or none")
        told = repeat(None) if cookies is None else cookies
        self._queues[priority].extend(map(Waiting, payloads, repeat(deadline), told))
        self.bytes += sum(map(len, payloads))
        self._count += len(payloads)
        if self.bytes > self._limit:
            for victim in reversed(self._queues):
                while self.bytes > self._limit and victim:
                    self._drop(victim)

    def clear(self, priority: int, useless: Callable[[bytes], bool] | None = None) -> int:
        """Forget a priority's datagrams, or those of them that are `useless`; returns how many there were."""
        queue = self._queues[priority]
        before = len(queue)
        for _ in range(before):
            if useless is None or useless(queue[0].payload):
                self._forget(queue)
            else:
                queue.rotate(-1)
        return before - len(queue)

    def expire(self, now: float) -> None:
        """Drop every head that is past its deadline at `now`, and remember the time for what follows it."""
        self._now = now
        if not self._count:
            return
        for queue in self._queues:
            while queue and (deadline := queue[0].deadline) is not None and deadline < now:
                self._drop(queue)

    def holds_behind(self, priority: int) -> bool:
        """Whether something less urgent than `priority` waits."""
        return self._count > 0 and any(self._queues[priority + 1 :])

    def __bool__(self) -> bool:
        return self._count > 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Waiting:
        return self._first()[index]

    def popleft(self) -> Waiting:
        """Take the most urgent datagram; what is past its deadline behind it goes too."""
        queue = self._first()
        taken = queue.popleft()
        self._count -= 1
        self.bytes -= len(taken.payload)
        while queue and (deadline := queue[0].deadline) is not None and deadline < self._now:
            self._drop(queue)
        return taken

    def _drop(self, queue: deque[Waiting]) -> None:
        self._forget(queue)
        self.dropped += 1

    def _first(self) -> deque[Waiting]:
        for queue in self._queues:
            if queue:
                return queue
        raise IndexError("no datagram waits")

    def _forget(self, queue: deque[Waiting]) -> None:
        waiting = queue.popleft()
        self._count -= 1
        self.bytes -= len(waiting.payload)
        if self._forgotten is not None:
            self._forgotten(waiting)
