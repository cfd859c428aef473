"""What begins a stream: its type, and for a channel the session handle and channel number (spec 02-transport, 2.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from avl_protocol.wire import varint
from avl_protocol.wire.codec import HOP
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.framing import FrameReader, frame
from avl_protocol.wire.messages import HopMessage
from avl_protocol.wire.registry import MAX_HOP_MESSAGE, CloseCode, StreamType

#: No header is longer: type, handle and channel are integers.
_LONGEST_HEADER = 24

CONTROL_HEADER = varint.encode(StreamType.HOP_CONTROL)


def channel_header(handle: int, channel: int) -> bytes:
    """The bytes that begin a stream carrying `channel` of the session `handle`."""
    return varint.encode(StreamType.CHANNEL) + varint.encode(handle) + varint.encode(channel)


@dataclass(frozen=True, slots=True)
class StreamHeader:
    """A stream's beginning; handle and channel are 0 on the control stream."""

    type: int
    handle: int = 0
    channel: int = 0


class HeaderReader:
    """Reads a stream's header from its first bytes."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> tuple[StreamHeader, bytes] | None:
        """Header and what follows it, once it is whole. Raises RemoteProtocolError for an unknown stream type."""
        self._buffer += data
        values: list[int] = []
        offset = 0
        wanted = 1
        while len(values) < wanted:
            found = varint.decode(self._buffer, offset)
            if found is None:
                if len(self._buffer) > _LONGEST_HEADER:
                    raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "stream header is too long")
                return None
            value, offset = found
            values.append(value)
            if len(values) == 1:
                if value not in (StreamType.HOP_CONTROL, StreamType.CHANNEL):
                    raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, f"unknown stream type {value}")
                wanted = 3 if value == StreamType.CHANNEL else 1
        return StreamHeader(*values), self._buffer[offset:]


class HopStream:
    """The hop control stream: messages in and out."""

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        self._frames = FrameReader(MAX_HOP_MESSAGE)

    def receive(self, data: bytes) -> list[HopMessage]:
        """Messages completed by these bytes; those of unknown type are left out (P3)."""
        return list(self.messages(data, _nothing))

    def messages(self, data: bytes, count: Callable[[], None]) -> Iterator[HopMessage]:
        """The same one by one; `count()`, which may raise, is called before each is read, known or not."""
        for message in self._frames.cut(data):
            count()
            decoded = HOP.decode(message)
            if decoded is not None:
                yield _checked(decoded)


def _nothing() -> None:
    return


def _checked(message: HopMessage) -> HopMessage:
    """The message, if its handles can stand in a stream's or datagram's header. Raises RemoteProtocolError."""
    for name in ("handle", "media_handle"):
        if not 0 <= getattr(message, name, 0) <= varint.MAX:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, f"{type(message).__name__} has an impossible {name}")
    return message


def hop_bytes(message: HopMessage) -> bytes:
    """A hop message as it stands on the control stream."""
    return frame(HOP.encode(message), MAX_HOP_MESSAGE)
