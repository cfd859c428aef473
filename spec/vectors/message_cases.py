"""Vectors of every message of the registry: full, with only what is required, lacking fields, with wrong types."""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import partial
from typing import Any

from avl_protocol.wire import codec, endtoend, messages, packing, registry, varint
from spec.vectors.notation import drawn, error_of, tagged

TABLES: dict[str, tuple[codec.Codec[Any], tuple[type[Any], ...], Any]] = {
    "HOP": (codec.HOP, messages.HOP, registry.HOP_MESSAGES),
    "CONTROL": (codec.CONTROL, endtoend.CONTROL, registry.CONTROL_MESSAGES),
    "INPUT": (codec.INPUT, endtoend.INPUT, registry.INPUT_MESSAGES),
    "BULK": (codec.BULK, endtoend.BULK, registry.BULK_MESSAGES),
    "FILE": (codec.FILE, endtoend.FILE, registry.FILE_MESSAGES),
    "SOUND": (codec.SOUND, endtoend.SOUND, registry.SOUND_MESSAGES),
    "HANDSHAKE": (codec.HANDSHAKE, endtoend.HANDSHAKE, registry.HANDSHAKE_MESSAGES),
}

#: For each type: what travels as it, and what does not.
SAMPLES: dict[str, list[Any]] = {
    "int": [0, 1, 300, 70_000, 1_800_000_000_000_000, 1 << 60, -1, -5_000_000_000],
    "bool": [True, False],
    "str": ["", "a name", "Zoë", "x" * 40],
    "bytes": [b"", drawn("bytes", 16), drawn("bytes", 64)],
    "any": [1, True, "text", b"\0\1", None, -120],
}
WRONG: dict[str, list[Any]] = {
    "int": ["1", True, None, b"1", [1]],
    "bool": [0, 1, None],
    "str": [b"text", 1, None],
    "bytes": ["text", 1, []],
}


def _sample(kind: str, seed: int) -> Any:
    if kind.endswith("[]"):
        return tuple(_sample(kind[:-2], seed + n) for n in range(seed % 4))
    return SAMPLES[kind][seed % len(SAMPLES[kind])]


def _wrong(kind: str) -> list[Any]:
    if kind == "any":
        return [[]]  # a list is none: a row holds no rows
    if not kind.endswith("[]"):
        return WRONG[kind]
    return [0, None, _wrong(kind[:-2])[:1]]


def _named(kind: type[Any], rows: Any, message: Any) -> dict[str, Any]:
    return {field: tagged(getattr(message, field)) for _, field, _ in rows}


def messages_of(name: str) -> dict[str, list[Any]]:
    """The vectors of one table."""
    table, kinds, numbers = TABLES[name]
    valid: list[Any] = []
    read: list[Any] = []
    refused: list[Any] = []
    for kind in kinds:
        title = codec.registry_name(kind)
        number, rows = numbers[title]
        required = {field.name for field in fields(kind) if field.default is MISSING}
        for seed in (0, 1, 2, 3):
            message = kind(**{field: _sample(type_name, seed + key) for key, field, type_name in rows})
            valid.append({"kind": title, "fields": _named(kind, rows, message), "encoded": table.encode(message).hex()})
        full = {key: getattr(message, field) for key, field, _ in rows}
        head = varint.encode(number)

        def body(values: dict[int, Any], head: bytes = head) -> str:
            return (head + packing.pack(values)).hex()

        least = body({key: full[key] for key, field, _ in rows if field in required})
        for why, encoded in (("only what is required", least), ("an unknown key", body({**full, 99: "new"}))):
            decoded = table.decode(bytes.fromhex(encoded))
            read.append({"why": why, "kind": title, "fields": _named(kind, rows, decoded), "encoded": encoded})
        bad = {
            f"lacks {field}": body({k: v for k, v in full.items() if k != key})
            for key, field, _ in rows
            if field in required
        }
        for key, field, type_name in rows:
            for wrong in _wrong(type_name):
                bad[f"{field} is {wrong!r}"] = body({**full, key: wrong})
        bad["not a map"] = (head + packing.pack([])).hex()
        bad["cut"] = body(full)[:-2] if rows else head.hex()
        for why, encoded in bad.items():
            error = error_of(partial(table.decode, bytes.fromhex(encoded)))
            refused.append({"why": f"{title}: {why}", "encoded": encoded, "error": error})
    unknown = (varint.encode(1000) + packing.pack({0: "from the future"})).hex()
    assert table.decode(bytes.fromhex(unknown)) is None
    return {"valid": valid, "read": read, "invalid": refused, "unknown": [unknown]}


def all_tables() -> dict[str, Any]:
    """Table name -> its vectors."""
    return {name: messages_of(name) for name in TABLES}
