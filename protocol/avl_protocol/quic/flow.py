"""Receive credit that the application returns: a limit is what it has consumed plus a fixed window.

aioquic doubles a window whenever half of it was *received* and allocates the gap below a sparse offset, so a
stranger's ten one-byte frames pin 268 MB (RFC 9000, section 4 leaves the policy to us). Here a stream never holds
more than its window.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Windows:
    """Bytes a peer may have outstanding on one stream and on the whole connection."""

    stream: int
    connection: int


#: Before the peer has proved anything, and afterwards.
STRANGER = Windows(64 << 10, 160 << 10)
FRIEND = Windows(1 << 20, 4 << 20)
#: How many streams that are gone may be remembered as settled.
SETTLED = 32


@dataclass(frozen=True, slots=True)
class ConnectionCredit:
    """What a peer may send on all streams together, in bytes since the beginning."""

    #: Up to where it may send.
    limit: int
    #: Up to where it has sent.
    used: int
    #: How much of it the application is done with.
    consumed: int


@dataclass(frozen=True, slots=True)
class StreamCredit:
    """What a peer may send on one stream."""

    #: Up to where it may send, in bytes since the beginning.
    limit: int
    #: Bytes of memory that wait for what is missing before them, gaps included.
    buffered: int
    #: Bytes that the application still works on.
    held: int


class Credit:
    """What was handed to the application and not yet given back, by stream.

    `settled`: streams whose limit is as it should be; who has looked at one says so by `settle`.
    """

    __slots__ = ("_held", "_windows", "consumed", "settled")

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._held: dict[int, int] = {}
        self.consumed = 0
        self.settled: set[int] = set()

    def held(self, stream: int) -> int:
        """Bytes of a stream the application still works on."""
        return self._held.get(stream, 0)

    def widen(self, windows: Windows) -> None:
        """Other windows from now on."""
        self._windows = windows
        self.settled.clear()

    def delivered(self, stream: int, size: int) -> None:
        """The application was given bytes."""
        if size:
            self._held[stream] = self._held.get(stream, 0) + size

    def consume(self, stream: int, size: int) -> None:
        """The application is done with bytes; more than it holds cannot be given back."""
        held = self._held.get(stream, 0)
        size = min(size, held)
        self.consumed += size
        self.settled.discard(stream)
        if size == held:
            self._held.pop(stream, None)
        else:
            self._held[stream] = held - size

    def forget(self, stream: int, undelivered: int) -> None:
        """A stream was reset: what it held, and what will never be delivered, counts as consumed."""
        self.consumed += undelivered + self._held.pop(stream, 0)
        self.settled.discard(stream)

    def settle(self, stream: int, known: Collection[int]) -> None:
        """A stream's limit is as it should be until the application consumes more. `known`: streams that exist."""
        if len(self.settled) > SETTLED + 2 * len(known):
            self.settled.intersection_update(known)
        self.settled.add(stream)

    def raised_connection_limit(self, limit: int) -> int:
        """The connection limit to announce, given the present one: unchanged until a quarter window can be added."""
        wanted = self.consumed + self._windows.connection
        return wanted if wanted - limit >= self._windows.connection // 4 else limit

    def raised_stream_limit(self, stream: int, delivered: int, limit: int) -> int:
        """The same for a stream of which `delivered` bytes have left the transport in order."""
        wanted = delivered - self._held.get(stream, 0) + self._windows.stream
        return wanted if wanted - limit >= self._windows.stream // 4 else limit
