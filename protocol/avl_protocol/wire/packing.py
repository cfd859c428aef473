"""Deterministic msgpack: one value has one encoding, so that signatures and hashes of messages mean something (spec
03-wire, 3.2).

Shortest forms, integer keys ascending, no duplicate keys, no floats, no extension types, depth at most 8.
"""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped]

from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode

DEPTH = 8
_PLAIN = frozenset({int, str, bytes})


def pack(value: Any) -> bytes:
    """The one encoding of None, bool, int, str, bytes, list/tuple or dict with integer keys."""
    return pack_ordered(_ordered(value, 0))


def pack_ordered(value: Any) -> bytes:
    """The same of a value that is known to hold nothing else, its keys ascending."""
    packed: bytes = msgpack.packb(value, use_bin_type=True, strict_types=False)
    return packed


def _ordered(value: Any, depth: int) -> Any:
    if depth > DEPTH:
        raise LocalProtocolError("value is nested too deeply")
    if type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        return {key: _ordered(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_ordered(item, depth + 1) for item in value]
    if value is not None and not isinstance(value, (int, str, bytes)):
        raise LocalProtocolError(f"{type(value).__name__} does not travel")
    return value


def unpack(data: bytes | memoryview, code: CloseCode = CloseCode.PROTOCOL_ERROR) -> Any:
    """The value of an encoding; raises RemoteProtocolError(code) unless it is exactly the deterministic one."""
    raw = bytes(data)
    try:
        value = msgpack.unpackb(raw, raw=False, strict_map_key=False, object_pairs_hook=_pairs)
        canonical = pack(value)
    except (ValueError, TypeError, LocalProtocolError, msgpack.UnpackException, RecursionError, OverflowError) as error:
        raise RemoteProtocolError(code, f"not a message: {type(error).__name__}") from error
    if canonical != raw:
        raise RemoteProtocolError(code, "message is not in its shortest form")
    return value


def _pairs(pairs: list[tuple[Any, Any]]) -> dict[int, Any]:
    out: dict[int, Any] = {}
    for key, value in pairs:
        if type(key) is not int or key in out:
            raise ValueError("keys are distinct integers")
        out[key] = value
    return out
