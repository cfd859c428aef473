"""The clear header of a media datagram, by which a relay routes what it can't read (spec 05-media, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.wire import varint
from avl_protocol.wire.buffer import Reader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import (
    MAX_DATAGRAM_PAYLOAD,
    MAX_FRAGMENT_PAYLOAD,
    MAX_OBJECT_SIZE,
    CloseCode,
    DatagramType,
)


@dataclass(frozen=True, slots=True)
class MediaHeader:
    """Names one fragment: (track, object, fragment) of the object's `length` bytes, under a relay's session handle."""

    handle: int
    type: int
    track: int
    object: int
    flags: int
    fragment: int
    length: int


def encode(header: MediaHeader, payload: bytes | memoryview) -> bytes:
    """The datagram payload: zero byte, header, fragment."""
    out = b"".join(
        (
            b"\0",
            varint.encode(header.handle),
            bytes((header.type, header.track)),
            header.object.to_bytes(4, "big"),
            bytes((header.flags,)),
            varint.encode(header.fragment),
            varint.encode(header.length),
            payload,
        )
    )
    if len(out) > MAX_DATAGRAM_PAYLOAD:
        raise LocalProtocolError(f"a datagram of {len(out)} bytes is over the limit of {MAX_DATAGRAM_PAYLOAD}")
    return out


def decode(data: bytes | memoryview) -> tuple[MediaHeader, memoryview]:
    """Header and fragment of a datagram.

    Raises RemoteProtocolError(PROTOCOL_ERROR) unless the fragment has exactly the size its place in the object gives
    it.
    """
    if len(data) > MAX_DATAGRAM_PAYLOAD:
        raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "datagram is too large")
    reader = Reader(data)
    if reader.uint(1) != 0:
        raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "datagram does not begin with zero")
    header = MediaHeader(
        reader.integer(),
        reader.uint(1),
        reader.uint(1),
        reader.uint(4),
        reader.uint(1),
        reader.integer(),
        reader.integer(),
    )
    payload = reader.rest()
    if header.type in (DatagramType.MEDIA, DatagramType.REPAIR):
        if not 0 < header.length <= MAX_OBJECT_SIZE:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "object length is out of range")
        if not payload or len(payload) != fragment_size(header.length, header.fragment):
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "fragment has the wrong size")
    return header, payload


def fragment_count(length: int) -> int:
    """Fragments of an object of `length` bytes."""
    return -(-length // MAX_FRAGMENT_PAYLOAD)


def fragment_size(length: int, fragment: int) -> int:
    """Bytes of one fragment; 0 where the object has no such fragment."""
    return max(0, min(MAX_FRAGMENT_PAYLOAD, length - fragment * MAX_FRAGMENT_PAYLOAD))


def with_handle(data: bytes, handle: int) -> bytes:
    """The same datagram under another handle: the one rewriting a relay may do (P7)."""
    reader = Reader(data)
    reader.uint(1)
    reader.integer()
    return b"\0" + varint.encode(handle) + bytes(reader.rest())


def with_type(data: bytes, kind: DatagramType) -> bytes:
    """The same datagram with another Type: how a repair is made from its original."""
    reader = Reader(data)
    reader.uint(1)
    reader.integer()
    at = reader.offset
    return data[:at] + bytes((kind,)) + data[at + 1 :]
