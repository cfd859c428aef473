"""Variable-length integers of RFC 9000, section 16: 1, 2, 4 or 8 bytes, always written in the shortest form."""

from __future__ import annotations

from avl_protocol.wire.errors import LocalProtocolError

MAX = (1 << 62) - 1


def size(value: int) -> int:
    """Bytes that `value` takes."""
    if value < 0x40:
        return 1
    if value < 0x4000:
        return 2
    if value < 0x40000000:
        return 4
    return 8


def encode(value: int) -> bytes:
    """The shortest encoding of an integer from 0 to 2**62 - 1."""
    if 0 <= value < 0x40:
        return value.to_bytes(1, "big")
    if 0 <= value < 0x4000:
        return (value | 0x4000).to_bytes(2, "big")
    if 0 <= value < 0x40000000:
        return (value | 0x80000000).to_bytes(4, "big")
    if 0 <= value <= MAX:
        return (value | 0xC000000000000000).to_bytes(8, "big")
    raise LocalProtocolError(f"{value} does not fit a variable-length integer")


def decode(data: bytes | bytearray | memoryview, offset: int = 0) -> tuple[int, int] | None:
    """The integer at `offset` and the offset behind it; None when the bytes end before it does."""
    if offset >= len(data):
        return None
    first = data[offset]
    length = 1 << (first >> 6)
    end = offset + length
    if end > len(data):
        return None
    return int.from_bytes(data[offset:end], "big") & ((1 << (8 * length - 2)) - 1), end
