"""Frames of the WebSocket carrier: each is one binary message (spec 02-transport, 2.10).

Nothing is skipped or guessed: where a kind, a flag or a byte too many is met, the two sides do not speak the same
protocol, and TCP has no other way to get back in step.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.wire import varint
from avl_protocol.wire.buffer import Reader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, MAX_WEBSOCKET_DATA, CarrierFrame, CloseCode

#: Most bytes of a CLOSE's text, in UTF-8.
MAX_TEXT = 256
TOKEN_BYTES = 8
#: The only flag of STREAM.
END = 1
#: Kind, stream and flags before the longest data: no message is longer.
MAX_MESSAGE = 1 + 8 + 1 + MAX_WEBSOCKET_DATA


@dataclass(frozen=True, slots=True)
class StreamFrame:
    """Bytes of a stream; `end`: the last of this direction."""

    stream: int
    data: bytes
    end: bool = False


@dataclass(frozen=True, slots=True)
class CreditFrame:
    """How many bytes of a stream may have been sent, counted from its beginning."""

    stream: int
    limit: int


@dataclass(frozen=True, slots=True)
class ResetFrame:
    """Both directions of a stream are abandoned."""

    stream: int
    code: int


@dataclass(frozen=True, slots=True)
class DatagramFrame:
    """A datagram payload, its leading zero byte included."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """The last frame of a side."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class PingFrame:
    """Wants a PONG with the same eight bytes."""

    token: bytes


@dataclass(frozen=True, slots=True)
class PongFrame:
    """The answer."""

    token: bytes


Frame = StreamFrame | CreditFrame | ResetFrame | DatagramFrame | CloseFrame | PingFrame | PongFrame


def encode(frame: Frame) -> bytes:
    """A frame as a message. Raises LocalProtocolError for what is too long."""
    if isinstance(frame, DatagramFrame):
        return b"\x03" + _within(frame.data, MAX_DATAGRAM_PAYLOAD)
    if isinstance(frame, StreamFrame):
        head = b"\x00" + varint.encode(frame.stream) + (b"\x01" if frame.end else b"\x00")
        return head + _within(frame.data, MAX_WEBSOCKET_DATA)
    if isinstance(frame, CreditFrame):
        return b"\x01" + varint.encode(frame.stream) + varint.encode(frame.limit)
    if isinstance(frame, ResetFrame):
        return b"\x02" + varint.encode(frame.stream) + varint.encode(frame.code)
    if isinstance(frame, CloseFrame):
        return b"\x04" + varint.encode(frame.code) + _within(frame.text.encode(), MAX_TEXT)
    if len(frame.token) != TOKEN_BYTES:
        raise LocalProtocolError("a token has eight bytes")
    return (b"\x05" if isinstance(frame, PingFrame) else b"\x06") + frame.token


def decode(data: bytes) -> Frame:
    """The frame of a message. Raises RemoteProtocolError(PROTOCOL_ERROR)."""
    reader = Reader(data)
    kind = reader.uint(1)
    if kind == CarrierFrame.DATAGRAM:
        return DatagramFrame(_rest(reader, MAX_DATAGRAM_PAYLOAD))
    if kind == CarrierFrame.STREAM:
        stream, flags = reader.integer(), reader.uint(1)
        if flags & ~END:
            raise _error(f"unknown flags {flags:#x}")
        return StreamFrame(stream, _rest(reader, MAX_WEBSOCKET_DATA), bool(flags))
    frame: Frame
    if kind == CarrierFrame.CREDIT:
        frame = CreditFrame(reader.integer(), reader.integer())
    elif kind == CarrierFrame.RESET:
        frame = ResetFrame(reader.integer(), reader.integer())
    elif kind == CarrierFrame.CLOSE:
        frame = CloseFrame(reader.integer(), _text(_rest(reader, MAX_TEXT)))
    elif kind == CarrierFrame.PING:
        frame = PingFrame(bytes(reader.take(TOKEN_BYTES)))
    elif kind == CarrierFrame.PONG:
        frame = PongFrame(bytes(reader.take(TOKEN_BYTES)))
    else:
        raise _error(f"unknown frame {kind}")
    if len(reader):
        raise _error("bytes behind a frame")
    return frame


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise LocalProtocolError(f"{len(data)} bytes where {limit} are the most")
    return data


def _rest(reader: Reader, limit: int) -> bytes:
    if len(reader) > limit:
        raise _error(f"{len(reader)} bytes where {limit} are the most")
    return bytes(reader.rest())


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _error("text is not UTF-8") from None


def _error(text: str) -> RemoteProtocolError:
    return RemoteProtocolError(CloseCode.PROTOCOL_ERROR, text)
