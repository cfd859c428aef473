"""DatagramQueue: datagrams that wait to leave, by priority, each with its deadline.

aioquic's own queue is one unbounded FIFO in which a late frame delays every later one, and what TCP has taken arrives
however late. This one drops what is past its deadline when its turn comes, and the oldest of the least urgent when more
than `limit` bytes wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import overload

from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.feedback import SHORTEST, name_of
from avl_protocol.wire.registry import DatagramType, Priority

PRIORITIES = len(Priority)
DEFAULT_LIMIT = 4 << 20
#: The last type that feedback names, but for feedback itself.
LAST_NAMED = DatagramType.PROBE


class Waiting:
    """One datagram: payload, the time after which it is worthless, and what its fate is reported with.

    What hops and transports find out of the payload is kept here, since the same may wait for many of them: `named` is
    (Type, name, fragment) as feedback will say it, `framed` the payload as a packet holds it.
    """

    __slots__ = ("cookie", "deadline", "framed", "named", "payload")

    def __init__(self, payload: bytes, deadline: float | None, cookie: object | None) -> None:
        self.payload = payload
        self.deadline = deadline
        self.cookie = cookie
        self.named: tuple[int, bytes, int] | None = None
        self.framed: bytes | None = None


class Flight(Sequence[bytes]):
    """Datagrams that wait for many hops: they are looked at once for all of them."""

    __slots__ = ("_cookies", "_deadline", "_payloads", "_waiting")

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self._payloads = payloads
        self._deadline: float | None = None
        self._cookies: Sequence[object] | None = None
        self._waiting: list[Waiting] = []

    def __len__(self) -> int:
        return len(self._payloads)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        return self._payloads[index]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._payloads)

    def waiting(self, deadline: float | None, cookies: Sequence[object] | None) -> list[Waiting]:
        """Them all, to wait until `deadline` with their cookies: the same ones for each hop that says the same."""
        if not self._waiting or deadline != self._deadline or cookies is not self._cookies:
            self._deadline, self._cookies = deadline, cookies
            self._waiting = _waiting(self._payloads, deadline, cookies)
        return self._waiting


def named_by(payload: bytes) -> tuple[int, bytes, int]:
    """(Type, name, fragment) of a datagram as feedback will say it (spec 07-rate, 7.1); one that is too short to have a
    header counts as media."""
    kind = payload[1 + (1 << (payload[1] >> 6))] if len(payload) >= SHORTEST else DatagramType.MEDIA
    return (kind, *name_of(payload))


def _waiting(payloads: Sequence[bytes], deadline: float | None, cookies: Sequence[object] | None) -> list[Waiting]:
    told = repeat(None) if cookies is None else cookies
    return list(map(Waiting, payloads, repeat(deadline), told))


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
        waiting = payloads.waiting if isinstance(payloads, Flight) else partial(_waiting, payloads)
        self._queues[priority].extend(waiting(deadline, cookies))
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

    def take(self, *, least: int, most: int, room: int, granted: float, around: int, paced: int) -> list[Waiting]:
        """Take media of the most urgent priority, each of more than `least` and at most `most` bytes, up to the first
        datagram that is anything else. They take no more than `room` bytes with `around` them each, and all but the
        last no more than `granted` with `paced` them each."""
        queue, now = self._first(), self._now
        taken: list[Waiting] = []
        total = 0
        while queue:
            waiting = queue[0]
            size = len(waiting.payload)
            room -= size + around
            if not least < size <= most or room < 0 or granted < 0:
                break
            if (named := waiting.named) is None:
                named = waiting.named = named_by(waiting.payload)
            if named[0] > LAST_NAMED or (waiting.deadline is not None and waiting.deadline < now):
                break
            taken.append(queue.popleft())
            granted -= size + paced
            total += size
        self._count -= len(taken)
        self.bytes -= total
        while queue and (deadline := queue[0].deadline) is not None and deadline < now:
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
