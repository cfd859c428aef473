"""Parity of a sealed object: an erasure code over GF(256) with one fixed matrix (spec 05-media, 5.2.1).

Any row repairs any one loss of its block and m rows any m, and because the rows are a function of the sealed bytes
alone, any hop can make them. Row 0 is the plain XOR, so that the common single loss is repaired without a
multiplication.

A fragment is one large integer here, little-endian, so that zero padding costs nothing; a product is summed bit by bit
of its coefficient and brought back into the field once for a whole row. Measured against a compiled library that is as
fast, and the relay stays without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, MAX_OBJECT_SIZE, DatagramType

#: Fragments of a block, and rows that it can have.
BLOCK = datagram.PARITY_BLOCK

#: x^8 + x^4 + x^3 + x^2 + 1, whose root 2 generates the field.
_POLYNOMIAL = 0x11D
_ORDER = 255


def _powers() -> bytes:
    """2 to the power of 0, 1, ... 254."""
    out, value = bytearray(), 1
    for _ in range(_ORDER):
        out.append(value)
        value = value << 1 if value < 0x80 else value << 1 ^ _POLYNOMIAL
    return bytes(out)


_EXP = _powers()
#: The exponent of every element but 0, whose place is never looked up.
_LOG = bytes(max(0, _EXP.find(value)) for value in range(256))
#: The bits that are set in every byte.
_BITS = tuple(tuple(bit for bit in range(8) if value >> bit & 1) for value in range(256))
#: In every byte of a fragment: all bits but the highest, and the lowest alone.
_LOW = int.from_bytes(b"\x7f" * MAX_FRAGMENT_PAYLOAD, "little")
_ONES = int.from_bytes(b"\x01" * MAX_FRAGMENT_PAYLOAD, "little")


@cache
def matrix_row(row: int) -> bytes:
    """Coefficients of the 128 fragments of a block in parity row 0 to 127: (128 + j) / (128 + j XOR row).

    That is the Cauchy matrix 1 / (x + y) for x = row and y = 128 + j with its columns divided by those of row 0. A
    column's factor changes no rank, so that every square part of the matrix can be inverted.
    """
    return bytes(_EXP[(_LOG[y] - _LOG[y ^ row]) % _ORDER] for y in range(BLOCK, 2 * BLOCK))


def make(sealed: bytes, handle: int, track: int, number: int, flags: int, rows: Sequence[int] | range) -> list[bytes]:
    """Datagram payloads, header included, with these rows of every block of an object: block by block, row by row.

    Raises LocalProtocolError for an object that can't travel and for a row beyond 127.
    """
    length = len(sealed)
    if not 0 < length <= MAX_OBJECT_SIZE:
        raise LocalProtocolError(f"an object of {length} bytes can't travel")
    if not all(0 <= row < BLOCK for row in rows):
        raise LocalProtocolError(f"parity has rows 0 to {BLOCK - 1}")
    out = []
    span = BLOCK * MAX_FRAGMENT_PAYLOAD
    for block, start in enumerate(range(0, length, span)):
        size = min(MAX_FRAGMENT_PAYLOAD, length - start)
        places = range(start, min(start + span, length), MAX_FRAGMENT_PAYLOAD)
        values = [int.from_bytes(sealed[at : at + MAX_FRAGMENT_PAYLOAD], "little") for at in places]
        for row in rows:
            header = MediaHeader(
                handle=handle,
                type=DatagramType.PARITY,
                track=track,
                object=number,
                flags=flags,
                fragment=block * BLOCK + row,
                length=length,
            )
            out.append(datagram.encode(header, _sum(values, matrix_row(row)).to_bytes(size, "little")))
    return out


def recover(
    length: int, block: int, have: Mapping[int, bytes | memoryview], parity: Mapping[int, bytes | memoryview]
) -> dict[int, bytes] | None:
    """The missing fragments of one block of an object of `length` bytes; None when there are too few rows for them.

    `have` and the answer go by the fragment's index in the object, `parity` by row. Sizes are those that
    `datagram.decode` has checked. What forged rows give is of the right size and nothing more: the seal rejects it.
    """
    first = block * BLOCK
    indices = range(first, min(first + BLOCK, datagram.fragment_count(length)))
    missing = [index for index in indices if index not in have]
    rows = sorted(parity)[: len(missing)]
    if len(rows) < len(missing):
        return None
    present = [index for index in indices if index in have]
    values = [int.from_bytes(have[index], "little") for index in present]
    lacking = []
    for row in rows:
        coefficients = matrix_row(row)
        known = _sum(values, (coefficients[index - first] for index in present))
        lacking.append(int.from_bytes(parity[row], "little") ^ known)
    solved = _inverse(rows, [BLOCK + index - first for index in missing])
    size = datagram.fragment_size(length, first)
    return {
        index: _sum(lacking, coefficients).to_bytes(size, "little")[: datagram.fragment_size(length, index)]
        for index, coefficients in zip(missing, solved, strict=True)
    }


def _sum(values: Sequence[int], coefficients: Iterable[int]) -> int:
    """The sum of coefficient times value, byte by byte in the field; coefficients beyond the values are left out."""
    sums = [0] * 8
    for value, coefficient in zip(values, coefficients, strict=False):
        for bit in _BITS[coefficient]:
            sums[bit] ^= value
    total = sums[7]
    for bit in range(6, -1, -1):
        total = (total & _LOW) << 1 ^ (total >> 7 & _ONES) * (_POLYNOMIAL & 0xFF) ^ sums[bit]
    return total


def _inverse(xs: Sequence[int], ys: Sequence[int]) -> list[list[int]]:
    """For each y the coefficients, one an x, by which the rows `xs` give the fragment that stands at `y`.

    The inverse of a Cauchy matrix in closed form, quadratic where elimination is cubic: nobody can make a receiver
    work long for a few datagrams.
    """
    by_x = [sum(_LOG[x ^ y] for y in ys) - sum(_LOG[x ^ other] for other in xs if other != x) for x in xs]
    by_y = [sum(_LOG[x ^ y] for x in xs) - sum(_LOG[y ^ other] for other in ys if other != y) - _LOG[y] for y in ys]
    return [
        [_EXP[(at_x + at_y - _LOG[x ^ y]) % _ORDER] for x, at_x in zip(xs, by_x, strict=True)]
        for y, at_y in zip(ys, by_y, strict=True)
    ]
