"""Bounds-checked reading of bytes that came from elsewhere: short input is the peer's error, never an IndexError."""

from __future__ import annotations

from avl_protocol.wire import varint
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode


class Reader:
    """Reads values off the front of a buffer; raises RemoteProtocolError(PROTOCOL_ERROR) when it ends too soon."""

    __slots__ = ("_code", "_data", "offset")

    def __init__(self, data: bytes | memoryview, code: CloseCode = CloseCode.PROTOCOL_ERROR) -> None:
        self._data = memoryview(data)
        self._code = code
        self.offset = 0

    def integer(self) -> int:
        """A variable-length integer (RFC 9000, section 16)."""
        found = varint.decode(self._data, self.offset)
        if found is None:
            raise RemoteProtocolError(self._code, "integer cut short")
        value, self.offset = found
        return value

    def uint(self, size: int) -> int:
        """A big-endian unsigned integer of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> memoryview:
        """The next `size` bytes."""
        end = self.offset + size
        if end > len(self._data):
            raise RemoteProtocolError(self._code, "message cut short")
        taken = self._data[self.offset : end]
        self.offset = end
        return taken

    def rest(self) -> memoryview:
        """All that is left."""
        return self.take(len(self._data) - self.offset)

    def __len__(self) -> int:
        return len(self._data) - self.offset
