"""Messages and their encoding: whatever arrives is a message, is ignored, or is the peer's error."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.wire import endtoend, messages, packing, varint
from avl_protocol.wire.codec import BULK, CONTROL, HANDSHAKE, HOP, INPUT, Codec, registry_name
from avl_protocol.wire.endtoend import Batch, Clipboard, ClipboardAsk
from avl_protocol.wire.errors import LocalProtocolError, Refused, RemoteProtocolError, sentence
from avl_protocol.wire.messages import Attach, Hello, Ping
from avl_protocol.wire.registry import CLOSE_CODES, CloseCode
from tests.architecture.tree import ROOT
from tests.protocol.messages import CODECS, any_message, damaged

ALL = [HOP, HANDSHAKE, CONTROL, INPUT, BULK]
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 64) - 1), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.integers(-5, 1 << 40), inner, max_size=4)),
    max_leaves=12,
)


def deep(levels: int) -> bytes:
    """An array in an array in an array."""
    return b"\x91" * levels + b"\xc0"


@given(any_message())
def test_every_message_reads_back_as_itself(drawn: tuple[Codec[Any], Any]) -> None:
    codec, message = drawn
    assert codec.decode(codec.encode(message)) == message


@given(any_message(), st.data())
def test_a_damaged_message_is_another_one_or_the_peers_error(
    drawn: tuple[Codec[Any], Any], data: st.DataObject
) -> None:
    codec, message = drawn
    raw = data.draw(damaged(codec.encode(message)))
    try:
        read = codec.decode(raw)
    except RemoteProtocolError as error:
        assert error.code in (CloseCode.PROTOCOL_ERROR, CloseCode.SESSION_PROTOCOL)
        return
    # What was taken had one encoding only, up to keys that a later version may add.
    assert read is None or len(codec.encode(read)) > 0


@given(st.binary(max_size=200), st.sampled_from(ALL))
def test_arbitrary_bytes_are_the_peers_error_or_a_message(raw: bytes, codec: Codec[Any]) -> None:
    try:
        codec.decode(raw)
    except RemoteProtocolError:
        return


@pytest.mark.parametrize(("codec", "code"), [(HOP, CloseCode.PROTOCOL_ERROR), (CONTROL, CloseCode.SESSION_PROTOCOL)])
def test_each_floor_names_its_own_close_code(codec: Codec[Any], code: CloseCode) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        codec.decode(b"\x01\xc0")
    assert caught.value.code is code


def test_no_two_messages_of_a_table_share_a_number() -> None:
    for _, kinds, table in CODECS:
        assert len(kinds) == len(table) == len({number for number, _ in table.values()})


def test_an_unknown_type_is_ignored_but_must_be_a_map() -> None:
    assert HOP.decode(varint.encode(99) + packing.pack({0: 1})) is None
    with pytest.raises(RemoteProtocolError):
        HOP.decode(varint.encode(99) + packing.pack([1]))


def test_unknown_keys_are_ignored() -> None:
    assert HOP.decode(varint.encode(17) + packing.pack({0: 5, 77: "later", 78: {1: [b""]}})) == Ping(5)


def test_what_may_be_left_out_is_what_the_registry_says() -> None:
    """JavaScript takes the defaults from the registry, Python from its dataclasses: they are the same."""
    registry = json.loads((ROOT / "spec" / "registry.json").read_text("utf-8"))
    rows = {
        name: {row[1]: row[3:] for row in message["fields"]}
        for section in ("hop_messages", "control_messages", "input_messages", "bulk_messages", "handshake_payloads")
        for name, message in registry[section].items()
    }

    def plain(value: Any) -> Any:
        return value.decode() if isinstance(value, bytes) else list(value) if isinstance(value, tuple) else value

    kinds = [*messages.HOP, *endtoend.CONTROL, *endtoend.INPUT, *endtoend.BULK, *endtoend.HANDSHAKE]
    held = {
        registry_name(kind): {f.name: [] if f.default is MISSING else [plain(f.default)] for f in fields(kind)}
        for kind in kinds
    }
    assert held == rows


def test_a_missing_key_is_an_error_unless_it_has_a_default() -> None:
    assert HOP.decode(varint.encode(1) + packing.pack({0: [1], 1: 2})) == Hello((1,), 2)
    with pytest.raises(RemoteProtocolError, match="lacks role"):
        HOP.decode(varint.encode(1) + packing.pack({0: [1]}))


@pytest.mark.parametrize("value", [True, "1", b"1", None, [1], {0: 1}])
def test_an_integer_is_nothing_else(value: object) -> None:
    with pytest.raises(RemoteProtocolError):
        HOP.decode(varint.encode(17) + packing.pack({0: value}))


@pytest.mark.parametrize("value", [1 << 64, -(1 << 63) - 1, True, "1", b""])
def test_our_own_wrong_types_are_our_own_error(value: Any) -> None:
    with pytest.raises(LocalProtocolError):
        HOP.encode(Ping(value))


def test_bytes_are_not_text_and_text_is_not_bytes() -> None:
    with pytest.raises(RemoteProtocolError):
        HOP.decode(varint.encode(5) + packing.pack({0: "x" * 17, 1: b"y" * 16}))
    with pytest.raises(RemoteProtocolError):
        BULK.decode(varint.encode(1) + packing.pack({0: 1, 1: b"text"}))
    assert isinstance(HOP.decode(HOP.encode(Attach(b"x" * 17, b"y" * 16))), Attach)


def test_a_message_without_fields_travels() -> None:
    assert BULK.decode(BULK.encode(ClipboardAsk())) == ClipboardAsk()


def test_input_events_hold_what_the_table_allows() -> None:
    batch = Batch(1, 2, ((1, 5, -6), (5, "ä"), (7,)))
    assert INPUT.decode(INPUT.encode(batch)) == batch
    with pytest.raises(LocalProtocolError):
        INPUT.encode(Batch(1, 2, ((1, 0.5),)))
    with pytest.raises(LocalProtocolError):
        INPUT.encode(Batch(1, 2, ((1, (2,)),)))


# -- packing -----------------------------------------------------------------------------------------------------------


def lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: lists(inner) for key, inner in value.items()}
    return [lists(inner) for inner in value] if isinstance(value, (list, tuple)) else value


@given(PLAIN)
def test_a_value_has_one_encoding_and_it_reads_back(value: Any) -> None:
    packed = packing.pack(value)
    assert packing.unpack(packed) == lists(value)
    assert packing.pack(packing.unpack(packed)) == packed


@given(st.dictionaries(st.integers(0, 1000), st.integers(), min_size=2, max_size=6), st.randoms())
def test_order_of_keys_does_not_matter_to_the_writer(value: dict[int, int], chance: Any) -> None:
    value = {key: inner & 0xFFFF for key, inner in value.items()}
    keys = list(value)
    chance.shuffle(keys)
    assert packing.pack({key: value[key] for key in keys}) == packing.pack(value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xcc\x05",  # 5 in two bytes
        b"\xd9\x01a",  # a short string with a long head
        b"\xcd\x00\xff",
        b"\xcb" + bytes(8),  # a float
        b"\xca" + bytes(4),
        b"\x82\x02\x00\x01\x00",  # keys not ascending
        b"\x82\x01\x00\x01\x00",  # a key twice
        b"\x81\xa1a\x00",  # a key that is text
        b"\x81\xc3\x00",  # a key that is a boolean
        b"\x81\x90\x00",  # a key that is a list
        b"\xc0\xc0",  # something follows
        b"\x93\x01",  # cut short
        b"\xa2\xff\xfe",  # not UTF-8
        b"\xc1",  # never used
        b"\xd4\x05\x00",  # an extension
        b"\xd6\xff\x00\x00\x00\x01",  # the extension that means a time
        b"\xdd\xff\xff\xff\xff",  # four thousand million elements to come
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        deep(10),
        deep(5000),
    ],
    ids=lambda raw: raw[:6].hex() or "empty",
)
def test_anything_but_the_one_encoding_is_refused(raw: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        packing.unpack(raw)


def test_depth_is_bounded_for_both_sides() -> None:
    assert packing.unpack(deep(8)) is not None
    with pytest.raises(RemoteProtocolError):
        packing.unpack(deep(9))
    nested: Any = None
    for _ in range(9):
        nested = [nested]
    with pytest.raises(LocalProtocolError):
        packing.pack(nested)


@pytest.mark.parametrize("value", [0.5, [0.5], {1: 0.5}, msgpack.Timestamp(1), object()])
def test_what_does_not_travel_is_our_own_error(value: Any) -> None:
    with pytest.raises(LocalProtocolError):
        packing.pack(value)


# -- errors ------------------------------------------------------------------------------------------------------------


def test_every_close_code_has_a_sentence_and_an_exit_code() -> None:
    assert set(CLOSE_CODES) == set(CloseCode)
    for code, (_, status, text) in CLOSE_CODES.items():
        assert status in (0, 1, 3, 4)
        assert text.endswith(".") and len(text) > 12
        assert sentence(code) == text
        assert str(Refused(code)) == text
        assert Refused(code).exit_status == (status or 1)


def test_an_unknown_close_code_is_named_by_its_number() -> None:
    assert "4711" in sentence(4711)


def test_a_long_clipboard_fits_its_message() -> None:
    assert BULK.decode(BULK.encode(Clipboard(1, "ü" * 500_000))) == Clipboard(1, "ü" * 500_000)
