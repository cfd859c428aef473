"""Punches: what only the other end of a session can make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.path.punch import CONNECTION_ID_BYTES, PUNCH_BYTES, Punch, PunchKey, tag_of
from avl_protocol.wire.registry import RawType

KEY, OTHER = PunchKey(b"k" * 32), PunchKey(b"o" * 32)
NONCE = b"12345678"


@pytest.mark.parametrize("answer", [False, True])
@pytest.mark.parametrize("from_viewer", [False, True])
def test_the_other_end_reads_what_this_end_made(answer: bool, from_viewer: bool) -> None:
    data = KEY.make(Punch(answer, NONCE), from_viewer)
    assert len(data) == PUNCH_BYTES and data[0] == (RawType.ANSWER if answer else RawType.PUNCH)
    assert data[0] < 0x40, "QUIC's first bytes have one of the two highest bits set"
    assert KEY.read(data, from_viewer) == Punch(answer, NONCE)
    assert tag_of(data) == KEY.tag


def test_an_answer_is_no_longer_than_its_punch() -> None:
    assert len(KEY.make(Punch(True, NONCE), False)) == len(KEY.make(Punch(False, NONCE), True))


def test_ones_own_punch_thrown_back_is_refused() -> None:
    data = KEY.make(Punch(False, NONCE), True)
    assert KEY.read(data, False) is None


def test_another_sessions_punch_is_refused() -> None:
    assert OTHER.read(KEY.make(Punch(False, NONCE), True), True) is None
    assert KEY.tag != OTHER.tag


@pytest.mark.parametrize("at", range(PUNCH_BYTES))
def test_a_changed_byte_is_noticed(at: int) -> None:
    data = bytearray(KEY.make(Punch(False, NONCE), True))
    data[at] ^= 1
    assert KEY.read(bytes(data), True) is None


def test_a_punch_turned_into_an_answer_is_refused() -> None:
    data = KEY.make(Punch(False, NONCE), True)
    assert KEY.read(bytes((RawType.ANSWER,)) + data[1:], True) is None


@pytest.mark.parametrize("size", [0, 1, 16, PUNCH_BYTES - 1, PUNCH_BYTES + 1, 1200])
def test_another_length_is_no_punch(size: int) -> None:
    data = (KEY.make(Punch(False, NONCE), True) + bytes(1200))[:size]
    assert KEY.read(data, True) is None and tag_of(data) is None


@pytest.mark.parametrize("kind", [0, RawType.LOCATE, RawType.FILTER, 0x40, 0xC0])
def test_another_type_of_datagram_is_no_punch(kind: int) -> None:
    data = bytes((kind,)) + KEY.make(Punch(False, NONCE), True)[1:]
    assert KEY.read(data, True) is None and tag_of(data) is None


@given(st.binary(max_size=64))
def test_noise_is_no_punch(data: bytes) -> None:
    assert KEY.read(data, True) is None and KEY.read(data, False) is None
    tag_of(data)


# -- connection IDs ----------------------------------------------------------------------------------------------------


def test_the_key_that_made_a_connection_id_names_it_and_no_other_does() -> None:
    made = KEY.connection_id(NONCE)
    assert len(made) == CONNECTION_ID_BYTES == 20 and made[:8] == NONCE
    assert KEY.names(made) and not OTHER.names(made)


@pytest.mark.parametrize("at", range(CONNECTION_ID_BYTES))
def test_a_changed_connection_id_is_nobodys(at: int) -> None:
    made = bytearray(KEY.connection_id(NONCE))
    made[at] ^= 0x80
    assert not KEY.names(bytes(made))


@given(st.binary(max_size=24))
def test_a_random_connection_id_is_nobodys(made: bytes) -> None:
    assert not KEY.names(made)


def test_nothing_of_a_session_links_its_connection_ids() -> None:
    first, second = KEY.connection_id(b"a" * 8), KEY.connection_id(b"b" * 8)
    assert first[8:] != second[8:] and KEY.tag not in first + second
