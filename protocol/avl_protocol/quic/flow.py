"""Receive credit that the application returns: a limit is what it has consumed plus a fixed window.

aioquic doubles a window whenever half of it was *received* and allocates the gap below a sparse offset, so a
stranger's ten one-byte frames pin 268 MB (RFC 9000, section 4 leaves the policy to us). Here a stream never holds
more than its window.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Windows:
    """Bytes a peer may have outstanding on one stream and on the whole connection."""

    stream: int
    connection: int


#: Before the peer has proved anything, and afterwards.
STRANGER = Windows(64 << 10, 256 << 10)
FRIEND = Windows(1 << 20, 4 << 20)


class Credit:
    """What was handed to the application and not yet given back, by stream."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self.consumed = 0
        self._held: dict[int, int] = {}

    def held(self, stream: int) -> int:
        """Bytes of a stream the application still works on."""
        return self._held.get(stream, 0)

    def delivered(self, stream: int, size: int) -> None:
        """The application was given bytes."""
        if size:
            self._held[stream] = self._held.get(stream, 0) + size

    def consume(self, stream: int, size: int) -> None:
        """The application is done with bytes; more than it holds cannot be given back."""
        held = self._held.get(stream, 0)
        size = min(size, held)
        self.consumed += size
        if size == held:
            self._held.pop(stream, None)
        else:
            self._held[stream] = held - size

    def forget(self, stream: int, undelivered: int) -> None:
        """A stream was reset: what it held, and what will never be delivered, counts as consumed."""
        self.consumed += undelivered + self._held.pop(stream, 0)

    def raised_connection_limit(self, limit: int) -> int:
        """The connection limit to announce, given the present one: unchanged until a quarter window can be added."""
        wanted = self.consumed + self.windows.connection
        return wanted if wanted - limit >= self.windows.connection // 4 else limit

    def raised_stream_limit(self, stream: int, delivered: int, limit: int) -> int:
        """The same for a stream of which `delivered` bytes have left the transport in order."""
        wanted = delivered - self._held.get(stream, 0) + self.windows.stream
        return wanted if wanted - limit >= self.windows.stream // 4 else limit
