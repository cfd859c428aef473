"""A WebTransport session on an HTTP/3 connection as a carrier's binding (draft-ietf-webtrans-http3).

The session is the CONNECT request on stream 0, so that every datagram begins with the quarter stream id 0x00 and is
the same bytes as on raw QUIC. A stream that belongs to it begins with 0x41 and the session id; the session ends
with a capsule.
"""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.quic.connection import Connection
from avl_protocol.wire import varint
from avl_protocol.wire.onethread import guard

SESSION = 0
#: What a bidirectional stream of session 0 begins with: signal value 0x41 as a two-byte integer, then the session id.
STREAM_PREFIX = varint.encode(0x41) + varint.encode(SESSION)
CLOSE_SESSION = 0x2843
MAX_CLOSE_CAPSULE = 4 + 1024
#: Application error codes are spread over HTTP/3's error space, leaving out its reserved code points.
FIRST_CODE = 0x52E4A40FA8DB
LAST_CODE = 0x52E5AC983162
#: The browser ends the connection once it has read the capsule; this many seconds later we do.
LINGER = 3.0


def outgoing_code(code: int) -> int:
    """A 32-bit application error code as an HTTP/3 one."""
    return FIRST_CODE + code + code // 0x1E


def incoming_code(code: int) -> int:
    """The inverse; codes outside the range mean 0."""
    if not FIRST_CODE <= code <= LAST_CODE or (code - 0x21) % 0x1F == 0:
        return 0
    shifted = code - FIRST_CODE
    return shifted - shifted // 0x1F


def close_capsule(code: int, text: str) -> bytes:
    """CLOSE_WEBTRANSPORT_SESSION with a 32-bit code and a reason of at most 1024 bytes."""
    value = code.to_bytes(4, "big") + text.encode()[: MAX_CLOSE_CAPSULE - 4]
    return varint.encode(CLOSE_SESSION) + varint.encode(len(value)) + value


class CapsuleReader:
    """Capsules of a CONNECT stream (RFC 9297, section 3.2), fed any slices; only the closing one is kept."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0

    def feed(self, data: bytes) -> tuple[int, str] | None:
        """Code and reason once the closing capsule is complete. Other capsules are skipped without being stored."""
        self._buffer += data
        while self._buffer:
            if self._skip:
                taken = min(self._skip, len(self._buffer))
                self._buffer, self._skip = self._buffer[taken:], self._skip - taken
                continue
            kind = varint.decode(self._buffer)
            length = varint.decode(self._buffer, kind[1]) if kind else None
            if kind is None or length is None:
                return None
            size, start = length
            if kind[0] != CLOSE_SESSION or not 4 <= size <= MAX_CLOSE_CAPSULE:
                self._buffer, self._skip = self._buffer[start:], size
                continue
            if len(self._buffer) < start + size:
                return None
            value = self._buffer[start : start + size]
            return int.from_bytes(value[:4], "big"), value[4:].decode(errors="replace")
        return None


class WebTransportBinding:
    """How a carrier acts on a WebTransport session; `end_session` writes a capsule and ends the CONNECT stream."""

    def __init__(self, connection: Connection, end_session: Callable[[bytes], None]) -> None:
        self._connection = connection
        self._end_session = end_session
        self.streams: set[int] = set()

    def open_stream(self) -> int:
        stream = self._connection.open_stream()
        self.streams.add(stream)
        self._connection.write_stream(stream, STREAM_PREFIX)
        return stream

    def outgoing_code(self, code: int) -> int:
        return outgoing_code(code)

    def incoming_code(self, code: int) -> int:
        return incoming_code(code)

    def close(self, code: int, text: str) -> None:
        self._end_session(close_capsule(code, text))


class WebTransportSession:
    """One accepted session: its carrier, and which streams are its own."""

    def __init__(self, connection: Connection, end_session: Callable[[bytes], None]) -> None:
        self._binding = WebTransportBinding(connection, end_session)
        self._connection = connection
        self._capsules = CapsuleReader()
        self.carrier = guard(QuicCarrier(connection, self._binding))

    def owns(self, stream: int) -> bool:
        """Whether bytes of a stream go to the carrier as they are."""
        return stream in self._binding.streams

    def adopt(self, stream: int) -> None:
        """A stream of the client named this session."""
        streams = self._binding.streams
        if len(streams) > 64:
            streams.intersection_update([known for known in streams if self._connection.has_stream(known)])
        streams.add(stream)

    def connect_stream_data(self, data: bytes, end: bool, now: float) -> bool:
        """Content of the CONNECT stream: capsules; its end without one is an end without a code. True: it ended."""
        closed = self._capsules.feed(data)
        if closed is not None:
            self.carrier.lose(*closed, now)
        elif end:
            self.carrier.lose(0, "", now)
        return end or closed is not None
