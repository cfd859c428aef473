"""Records: what is sealed opens once, in order, unchanged; the rest is TAMPERED."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.crypto.record import MAX_CIPHERTEXT, RecordOpener, RecordSealer, next_key
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_RECORD_DATA, CloseCode, RecordType

KEY = bytes(range(32))


def _tampered(opener: RecordOpener, ciphertext: bytes) -> None:
    before = opener.counter
    with pytest.raises(RemoteProtocolError) as raised:
        opener.open(ciphertext)
    assert raised.value.code == CloseCode.TAMPERED
    assert opener.counter == before


def _by_hand(inner: bytes, counter: int = 0) -> bytes:
    length = (len(inner) + 16).to_bytes(2, "big")
    return AESGCM(KEY).encrypt(counter.to_bytes(12, "big"), inner, length)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=8), st.sampled_from([0, 64]))
def test_records_arrive_in_order_and_unchanged(records: list[tuple[int, bytes]], pad_to: int) -> None:
    sealer, opener = RecordSealer(KEY, pad_to), RecordOpener(KEY)
    for kind, data in records:
        assert len(record := sealer.seal(kind, data)) == sealer.size(len(data))
        assert int.from_bytes(record[:2], "big") == len(record) - 2
        assert opener.open(record[2:]) == (kind, data)


def test_a_full_record_is_the_largest_that_is_read() -> None:
    sealer = RecordSealer(KEY, 64)
    assert len(sealer.seal(RecordType.DATA, bytes(MAX_RECORD_DATA))) == MAX_CIPHERTEXT + 2
    with pytest.raises(LocalProtocolError):
        sealer.seal(RecordType.DATA, bytes(MAX_RECORD_DATA + 1))


@given(st.binary(max_size=200))
def test_padding_hides_the_size_of_input(data: bytes) -> None:
    record = RecordSealer(KEY, 64).seal(RecordType.DATA, data)
    assert (len(record) - 2 - 16) % 64 == 0


def test_every_flipped_bit_is_noticed() -> None:
    record = RecordSealer(KEY).seal(RecordType.DATA, b"twenty bytes of data")
    for bit in range(len(record[2:]) * 8):
        changed = bytearray(record[2:])
        changed[bit // 8] ^= 1 << bit % 8
        _tampered(RecordOpener(KEY), bytes(changed))


def test_repeated_reordered_and_cut_records_are_noticed() -> None:
    sealer, opener = RecordSealer(KEY), RecordOpener(KEY)
    first, second, third = (sealer.seal(RecordType.DATA, b"%d" % n)[2:] for n in range(3))
    opener.open(first)
    _tampered(opener, first)
    _tampered(opener, third)
    _tampered(opener, second[:-1])
    assert opener.open(second) == (RecordType.DATA, b"1")


def test_padding_that_is_not_zero_and_lengths_that_lie_are_tampering() -> None:
    for inner in (b"\0\0\1x\0\1\0", b"\0\0\5four", b"\0\0", b"", b"\0\x40\x01" + bytes(0x4001)):
        _tampered(RecordOpener(KEY), _by_hand(inner))


def test_rekeying_is_due_before_the_interval_ends_and_changes_the_key() -> None:
    sealer, opener = RecordSealer(KEY, rekey_every=4), RecordOpener(KEY)
    for _ in range(3):
        opener.open(sealer.seal(RecordType.DATA, b"x")[2:])
    assert sealer.rekey_due
    with pytest.raises(LocalProtocolError):
        sealer.seal(RecordType.DATA, b"too late")
    opener.open(sealer.seal(RecordType.REKEY, b"")[2:])
    record = sealer.seal(RecordType.DATA, b"under the next key")
    inner = AESGCM(next_key(KEY)).decrypt((4).to_bytes(12, "big"), record[2:], record[:2])
    assert inner == b"\0\0\x12under the next key"
    assert opener.open(record[2:]) == (RecordType.DATA, b"under the next key")


@given(st.binary(max_size=100))
def test_a_reader_raises_only_declared_errors(data: bytes) -> None:
    _tampered(RecordOpener(KEY), data)


@given(st.binary(max_size=100))
def test_what_is_sealed_by_the_peer_is_still_not_trusted(inner: bytes) -> None:
    try:
        kind, data = RecordOpener(KEY).open(_by_hand(inner))
    except RemoteProtocolError as error:
        assert error.code == CloseCode.TAMPERED
    else:
        assert inner.rstrip(b"\0") == (bytes((kind,)) + len(data).to_bytes(2, "big") + data).rstrip(b"\0")
