"""The clear header of a media datagram, by which a relay routes what it can't read (spec 05-media, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

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

#: Fragments that one block of parity covers, and rows that a block can have.
PARITY_BLOCK = 128

#: Type, track, object and flags, between the handle and the fragment.
_FIXED = Struct(">BBIB")
#: As plain numbers, since every datagram is compared with them: MEDIA, PARITY and REPAIR are 0 to 2.
_PARITY, _REPAIR = int(DatagramType.PARITY), int(DatagramType.REPAIR)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaHeader:
    """Names one fragment: (track, object, fragment) of the object's `length` bytes, under a relay's session handle.

    Of PARITY, `fragment` is the number of the block times 128 plus the row.
    """

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

    Raises RemoteProtocolError(PROTOCOL_ERROR) unless a fragment, or a row of parity, has exactly the size that its
    place in the object gives it.
    """
    if len(data) > MAX_DATAGRAM_PAYLOAD:
        raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "datagram is too large")
    if not data or data[0] != 0:
        raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "datagram does not begin with zero")
    handle, at = _integer(data, 1)
    if at + _FIXED.size > len(data):
        raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "datagram cut short")
    kind, track, number, flags = _FIXED.unpack_from(data, at)
    fragment, at = _integer(data, at + _FIXED.size)
    length, at = _integer(data, at)
    payload = memoryview(data)[at:]
    if kind <= _REPAIR:
        if not 0 < length <= MAX_OBJECT_SIZE:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "object length is out of range")
        size = parity_size(length, fragment) if kind == _PARITY else fragment_size(length, fragment)
        if not payload or len(payload) != size:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "fragment has the wrong size")
    return MediaHeader(
        handle=handle, type=kind, track=track, object=number, flags=flags, fragment=fragment, length=length
    ), payload


def _integer(data: bytes | memoryview, offset: int) -> tuple[int, int]:
    """The integer at `offset` and the offset behind it; most are one byte, and this runs three times a datagram."""
    if offset < len(data) and (first := data[offset]) < 0x40:
        return first, offset + 1
    found = varint.decode(data, offset)
    if found is None:
        raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "integer cut short")
    return found


def fragment_count(length: int) -> int:
    """Fragments of an object of `length` bytes."""
    return -(-length // MAX_FRAGMENT_PAYLOAD)


def fragment_size(length: int, fragment: int) -> int:
    """Bytes of one fragment; 0 where the object has no such fragment."""
    return max(0, min(MAX_FRAGMENT_PAYLOAD, length - fragment * MAX_FRAGMENT_PAYLOAD))


def parity_size(length: int, fragment: int) -> int:
    """Bytes of one row of parity: as long as its block's first fragment; 0 where the object has no such block."""
    return fragment_size(length, fragment - fragment % PARITY_BLOCK)


def of_track(data: bytes, handle: int, track: int) -> bool:
    """Whether a datagram is of this track under this handle."""
    found, at = _integer(data, 1)
    return found == handle and at + 1 < len(data) and data[at + 1] == track


def with_type(data: bytes, kind: DatagramType) -> bytes:
    """The same datagram with another Type: how a repair is made from its original."""
    reader = Reader(data)
    reader.uint(1)
    reader.integer()
    at = reader.offset
    return data[:at] + bytes((kind,)) + data[at + 1 :]
