"""Bits: what announces a picture at the beginning of a bitstream, read bit by bit, and the refusal of what is not as
it was announced (spec 05-media, 5.3)."""

from __future__ import annotations

from collections.abc import Iterator

from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode

#: Bytes of a header that are read, and NAL units of an access unit; more are nobody's.
LONGEST, MOST_UNITS = 4096, 512


def unlike() -> RemoteProtocolError:
    """The refusal of a bitstream that is not what was announced."""
    return RemoteProtocolError(
        CloseCode.SESSION_PROTOCOL, "The host's video is not as it was announced. Update avl on the host."
    )


class Bits:
    """The bits of `data`, the highest of a byte first; past the end are ones, so that every number ends."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        """The next `count` bits."""
        value = 0
        for _ in range(count):
            self._left -= 1
            value = value << 1 | (self._value >> self._left & 1 if self._left >= 0 else 1)
        return value

    def number(self) -> int:
        """ue(v): an Exp-Golomb number of at most 32 bits (H.264, 9.1). Raises RemoteProtocolError."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:
                raise unlike()
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        """se(v)."""
        number = self.number()
        return (number + 1) // 2 if number % 2 else -(number // 2)


def units(unit: bytes) -> Iterator[int]:
    """Where the NAL units of an access unit in Annex B form begin, with their header."""
    at = unit.find(b"\x00\x00\x01")
    while 0 <= at < len(unit) - 3:
        yield at + 3
        at = unit.find(b"\x00\x00\x01", at + 3)


def unescaped(unit: bytes) -> Bits:
    """The bits of a NAL unit up to the next one, without its emulation prevention (H.264, 7.4.1)."""
    return Bits(unit[:LONGEST].partition(b"\x00\x00\x01")[0].replace(b"\x00\x00\x03", b"\x00\x00"))


def like(coded: int, announced: int) -> bool:
    """Whether a side is coded as it was announced: an odd one may have one pixel more."""
    return coded - announced in (0, announced % 2)
