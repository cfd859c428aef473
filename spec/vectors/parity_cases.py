"""Vectors of parity: the matrix, rows of objects of one and of several blocks, and what losses they repair."""

from __future__ import annotations

from typing import Any

from avl_protocol.media import parity
from avl_protocol.media.packetizer import packetize
from avl_protocol.wire import datagram
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD

HANDLE, TRACK, FLAGS = 7, 2, 1

#: Bytes of the object, the rows of each block, and pairs of lost fragments and the (block, row) that come.
Losses = list[tuple[list[int], list[tuple[int, int]]]]
CASES: list[tuple[int, list[int], Losses]] = [
    (10, [0, 1, 2, 127], [([0], [(0, 0)]), ([0], [(0, 1)]), ([0], [(0, 127)]), ([0], []), ([], [])]),
    (
        2 * MAX_FRAGMENT_PAYLOAD + 44,
        [0, 1, 2, 77],
        [
            ([1], [(0, 0)]),
            ([2], [(0, 0)]),
            ([2], [(0, 77)]),
            ([0, 2], [(0, 0), (0, 1)]),
            ([1, 2], [(0, 77), (0, 2)]),
            ([0, 1, 2], [(0, 1), (0, 77), (0, 2)]),
            ([0, 1, 2], [(0, 0), (0, 1)]),
        ],
    ),
    (
        129 * MAX_FRAGMENT_PAYLOAD + 1,
        [0, 3],
        [
            ([5], [(0, 0)]),
            ([0, 127], [(0, 0), (0, 3)]),
            ([128], [(1, 3)]),
            ([128, 129], [(1, 3), (1, 0)]),
            ([17, 96, 129], [(0, 3), (0, 0), (1, 0)]),
            ([17, 96, 129], [(0, 3), (1, 3), (1, 0)]),
        ],
    ),
]


def content(seed: int, size: int) -> bytes:
    """Bytes that every implementation can compute: of x -> (1103515245 x + 12345) mod 2^31, bits 16 to 23."""
    out = bytearray()
    for _ in range(size):
        seed = (1103515245 * seed + 12345) & 0x7FFFFFFF
        out.append(seed >> 16 & 0xFF)
    return bytes(out)


def parities() -> dict[str, Any]:
    """Coefficients, datagrams of parity, and losses with what is whole again."""
    return {
        "about": "an object's bytes: x begins as its number; each time x = (1103515245 x + 12345) mod 2^31, bits 16-23",
        "matrix": [{"row": row, "coefficients": parity.matrix_row(row).hex()} for row in (0, 1, 2, 3, 64, 77, 127)],
        "objects": [_object(number, *case) for number, case in enumerate(CASES, 1)],
    }


def _object(number: int, size: int, rows: list[int], losses: Losses) -> dict[str, Any]:
    sealed = content(number, size)
    fragments = len(packetize(sealed, HANDLE, TRACK, number, FLAGS))
    return {
        "handle": HANDLE,
        "track": TRACK,
        "object": number,
        "flags": FLAGS,
        "length": size,
        "fragments": fragments,
        "rows": rows,
        "parity": [data.hex() for data in parity.make(sealed, HANDLE, TRACK, number, FLAGS, rows)],
        "losses": [
            {"lost": lost, "come": [list(row) for row in come], "whole": _whole(fragments, lost, come)}
            for lost, come in losses
        ],
    }


def _whole(fragments: int, lost: list[int], come: list[tuple[int, int]]) -> bool:
    """What the code promises: as many rows of a block as it lost fragments."""
    blocks = range(-(-fragments // datagram.PARITY_BLOCK))
    return all(
        sum(index // datagram.PARITY_BLOCK == block for index in lost) <= sum(of == block for of, _ in come)
        for block in blocks
    )
