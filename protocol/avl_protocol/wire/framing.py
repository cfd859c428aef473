"""Length-prefixed messages on a stream, fed any slice of bytes (spec 03-wire, 3.1)."""

from __future__ import annotations

from collections.abc import Iterator

from avl_protocol.wire import varint
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode


def frame(message: bytes, limit: int) -> bytes:
    """One message with its length (i) in front."""
    if len(message) > limit:
        raise LocalProtocolError(f"a message of {len(message)} bytes is over the limit of {limit}")
    return varint.encode(len(message)) + message


class FrameReader:
    """Cuts a stream of `Length (i), Message (..)` into messages; never holds more than one message's bytes."""

    __slots__ = ("_buffer", "_code", "_limit")

    def __init__(self, limit: int, code: CloseCode = CloseCode.PROTOCOL_ERROR) -> None:
        self._buffer = bytearray()
        self._limit = limit
        self._code = code

    def feed(self, data: bytes) -> list[bytes]:
        """Messages completed by these bytes, in order. Raises RemoteProtocolError for one over the limit."""
        return list(self.cut(data))

    def cut(self, data: bytes) -> Iterator[bytes]:
        """The same one by one, so that whoever is given too many need not cut the rest."""
        self._buffer += data
        offset = 0
        try:
            while (head := varint.decode(self._buffer, offset)) is not None:
                length, start = head
                if length > self._limit:
                    raise RemoteProtocolError(self._code, f"a message of {length} bytes is over the limit")
                if start + length > len(self._buffer):
                    return
                offset = start + length
                yield bytes(self._buffer[start:offset])
        finally:
            del self._buffer[:offset]

    @property
    def pending(self) -> int:
        """Bytes of an unfinished message."""
        return len(self._buffer)


class ShortFrameReader:
    """Cuts a stream of `Length (16), Body (..)`, the form of handshake messages and records (spec 06-security)."""

    __slots__ = ("_buffer", "_limit")

    def __init__(self, limit: int) -> None:
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> None:
        """Take more bytes of the stream."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next whole body, or None. Raises RemoteProtocolError for one over the limit."""
        if len(self._buffer) < 2:
            return None
        length = int.from_bytes(self._buffer[:2], "big")
        if length > self._limit:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, f"a message of {length} bytes is over the limit")
        if len(self._buffer) < 2 + length:
            return None
        body = bytes(self._buffer[2 : 2 + length])
        del self._buffer[: 2 + length]
        return body

    def clear(self) -> bytes:
        """Discard and return an unfinished body."""
        left = bytes(self._buffer)
        self._buffer.clear()
        return left
