"""Objects in pieces: cut, lost, doubled, shuffled, forged, and put together again within bounds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.media import parity
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.reassembler import HELD, UNFINISHED, Assembled, Reassembler
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, MAX_OBJECT_SIZE, DatagramType

SIZES = st.one_of(st.integers(1, 4 * MAX_FRAGMENT_PAYLOAD), st.sampled_from([1128, 1129, 2256, 50_000]))


def content(number: int, size: int) -> bytes:
    return random.Random(number).randbytes(size)


def subscription(reassembler: Reassembler, data: bytes, now: float = 0.0) -> Assembled | None:
    header, payload = datagram.decode(data)
    return reassembler.add(header, payload, now)


@given(SIZES, st.integers(0, 1 << 30), st.integers(0, 255))
def test_every_fragment_but_the_last_is_full(size: int, number: int, flags: int) -> None:
    datagrams = packetize(content(1, size), 3, 9, number, flags)
    headers = [datagram.decode(data) for data in datagrams]
    assert [len(payload) for _, payload in headers[:-1]] == [MAX_FRAGMENT_PAYLOAD] * (len(datagrams) - 1)
    assert b"".join(bytes(payload) for _, payload in headers) == content(1, size)
    assert {(h.handle, h.track, h.object, h.flags, h.length) for h, _ in headers} == {(3, 9, number, flags, size)}


@pytest.mark.parametrize("size", [0, MAX_OBJECT_SIZE + 1])
def test_what_can_not_travel_is_our_own_error(size: int) -> None:
    with pytest.raises(LocalProtocolError):
        packetize(bytes(size), 0, 0, 0, 0)


def test_the_largest_object_travels() -> None:
    data = content(5, MAX_OBJECT_SIZE)
    reassembler = Reassembler()
    whole = [subscription(reassembler, piece) for piece in packetize(data, 1, 1, 0, 0)]
    assert whole[-1] is not None and whole[-1].sealed == data
    assert whole[:-1] == [None] * (len(whole) - 1)


@given(
    st.lists(SIZES, min_size=1, max_size=8),
    st.randoms(use_true_random=False),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
)
def test_what_arrives_whole_comes_out_once_and_unchanged(
    sizes: list[int], chance: random.Random, loss: float, duplicate: float
) -> None:
    arriving: list[bytes] = []
    complete = set()
    for number, size in enumerate(sizes):
        pieces = packetize(content(number, size), 1, 1, number, 0)
        kept = [piece for piece in pieces if chance.random() >= loss]
        if len(kept) == len(pieces):
            complete.add(number)
        arriving += [piece for piece in kept for _ in range(2 if chance.random() < duplicate else 1)]
    chance.shuffle(arriving)
    reassembler = Reassembler()
    got = [whole for piece in arriving if (whole := subscription(reassembler, piece)) is not None]
    assert sorted(whole.number for whole in got) == sorted(complete)
    assert all(whole.sealed == content(whole.number, sizes[whole.number]) for whole in got)


def test_an_object_carries_when_its_first_and_last_fragment_came() -> None:
    pieces = packetize(content(1, 3000), 1, 1, 5, 1)
    reassembler = Reassembler()
    assert subscription(reassembler, pieces[2], 1.0) is None
    assert subscription(reassembler, pieces[0], 2.0) is None
    whole = subscription(reassembler, pieces[1], 3.0)
    assert whole == Assembled(number=5, flags=1, sealed=content(1, 3000), first=1.0, last=3.0)


def test_a_repair_counts_as_its_original() -> None:
    pieces = packetize(content(1, 3000), 1, 1, 5, 1)
    reassembler = Reassembler()
    subscription(reassembler, pieces[0])
    subscription(reassembler, datagram.with_type(pieces[1], DatagramType.REPAIR))
    assert subscription(reassembler, pieces[2]) is not None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.integers(1, 300 * MAX_FRAGMENT_PAYLOAD),
            st.integers(0, 400),
            st.integers(0, 1),
            st.sampled_from([0, 1, 2]),
            st.floats(0, 1),
        ),
        max_size=400,
    )
)
def test_nothing_forged_raises_or_makes_memory_grow(steps: list[tuple[int, int, int, int, int, float]]) -> None:
    reassembler = Reassembler()
    now = 0.0
    for number, length, fragment, flags, kind, pause in steps:
        now += pause
        size = datagram.parity_size if kind == DatagramType.PARITY else datagram.fragment_size
        header = MediaHeader(handle=1, type=kind, track=1, object=number, flags=flags, fragment=fragment, length=length)
        raw = datagram.encode(header, bytes(size(length, fragment)))
        try:
            header, payload = datagram.decode(raw)
        except RemoteProtocolError:
            continue
        reassembler.add(header, payload, now)
        reassembler.incomplete(now)
        assert len(reassembler.unfinished) <= UNFINISHED
        assert len(reassembler.finished) <= 2 * UNFINISHED
        assert reassembler.held == sum(reassembler.unfinished.values()) <= HELD


def test_memory_stays_bounded_over_a_long_and_lossy_session() -> None:
    reassembler = Reassembler()
    for number in range(4000):
        pieces = packetize(content(1, 1500), 1, 1, number, 0)
        for piece in pieces[: 1 if number % 5 else 2]:
            subscription(reassembler, piece, number / 60)
        reassembler.incomplete(number / 60)
    assert reassembler.given_up > 3000
    assert len(reassembler.unfinished) <= UNFINISHED
    assert len(reassembler.finished) <= 2 * UNFINISHED


def test_fragments_that_disagree_about_their_object_are_dropped() -> None:
    reassembler = Reassembler()
    pieces = packetize(content(1, 2000), 1, 1, 5, 0)
    subscription(reassembler, pieces[0])
    subscription(reassembler, packetize(content(2, 1500), 1, 1, 5, 0)[1])
    subscription(reassembler, packetize(content(2, 2000), 1, 1, 5, 1)[1])
    whole = subscription(reassembler, pieces[1])
    assert whole is not None and whole.sealed == content(1, 2000)


def test_a_forged_number_far_ahead_does_not_end_the_track() -> None:
    reassembler = Reassembler()
    assert subscription(reassembler, packetize(b"a", 1, 1, 10, 0)[0]) is not None
    assert subscription(reassembler, packetize(b"a", 1, 1, (1 << 32) - 1, 0)[0]) is None
    assert subscription(reassembler, packetize(b"b", 1, 1, 11, 0)[0]) is not None


def test_an_overtaken_object_is_given_up_after_its_patience_and_not_before() -> None:
    reassembler = Reassembler(patience=0.25)
    subscription(reassembler, packetize(content(1, 2000), 1, 1, 1, 0)[0], 0.0)
    assert reassembler.incomplete(10.0) == []  # nothing newer has come: it may be the last before a pause
    subscription(reassembler, packetize(b"x", 1, 1, 2, 0)[0], 0.1)
    assert reassembler.incomplete(0.2) == []
    assert reassembler.incomplete(0.3) == [1]
    assert subscription(reassembler, packetize(content(1, 2000), 1, 1, 1, 0)[1], 0.31) is None
    assert reassembler.given_up == 1


def test_a_key_object_makes_older_ones_unwanted() -> None:
    reassembler = Reassembler()
    pieces = packetize(content(1, 2000), 1, 1, 1, 0)
    subscription(reassembler, pieces[0])
    reassembler.forget_before(4)
    assert subscription(reassembler, pieces[1]) is None
    assert subscription(reassembler, packetize(b"late", 1, 1, 3, 0)[0]) is None
    assert subscription(reassembler, packetize(b"key", 1, 1, 4, 1)[0]) is not None


# -- parity ------------------------------------------------------------------------------------------------------------


def rows_of(number: int, size: int, rows: range, flags: int = 0) -> list[bytes]:
    return parity.make(content(number, size), 1, 1, number, flags, rows)


@given(
    st.lists(st.integers(1, 140 * MAX_FRAGMENT_PAYLOAD), min_size=1, max_size=4),
    st.integers(0, 4),
    st.floats(0, 0.1),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_an_object_is_given_out_exactly_when_fragments_and_rows_suffice(
    sizes: list[int], rows: int, loss: float, chance: random.Random
) -> None:
    arriving: list[bytes] = []
    for number, size in enumerate(sizes):
        sent = packetize(content(number, size), 1, 1, number, 0) + rows_of(number, size, range(rows))
        arriving += [data for data in sent if chance.random() >= loss]
    arriving += chance.sample(arriving, len(arriving) // 4)
    chance.shuffle(arriving)
    reassembler = Reassembler()
    seen: dict[tuple[int, int], set[tuple[int, int]]] = {}
    mended: dict[tuple[int, int], int] = {}  # fragments of a block that were still missing once it could be given out
    for data in arriving:
        header, payload = datagram.decode(data)
        number, block = header.object, header.fragment // parity.BLOCK
        have = seen.setdefault((number, block), set())
        have.add((header.type, header.fragment))
        count = datagram.fragment_count(header.length)
        size = min(parity.BLOCK, count - block * parity.BLOCK)
        if len(have) >= size:
            mended.setdefault((number, block), size - sum(kind == DatagramType.MEDIA for kind, _ in have))
        enough = all(
            len(seen.get((number, at), ())) >= min(parity.BLOCK, count - at * parity.BLOCK)
            for at in range(-(-count // parity.BLOCK))
        )
        first_time = number not in reassembler.finished
        whole = reassembler.add(header, payload, 1.0)
        assert (whole is not None) == (enough and first_time)
        if whole:
            repaired = sum(lacked for (of, _), lacked in mended.items() if of == number)
            assert (whole.sealed, whole.repaired) == (content(number, header.length), repaired)


def test_parity_may_be_the_first_of_an_object_and_the_last() -> None:
    pieces, rows = packetize(content(1, 3000), 1, 1, 1, 4), rows_of(1, 3000, range(2), 4)
    reassembler = Reassembler()
    assert subscription(reassembler, rows[0], 1.0) is None
    assert reassembler.newest == 1
    assert subscription(reassembler, pieces[2], 2.0) is None
    assert subscription(reassembler, pieces[0], 3.0) == Assembled(
        number=1, flags=4, sealed=content(1, 3000), first=1.0, last=3.0, repaired=1
    )
    assert subscription(reassembler, rows[1], 4.0) is None

    reassembler = Reassembler()
    assert subscription(reassembler, pieces[1], 1.0) is None
    assert subscription(reassembler, rows[1], 2.0) is None
    assert subscription(reassembler, rows[0], 3.0) == Assembled(
        number=1, flags=4, sealed=content(1, 3000), first=1.0, last=3.0, repaired=2
    )
    assert subscription(reassembler, pieces[0], 4.0) is None
    assert (reassembler.received, reassembler.held) == (1, 0)


def test_an_object_is_given_out_from_its_parity_alone() -> None:
    reassembler = Reassembler()
    given_out = [subscription(reassembler, data) for data in rows_of(1, 3000, range(3))]
    assert given_out == [
        None,
        None,
        Assembled(number=1, flags=0, sealed=content(1, 3000), first=0.0, last=0.0, repaired=3),
    ]


def test_a_row_that_comes_twice_counts_once() -> None:
    reassembler = Reassembler()
    pieces, rows = packetize(content(1, 3000), 1, 1, 1, 0), rows_of(1, 3000, range(2))
    subscription(reassembler, pieces[0])
    assert subscription(reassembler, rows[0]) is None
    assert subscription(reassembler, rows[0]) is None
    assert subscription(reassembler, rows[1]) is not None


def test_parity_that_disagrees_about_its_object_is_ignored() -> None:
    reassembler = Reassembler()
    pieces = packetize(content(1, 3000), 1, 1, 1, 0)
    subscription(reassembler, pieces[0])
    subscription(reassembler, pieces[2])
    assert subscription(reassembler, rows_of(1, 2999, range(1))[0]) is None
    assert subscription(reassembler, rows_of(1, 3000, range(1), flags=1)[0]) is None
    whole = subscription(reassembler, rows_of(1, 3000, range(1))[0])
    assert whole is not None and whole.sealed == content(1, 3000)


def test_rows_that_are_of_no_use_are_not_kept() -> None:
    reassembler = Reassembler()
    pieces = packetize(content(1, 200_000), 1, 1, 1, 0)
    for data in pieces[:-1]:
        subscription(reassembler, data)
    held = reassembler.held
    for data in rows_of(1, 200_000, range(8)):
        if datagram.decode(data)[0].fragment < parity.BLOCK:
            subscription(reassembler, data)
    assert reassembler.held == held
    assert subscription(reassembler, pieces[-1]) == Assembled(
        number=1, flags=0, sealed=content(1, 200_000), first=0.0, last=0.0, repaired=0
    )


def test_rows_are_forgotten_when_their_block_is_repaired_and_when_it_needs_none() -> None:
    size = parity.BLOCK * MAX_FRAGMENT_PAYLOAD + 2000
    pieces, rows = packetize(content(1, size), 1, 1, 1, 0), rows_of(1, size, range(2))
    reassembler = Reassembler()
    subscription(reassembler, pieces[0])
    subscription(reassembler, rows[2])
    assert reassembler.held == 2 * MAX_FRAGMENT_PAYLOAD
    subscription(reassembler, rows[3])
    assert reassembler.held == MAX_FRAGMENT_PAYLOAD + 2000, "the second block came from its rows alone"
    for data in (rows[0], *pieces[1:126]):
        assert subscription(reassembler, data) is None
    assert reassembler.held == 127 * MAX_FRAGMENT_PAYLOAD + 2000
    assert subscription(reassembler, rows[1]) == Assembled(
        number=1, flags=0, sealed=content(1, size), first=0.0, last=0.0, repaired=4
    )
    assert reassembler.held == 0


def test_what_unfinished_objects_hold_is_bounded_in_bytes_and_the_oldest_go() -> None:
    reassembler = Reassembler()
    data = bytes(MAX_FRAGMENT_PAYLOAD)
    for number in range(40):
        for fragment in range(500):
            reassembler.add(
                MediaHeader(
                    handle=1,
                    type=DatagramType.MEDIA,
                    track=1,
                    object=number,
                    flags=0,
                    fragment=fragment,
                    length=MAX_OBJECT_SIZE,
                ),
                data,
                0.0,
            )
            reassembler.add(
                MediaHeader(
                    handle=1,
                    type=DatagramType.PARITY,
                    track=1,
                    object=number,
                    flags=0,
                    fragment=fragment,
                    length=MAX_OBJECT_SIZE,
                ),
                data,
                0.0,
            )
            assert reassembler.held <= HELD
    kept = sorted(reassembler.unfinished)
    assert kept == list(range(40 - len(kept), 40)) and len(kept) >= 7
    assert reassembler.given_up == 40 - len(kept)
    reassembler.forget_before(100)
    assert reassembler.held == 0


def test_what_a_header_promises_takes_no_memory() -> None:
    reassembler = Reassembler()
    for number in range(UNFINISHED):
        last = datagram.fragment_count(MAX_OBJECT_SIZE) - 1
        payload = bytes(datagram.fragment_size(MAX_OBJECT_SIZE, last))
        reassembler.add(
            MediaHeader(handle=1, type=0, track=1, object=number, flags=0, fragment=last, length=MAX_OBJECT_SIZE),
            payload,
            0.0,
        )
    assert len(reassembler.unfinished) == UNFINISHED
    assert reassembler.held < UNFINISHED * MAX_FRAGMENT_PAYLOAD
