"""The clear header of media datagrams."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.wire import datagram, varint
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import (
    MAX_DATAGRAM_PAYLOAD,
    MAX_FRAGMENT_PAYLOAD,
    MAX_OBJECT_SIZE,
    CloseCode,
    DatagramType,
)
from tests.protocol.messages import damaged

HANDLES = st.integers(0, 1 << 20)


@st.composite
def fragments(draw: st.DrawFn) -> tuple[MediaHeader, bytes]:
    """A well-formed fragment of a media object."""
    length = draw(st.integers(1, MAX_OBJECT_SIZE))
    fragment = draw(st.integers(0, datagram.fragment_count(length) - 1))
    kind = draw(st.sampled_from([DatagramType.MEDIA, DatagramType.REPAIR]))
    header = MediaHeader(
        handle=draw(HANDLES),
        type=kind,
        track=draw(st.integers(0, 255)),
        object=draw(st.integers(0, (1 << 32) - 1)),
        flags=draw(st.integers(0, 255)),
        fragment=fragment,
        length=length,
    )
    return header, bytes([draw(st.integers(0, 255))]) * datagram.fragment_size(length, fragment)


@given(fragments())
def test_a_fragment_reads_back_and_fits_a_datagram(drawn: tuple[MediaHeader, bytes]) -> None:
    header, payload = drawn
    data = datagram.encode(header, payload)
    assert data[0] == 0 and len(data) <= MAX_DATAGRAM_PAYLOAD
    read, rest = datagram.decode(data)
    assert read == header and bytes(rest) == payload


@given(fragments(), st.data())
def test_a_damaged_datagram_is_another_one_or_the_peers_error(
    drawn: tuple[MediaHeader, bytes], data: st.DataObject
) -> None:
    raw = data.draw(damaged(datagram.encode(*drawn)))
    try:
        header, payload = datagram.decode(raw)
    except RemoteProtocolError as error:
        assert error.code is CloseCode.PROTOCOL_ERROR
        return
    if header.type == DatagramType.PARITY:
        assert len(payload) == datagram.parity_size(header.length, header.fragment) > 0
    if header.type in (DatagramType.MEDIA, DatagramType.REPAIR):
        assert len(payload) == datagram.fragment_size(header.length, header.fragment) > 0


@given(st.binary(max_size=1300))
def test_any_datagram_is_read_or_refused(data: bytes) -> None:
    for candidate in (data, b"\0" + data):
        try:
            datagram.decode(candidate)
        except RemoteProtocolError:
            continue


@pytest.mark.parametrize(
    ("length", "fragment", "size"),
    [
        (0, 0, 0),
        (MAX_OBJECT_SIZE + 1, 0, MAX_FRAGMENT_PAYLOAD),
        (1000, 0, 999),
        (1000, 0, 1001),
        (1000, 1, 0),
        (1000, 1, 1),
        (2000, 0, 1000),
        (2000, 1, 1128),
        (2000, 1 << 40, 872),
    ],
)
def test_a_fragment_has_exactly_the_size_of_its_place(length: int, fragment: int, size: int) -> None:
    data = datagram.encode(
        MediaHeader(handle=1, type=DatagramType.MEDIA, track=1, object=1, flags=0, fragment=fragment, length=length),
        bytes(size),
    )
    with pytest.raises(RemoteProtocolError):
        datagram.decode(data)


@pytest.mark.parametrize(
    ("length", "fragment", "size"),
    [
        (0, 0, 0),
        (MAX_OBJECT_SIZE + 1, 0, MAX_FRAGMENT_PAYLOAD),
        (1000, 0, 999),
        (1000, 127, 1001),
        (1000, 128, 1000),
        (1000, 128, 0),
        (2000, 1, 872),
        (128 * 1128 + 5, 128, 1128),
        (128 * 1128 + 5, 1, 5),
        (128 * 1128 + 5, 256, 5),
        (2000, 1 << 40, 1128),
    ],
)
def test_a_row_of_parity_has_exactly_the_size_of_its_block_s_first_fragment(
    length: int, fragment: int, size: int
) -> None:
    data = datagram.encode(
        MediaHeader(handle=1, type=DatagramType.PARITY, track=1, object=1, flags=0, fragment=fragment, length=length),
        bytes(size),
    )
    with pytest.raises(RemoteProtocolError):
        datagram.decode(data)


@pytest.mark.parametrize(
    ("length", "fragment", "size"),
    [(1000, 0, 1000), (1000, 127, 1000), (2000, 127, 1128), (128 * 1128 + 5, 127, 1128), (128 * 1128 + 5, 255, 5)],
)
def test_a_row_of_parity_reads_back(length: int, fragment: int, size: int) -> None:
    header = MediaHeader(
        handle=9, type=DatagramType.PARITY, track=1, object=1, flags=3, fragment=fragment, length=length
    )
    read, row = datagram.decode(datagram.encode(header, bytes([7]) * size))
    assert (read, bytes(row)) == (header, bytes([7]) * size)


@given(st.integers(1, MAX_OBJECT_SIZE))
def test_every_block_has_rows_as_long_as_its_longest_fragment(length: int) -> None:
    sizes = [datagram.fragment_size(length, at) for at in range(datagram.fragment_count(length))]
    for first in range(0, len(sizes), datagram.PARITY_BLOCK):
        longest = max(sizes[first : first + datagram.PARITY_BLOCK])
        assert {datagram.parity_size(length, first + row) for row in (0, 1, 127)} == {longest}
    assert datagram.parity_size(length, len(sizes) + datagram.PARITY_BLOCK) == 0


def test_a_datagram_over_the_limit_is_nobodys() -> None:
    with pytest.raises(RemoteProtocolError):
        datagram.decode(bytes(MAX_DATAGRAM_PAYLOAD + 1))
    with pytest.raises(LocalProtocolError):
        datagram.encode(
            MediaHeader(handle=1, type=DatagramType.MEDIA, track=1, object=1, flags=0, fragment=0, length=5000),
            bytes(MAX_DATAGRAM_PAYLOAD),
        )


@given(fragments())
def test_a_repair_differs_from_its_original_in_its_type_alone(drawn: tuple[MediaHeader, bytes]) -> None:
    data = datagram.encode(*drawn)
    again = datagram.with_type(data, DatagramType.REPAIR)
    at = 1 + varint.size(drawn[0].handle)
    assert again[at] == DatagramType.REPAIR
    assert again[:at] + again[at + 1 :] == data[:at] + data[at + 1 :]


@given(st.integers(1, MAX_OBJECT_SIZE))
def test_fragments_add_up_to_their_object(length: int) -> None:
    count = datagram.fragment_count(length)
    assert sum(datagram.fragment_size(length, at) for at in range(count)) == length
    assert datagram.fragment_size(length, count) == 0
