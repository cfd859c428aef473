"""Hypothesis strategies for every message of the registry, drawn from its tables."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from avl_protocol.wire import endtoend, messages, registry
from avl_protocol.wire.codec import BULK, CONTROL, FILE, HANDSHAKE, HOP, INPUT, Codec, registry_name

INTEGERS = st.integers(-(1 << 63), (1 << 64) - 1)
TEXTS = st.text(max_size=20)
BYTES = st.binary(max_size=40)
_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "int": INTEGERS,
    "bool": st.booleans(),
    "str": TEXTS,
    "bytes": BYTES,
    "any": st.one_of(st.none(), st.booleans(), INTEGERS, TEXTS, BYTES),
}
#: codec, classes, table
CODECS: tuple[tuple[Codec[Any], tuple[type[Any], ...], dict[str, Any]], ...] = (
    (HOP, messages.HOP, registry.HOP_MESSAGES),
    (HANDSHAKE, endtoend.HANDSHAKE, registry.HANDSHAKE_MESSAGES),
    (CONTROL, endtoend.CONTROL, registry.CONTROL_MESSAGES),
    (INPUT, endtoend.INPUT, registry.INPUT_MESSAGES),
    (BULK, endtoend.BULK, registry.BULK_MESSAGES),
    (FILE, endtoend.FILE, registry.FILE_MESSAGES),
)


def values(kind: str) -> st.SearchStrategy[Any]:
    """Values of a registry type."""
    if kind.endswith("[]"):
        return st.lists(values(kind[:-2]), max_size=4).map(tuple)
    return _KINDS[kind]


def messages_of(kinds: tuple[type[Any], ...], table: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any message of one table."""

    def one(kind: type[Any]) -> st.SearchStrategy[Any]:
        fields = table[registry_name(kind)][1]
        return st.builds(kind, **{name: values(type_name) for _, name, type_name in fields})

    return st.one_of([one(kind) for kind in kinds])


def any_message() -> st.SearchStrategy[tuple[Codec[Any], Any]]:
    """A codec and one of its messages."""
    pairs = [st.tuples(st.just(codec), messages_of(kinds, table)) for codec, kinds, table in CODECS]
    return st.one_of(pairs)


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """The same bytes cut short, continued, with one changed, or with a piece doubled."""
    places = st.integers(0, max(0, len(data) - 1))

    def flip(at: tuple[int, int]) -> bytes:
        return data[: at[0]] + bytes((data[at[0]] ^ at[1],)) + data[at[0] + 1 :] if data else b""

    return st.one_of(
        places.map(lambda at: data[:at]),
        st.binary(min_size=1, max_size=8).map(lambda more: data + more),
        st.tuples(places, st.integers(1, 255)).map(flip),
        places.map(lambda at: data[:at] + data[: at + 1] + data[at:]),
    )
