"""Parity: the matrix of the specification, rows that are what it says, and every loss that the rows cover repaired."""

from __future__ import annotations

import random
from functools import reduce
from operator import xor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.sframe import ObjectOpener, ObjectSealer, UnknownKey
from avl_protocol.media import parity
from avl_protocol.media.parity import BLOCK
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, MAX_OBJECT_SIZE, DatagramType


def product(a: int, b: int) -> int:
    """a times b in GF(256) as it is defined: shifted additions, reduced by the polynomial 0x11d."""
    total = 0
    while b:
        total ^= a if b & 1 else 0
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return total


def content(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def pieces(sealed: bytes) -> dict[int, bytes]:
    """Fragments by index."""
    places = range(0, len(sealed), MAX_FRAGMENT_PAYLOAD)
    return {index: sealed[at : at + MAX_FRAGMENT_PAYLOAD] for index, at in enumerate(places)}


def made(sealed: bytes, rows: list[int] | range) -> dict[int, dict[int, bytes]]:
    """Parity by block and row."""
    out: dict[int, dict[int, bytes]] = {}
    for data in parity.make(sealed, 1, 1, 1, 0, rows):
        header, row = datagram.decode(data)
        out.setdefault(header.fragment // BLOCK, {})[header.fragment % BLOCK] = bytes(row)
    return out


# -- the code ----------------------------------------------------------------------------------------------------------


def test_the_matrix_is_a_cauchy_matrix_whose_columns_are_scaled_so_that_row_0_is_ones() -> None:
    assert parity.matrix_row(0) == b"\1" * BLOCK
    for row in range(BLOCK):
        coefficients = parity.matrix_row(row)
        assert len(coefficients) == BLOCK
        # c = y / (x + y): with distinct x and y this alone makes every square submatrix invertible
        assert all(product(coefficients[j], row ^ (128 + j)) == 128 + j for j in range(BLOCK))


@pytest.mark.parametrize("size", [1, 44, 1128, 1129, 17 * 1128 - 300, 128 * 1128, 128 * 1128 + 1, 130 * 1128 + 9])
def test_a_row_is_the_sum_that_the_specification_writes_down(size: int) -> None:
    sealed = content(size, size)
    fragments = pieces(sealed)
    for block, rows in made(sealed, [0, 1, 2, 64, 127]).items():
        of_it = [fragments[index] for index in range(block * BLOCK, min((block + 1) * BLOCK, len(fragments)))]
        assert sorted(rows) == [0, 1, 2, 64, 127]
        for row, found in rows.items():
            assert len(found) == len(of_it[0])
            for at in {0, 1, 43, 500, len(of_it[-1]) - 1, len(found) - 1} & set(range(len(found))):
                terms = [
                    product(product(128 + j, inverse(128 + (j ^ row))), one[at] if at < len(one) else 0)
                    for j, one in enumerate(of_it)
                ]
                assert found[at] == reduce(xor, terms), (block, row, at)


def inverse(value: int) -> int:
    return next(other for other in range(1, 256) if product(value, other) == 1)


def test_parity_comes_block_by_block_under_the_object_s_own_header() -> None:
    sealed = content(1, 128 * MAX_FRAGMENT_PAYLOAD + 5)
    headers = [datagram.decode(data)[0] for data in parity.make(sealed, 300, 4, 77, 9, [5, 0])]
    assert headers == [
        MediaHeader(
            handle=300, type=DatagramType.PARITY, track=4, object=77, flags=9, fragment=fragment, length=len(sealed)
        )
        for fragment in (5, 0, 133, 128)
    ]


@given(st.integers(1, 40 * MAX_FRAGMENT_PAYLOAD), st.sets(st.integers(0, BLOCK - 1), max_size=6), st.randoms())
@settings(max_examples=40)
def test_a_row_is_the_same_whoever_makes_it_with_whatever_others(
    size: int, rows: set[int], chance: random.Random
) -> None:
    sealed = content(size, size)
    order = sorted(rows)
    together = parity.make(sealed, 1, 1, 1, 0, order)
    assert together == [data for row in order for data in parity.make(sealed, 1, 1, 1, 0, [row])]
    chance.shuffle(order)
    assert sorted(parity.make(sealed, 1, 1, 1, 0, order)) == sorted(together)


@pytest.mark.parametrize("size", [1, MAX_FRAGMENT_PAYLOAD, MAX_OBJECT_SIZE])
def test_a_row_of_any_object_fits_a_datagram_under_any_handle(size: int) -> None:
    rows = parity.make(bytes(size), (1 << 62) - 1, 255, (1 << 32) - 1, 255, [127])
    assert len(rows) == -(-datagram.fragment_count(size) // BLOCK)


@pytest.mark.parametrize("rows", [[-1], [128], [0, 1, 128]])
def test_a_row_that_there_is_not_is_our_own_error(rows: list[int]) -> None:
    with pytest.raises(LocalProtocolError):
        parity.make(b"object", 1, 1, 1, 0, rows)


@pytest.mark.parametrize("size", [0, MAX_OBJECT_SIZE + 1])
def test_parity_of_what_can_not_travel_is_our_own_error(size: int) -> None:
    with pytest.raises(LocalProtocolError):
        parity.make(bytes(size), 1, 1, 1, 0, [0])


# -- recovery ----------------------------------------------------------------------------------------------------------


@st.composite
def losses(draw: st.DrawFn) -> tuple[bytes, dict[int, list[int]], dict[int, list[int]]]:
    """An object of up to 300 fragments; lost fragments of each block, and as many rows or more that came."""
    count = draw(st.integers(1, 300))
    size = (count - 1) * MAX_FRAGMENT_PAYLOAD + draw(st.integers(1, MAX_FRAGMENT_PAYLOAD))
    lost: dict[int, list[int]] = {}
    come: dict[int, list[int]] = {}
    for block in range(-(-count // BLOCK)):
        indices = range(block * BLOCK, min((block + 1) * BLOCK, count))
        many = st.lists(st.sampled_from(indices), max_size=draw(st.sampled_from([1, 3, 8, 24])), unique=True)
        lost[block] = draw(many)
        rows = st.integers(0, draw(st.sampled_from([24, BLOCK - 1])))
        come[block] = draw(st.lists(rows, min_size=len(lost[block]), max_size=len(lost[block]) + 2, unique=True))
    return content(size, size), lost, come


@given(losses())
@settings(max_examples=60, deadline=None)
def test_any_losses_that_the_rows_cover_are_recovered_exactly(
    drawn: tuple[bytes, dict[int, list[int]], dict[int, list[int]]],
) -> None:
    sealed, lost, come = drawn
    fragments = pieces(sealed)
    rows = made(sealed, sorted({row for of_block in come.values() for row in of_block}))
    for block, missing in lost.items():
        have = {index: one for index, one in fragments.items() if index not in missing}
        parities = {row: rows[block][row] for row in come[block]}
        assert parity.recover(len(sealed), block, have, parities) == {index: fragments[index] for index in missing}
        fewer = dict(list(parities.items())[: len(missing) - 1]) if missing else {}
        assert parity.recover(len(sealed), block, have, fewer) == (None if missing else {})


def test_a_whole_block_comes_back_from_its_rows_alone() -> None:
    sealed = content(1, BLOCK * MAX_FRAGMENT_PAYLOAD - 7)
    assert parity.recover(len(sealed), 0, {}, made(sealed, range(BLOCK))[0]) == pieces(sealed)


def test_views_will_do_as_well_as_bytes() -> None:
    sealed = content(1, 3000)
    have: dict[int, memoryview] = {0: memoryview(pieces(sealed)[0]), 2: memoryview(pieces(sealed)[2])}
    rows = {row: memoryview(one) for row, one in made(sealed, [1])[0].items()}
    assert parity.recover(3000, 0, have, rows) == {1: pieces(sealed)[1]}


@given(st.integers(1, 5 * MAX_FRAGMENT_PAYLOAD), st.randoms(use_true_random=False))
def test_forged_rows_give_fragments_of_the_right_size_and_never_raise(size: int, chance: random.Random) -> None:
    fragments = pieces(content(size, size))
    missing = [index for index in fragments if chance.random() < 0.5]
    have = {index: one for index, one in fragments.items() if index not in missing}
    row_size = datagram.parity_size(size, 0)
    rows = {chance.randrange(BLOCK): chance.randbytes(row_size) for _ in range(10)}
    found = parity.recover(size, 0, have, rows)
    if len(rows) >= len(missing):
        assert found is not None
        assert {index: len(one) for index, one in found.items()} == {index: len(fragments[index]) for index in missing}


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_what_forged_parity_computes_is_not_opened_and_what_true_parity_does_is(lost: int) -> None:
    signer = Identity(content(1, 32))
    opener = ObjectOpener(b"media session 16", signer.public)
    opener.add_key(1, 0, content(2, 32))
    sealed = ObjectSealer(
        media_session=b"media session 16", generation=1, step=0, base=content(2, 32), track=1, sign=signer.sign
    ).seal(5, 1, content(3, 3000))
    have = {index: one for index, one in pieces(sealed).items() if index != lost}
    row = made(sealed, [0])[0][0]
    forged = parity.recover(len(sealed), 0, have, {0: bytes([row[0] ^ 1]) + row[1:]})
    true = parity.recover(len(sealed), 0, have, {0: row})
    assert forged is not None and true is not None
    for found, opens in ((forged, False), (true, True)):
        whole = b"".join(one for _, one in sorted({**have, **found}.items()))
        if opens:
            assert opener.open(1, 5, 1, whole) == content(3, 3000)
        else:
            with pytest.raises((RemoteProtocolError, UnknownKey)):
                opener.open(1, 5, 1, whole)
