"""Packets with a short header, protected and opened (RFC 9001, section 5): what all packets after a handshake are.

aioquic does the same in a dozen calls for each packet, for every kind of header. These two functions use its keys and
make the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aioquic.quic.packet import decode_packet_number
from cryptography.exceptions import InvalidTag

#: The fixed bit, and a packet number of two bytes.
_FIRST = 0x41
_SPIN, _KEY_PHASE, _RESERVED, _NUMBER_SIZE = 0x20, 0x04, 0x18, 0x03
_NONCE, _TAG, _SAMPLE, _LONGEST_NUMBER = 12, 16, 16, 4


class Damaged(Exception):
    """A packet that was not protected with these keys."""


def overhead(destination: bytes) -> int:
    """Bytes that header and tag take of a packet to this connection ID."""
    return 3 + len(destination) + _TAG


def protect(keys: Any, destination: bytes, *, spin: bool, number: int, payload: bytes) -> bytes:
    """The packet of a payload of at least two bytes. `keys`: aioquic's CryptoPair, which has no update to begin."""
    send = keys.send
    first = _FIRST | (_SPIN if spin else 0) | (_KEY_PHASE if keys.recv.key_phase else 0)
    short = number & 0xFFFF
    header = b"%c%b%b" % (first, destination, short.to_bytes(2, "big"))
    aead = send.aead
    sealed = aead._aead.encrypt((aead._iv ^ number).to_bytes(_NONCE, "big"), payload, header)
    mask = send.hp._mask(sealed[2 : 2 + _SAMPLE])
    hidden = (short ^ (mask[1] << 8 | mask[2])).to_bytes(2, "big")
    return b"%c%b%b%b" % (first ^ (mask[0] & 0x1F), destination, hidden, sealed)


def protect_all(keys: Any, destination: bytes, *, spin: bool, number: int, payloads: Sequence[bytes]) -> list[bytes]:
    """The packets of several payloads, the first with packet number `number`: what `protect` makes of each, with one
    call for all masks of their headers. `keys` are of AES."""
    send = keys.send
    first = _FIRST | (_SPIN if spin else 0) | (_KEY_PHASE if keys.recv.key_phase else 0)
    prefix = b"%c%b" % (first, destination)
    encrypt, start = send.aead._aead.encrypt, send.aead._iv
    sealed = [
        encrypt((start ^ one).to_bytes(_NONCE, "big"), payload, prefix + (one & 0xFFFF).to_bytes(2, "big"))
        for one, payload in enumerate(payloads, number)
    ]
    masks = send.hp._mask(b"".join([one[2 : 2 + _SAMPLE] for one in sealed]))
    packets = []
    for one, at in zip(sealed, range(0, len(masks), _SAMPLE), strict=True):
        hidden = ((number & 0xFFFF) ^ (masks[at + 1] << 8 | masks[at + 2])).to_bytes(2, "big")
        packets.append(b"%c%b%b%b" % (first ^ (masks[at] & 0x1F), destination, hidden, one))
        number += 1
    return packets


def unprotect(keys: Any, data: bytes, *, cid_length: int, expected: int) -> tuple[int, int, bytes] | None:
    """First byte of the header, packet number and payload of a packet; None where it is not of the present keys or says
    what needs a closer look. `expected`: the next packet number. Raises Damaged."""
    at = 1 + cid_length
    sample = data[at + _LONGEST_NUMBER : at + _LONGEST_NUMBER + _SAMPLE]
    if len(sample) < _SAMPLE:
        return None
    receive = keys.recv
    mask = receive.hp._mask(sample)
    first = data[0] ^ (mask[0] & 0x1F)
    if first & _RESERVED or bool(first & _KEY_PHASE) is not bool(receive.key_phase):
        return None
    size = (first & _NUMBER_SIZE) + 1
    end = at + size
    short = int.from_bytes(data[at:end], "big") ^ int.from_bytes(mask[1 : 1 + size], "big")
    number: int = decode_packet_number(short, 8 * size, expected)
    header = b"%c%b%b" % (first, data[1:at], short.to_bytes(size, "big"))
    aead = receive.aead
    try:
        payload = aead._aead.decrypt((aead._iv ^ number).to_bytes(_NONCE, "big"), data[end:], header)
    except InvalidTag:
        raise Damaged from None
    return first, number, payload


def spins(first: int) -> bool:
    """The spin bit of a header's first byte (RFC 9000, section 17.4)."""
    return bool(first & _SPIN)
