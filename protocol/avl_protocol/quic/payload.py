"""What a packet's payload asks for, told by its frames before they are handled.

Most packets of a running hop hold an acknowledgement, a media datagram or feedback, and nothing that could let anything
leave. To know that spares a flush for each of them, and lets the acknowledgement of feedback wait for the next
datagram, which carries it for nothing.
"""

from __future__ import annotations

from enum import Enum

from avl_protocol.wire.registry import DatagramType

#: Frame types of RFC 9000, section 19, and RFC 9221.
_ACK, _DATAGRAM, _DATAGRAM_WITH_LENGTH = 0x02, 0x30, 0x31
#: How a feedback datagram begins: zero byte, handle 0, type (spec 07-rate, 7.1).
_FEEDBACK = bytes((0, 0, DatagramType.FEEDBACK))


class Payload(Enum):
    """Kinds of payloads."""

    FEEDBACK = "acknowledgements and feedback, which nobody waits to see acknowledged"
    DATAGRAMS = "acknowledgements and datagrams"
    ANYTHING = "anything else"


def kind_of(plain: bytes) -> Payload:
    """The kind of a decrypted payload of a 1-RTT packet; what is malformed is anything, and found out elsewhere."""
    at, found = 0, Payload.FEEDBACK
    try:
        while at < len(plain):
            kind = plain[at]
            at += 1
            if kind == _DATAGRAM_WITH_LENGTH:
                size, at = _integer(plain, at)
                end = at + size
            elif kind == _DATAGRAM:
                end = len(plain)
            elif kind == _ACK:
                at = _after_acknowledgement(plain, at)
                continue
            else:
                return Payload.ANYTHING
            if not _feedback(plain, at):
                found = Payload.DATAGRAMS
            at = end
    except IndexError:
        return Payload.ANYTHING
    return found


def _after_acknowledgement(plain: bytes, at: int) -> int:
    """Where the frame behind an ACK frame begins: largest, delay, count and first range, then pairs (19.3)."""
    at += 1 << (plain[at] >> 6)
    at += 1 << (plain[at] >> 6)
    count, at = _integer(plain, at)
    for _ in range(2 * count + 1):
        at += 1 << (plain[at] >> 6)
    return at


def _feedback(plain: bytes, at: int) -> bool:
    """Whether a datagram is feedback, raw or behind a WebTransport session's number (RFC 9297, section 2.1)."""
    behind = at + (1 << (plain[at] >> 6))
    return plain.startswith(_FEEDBACK, at) or plain.startswith(_FEEDBACK, behind)


def _integer(plain: bytes, at: int) -> tuple[int, int]:
    """The integer at `at` and the place behind it (RFC 9000, section 16)."""
    first = plain[at]
    if first < 0x40:
        return first, at + 1
    size = 1 << (first >> 6)
    return int.from_bytes(plain[at : at + size], "big") & ((1 << (8 * size - 2)) - 1), at + size
