"""What stands in a packet's payload, read in one pass where it holds nothing but what most packets do.

Most packets of a running hop hold acknowledgements, datagrams and pieces of streams, and nothing that could let
anything leave. To know that spares a flush for each of them, and lets the acknowledgement of feedback wait for the next
datagram, which carries it for nothing. Everything else is left to aioquic.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from avl_protocol.wire.registry import DatagramType

#: Frame types of RFC 9000, section 19, and RFC 9221.
_ACK, _DATAGRAM, _DATAGRAM_WITH_LENGTH = 0x02, 0x30, 0x31
#: STREAM frames by their bits: 0x08 is the base (19.8).
_STREAMS = range(0x08, 0x10)
_OFFSET, _LENGTH, _END = 0x04, 0x02, 0x01
#: How a feedback datagram begins: zero byte, handle 0, type (spec 07-rate, 7.1).
_FEEDBACK = bytes((0, 0, DatagramType.FEEDBACK))
#: Frames that one packet may hold, runs of PADDING counted as one: an honest one holds a few, or some dozens of small
#: datagrams, and each costs as much to read as a whole packet to open.
MOST_FRAMES = 128
_PADDING, _CRYPTO, _NEW_TOKEN, _NEW_ID, _CHALLENGE, _RESPONSE = 0x00, 0x06, 0x07, 0x18, 0x1A, 0x1B
_ACK_ECN, _CLOSES = 0x03, (0x1C, 0x1D)
#: Integers of the frames that hold nothing else (19.2 to 19.20).
_INTEGERS = {
    0x01: 0,
    0x04: 3,
    0x05: 2,
    0x10: 1,
    0x11: 2,
    0x12: 1,
    0x13: 1,
    0x14: 1,
    0x15: 2,
    0x16: 1,
    0x17: 1,
    0x19: 1,
    0x1E: 0,
}


class Payload(Enum):
    """Kinds of payloads."""

    FEEDBACK = "acknowledgements and feedback, which nobody waits to see acknowledged"
    PIECES = "acknowledgements and pieces of streams"
    CARRIED = "acknowledgements, datagrams and perhaps pieces of streams"
    ANYTHING = "anything else"


class Acknowledgement(NamedTuple):
    """An ACK frame: ranges of packet numbers, the newest first, and the delay as it was encoded."""

    ranges: list[range]
    delay: int


class Piece(NamedTuple):
    """A STREAM frame."""

    stream: int
    offset: int
    data: bytes
    end: bool


class Contents(NamedTuple):
    """The frames of a payload, by kind, each in order."""

    acknowledgements: list[Acknowledgement]
    datagrams: list[bytes]
    pieces: list[Piece]

    @property
    def eliciting(self) -> bool:
        """Whether it asks for an acknowledgement."""
        return bool(self.datagrams or self.pieces)

    @property
    def kind(self) -> Payload:
        """What it asks for."""
        if not self.datagrams:
            return Payload.PIECES if self.pieces else Payload.FEEDBACK
        if self.pieces or not all(map(_feedback, self.datagrams)):
            return Payload.CARRIED
        return Payload.FEEDBACK


def read(plain: bytes) -> Contents | None:
    """The frames of a decrypted payload of a 1-RTT packet; None where it holds any others, none or too
    many, or is malformed."""
    at, size = 0, len(plain)
    acknowledgements: list[Acknowledgement] = []
    datagrams: list[bytes] = []
    pieces: list[Piece] = []
    try:
        while at < size:
            kind = plain[at]
            at += 1
            if kind == _DATAGRAM_WITH_LENGTH:
                length, at = _integer(plain, at)
                datagrams.append(plain[at : at + length])
                at += length
            elif kind == _ACK:
                acknowledgement, at = _acknowledgement(plain, at)
                acknowledgements.append(acknowledgement)
            elif kind in _STREAMS:
                stream, at = _integer(plain, at)
                offset = 0
                if kind & _OFFSET:
                    offset, at = _integer(plain, at)
                end = size
                if kind & _LENGTH:
                    length, at = _integer(plain, at)
                    end = at + length
                pieces.append(Piece(stream, offset, plain[at:end], bool(kind & _END)))
                at = end
            elif kind == _DATAGRAM:
                datagrams.append(plain[at:])
                at = size
            else:
                return None
    except (IndexError, ValueError):
        return None
    if not size or at != size or len(acknowledgements) + len(datagrams) + len(pieces) > MOST_FRAMES:
        return None
    return Contents(acknowledgements, datagrams, pieces)


def too_many(plain: bytes) -> bool:
    """Whether a payload holds more than MOST_FRAMES. What is malformed or unknown ends the count: it is refused by who
    reads it."""
    at = count = 0
    try:
        while at < len(plain):
            count += 1
            if count > MOST_FRAMES:
                return True
            at = _behind(plain, at)
    except (IndexError, ValueError, KeyError):
        pass
    return False


def _behind(plain: bytes, at: int) -> int:
    """The place behind a frame, of PADDING behind all of it. Raises KeyError for one that ends a connection, or that
    nobody knows."""
    kind, at = plain[at], at + 1
    if kind == _PADDING:
        return len(plain) - len(plain[at:].lstrip(b"\0"))
    if (integers := _INTEGERS.get(kind)) is not None:
        for _ in range(integers):
            _, at = _integer(plain, at)
        return at
    if kind in (_ACK, _ACK_ECN):
        _, at = _acknowledgement(plain, at)
        for _ in range(3 if kind == _ACK_ECN else 0):
            _, at = _integer(plain, at)
        return at
    if kind in _STREAMS or kind == _CRYPTO:
        for _ in range((kind in _STREAMS) + (kind == _CRYPTO or bool(kind & _OFFSET))):
            _, at = _integer(plain, at)
        if kind in _STREAMS and not kind & _LENGTH:
            return len(plain)
    elif kind == _NEW_ID:
        _, at = _integer(plain, at)
        _, at = _integer(plain, at)
        return at + 1 + plain[at] + 16
    elif kind in (_CHALLENGE, _RESPONSE):
        return at + 8
    elif kind == _DATAGRAM:
        return len(plain)
    elif kind not in (_DATAGRAM_WITH_LENGTH, _NEW_TOKEN):
        raise KeyError(kind)
    length, at = _integer(plain, at)
    return at + length


def _acknowledgement(plain: bytes, at: int) -> tuple[Acknowledgement, int]:
    """An ACK frame and the place behind it: largest, delay, count and first range, then pairs (19.3). Raises ValueError
    for a range below zero."""
    largest, at = _integer(plain, at)
    delay, at = _integer(plain, at)
    count, at = _integer(plain, at)
    first, at = _integer(plain, at)
    smallest = largest - first
    ranges = [range(smallest, largest + 1)]
    for _ in range(count):
        gap, at = _integer(plain, at)
        length, at = _integer(plain, at)
        largest = smallest - gap - 2
        smallest = largest - length
        ranges.append(range(smallest, largest + 1))
    if smallest < 0:
        raise ValueError
    return Acknowledgement(ranges, delay), at


def _feedback(datagram: bytes) -> bool:
    """Whether a datagram is feedback, raw or behind a WebTransport session's number (RFC 9297, section 2.1)."""
    if datagram.startswith(_FEEDBACK):
        return True
    return bool(datagram) and datagram.startswith(_FEEDBACK, 1 << (datagram[0] >> 6))


def _integer(plain: bytes, at: int) -> tuple[int, int]:
    """The integer at `at` and the place behind it (RFC 9000, section 16)."""
    first = plain[at]
    if first < 0x40:
        return first, at + 1
    end = at + (1 << (first >> 6))
    if end > len(plain):
        raise IndexError
    return int.from_bytes(plain[at:end], "big") & ((1 << (8 * (end - at) - 2)) - 1), end
