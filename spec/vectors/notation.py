"""How vectors are written in JSON: bytes as hexadecimal, values of messages with their type, errors by close code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from avl_protocol.wire.errors import Refused, RemoteProtocolError


def drawn(label: str, size: int) -> bytes:
    """Bytes that stand for random ones: SHA-256 in counter mode over a label."""
    out = b""
    while len(out) < size:
        out += hashlib.sha256(f"{label}/{len(out)}".encode()).digest()
    return out[:size]


def tagged(value: Any) -> Any:
    """A msgpack value: null, true and false are themselves, all else is an object with one key that names the type."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"int": str(int(value))}
    if isinstance(value, str):
        return {"str": value}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {"map": [[tagged(key), tagged(item)] for key, item in value.items()]}
    return {"list": [tagged(item) for item in value]}


def untagged(value: Any) -> Any:
    """The value of its notation."""
    if value is None or isinstance(value, bool):
        return value
    ((kind, content),) = value.items()
    if kind == "int":
        return int(content)
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "map":
        return {untagged(key): untagged(item) for key, item in content}
    if kind == "list":
        return [untagged(item) for item in content]
    return content


def error_of(call: Callable[[], object]) -> str:
    """The name of the close code that a call earns. Raises AssertionError when it succeeds."""
    try:
        call()
    except (RemoteProtocolError, Refused) as error:
        return error.code.name
    raise AssertionError("this should have been refused")
