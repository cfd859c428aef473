"""Messages <-> bytes: `Type (i)` and a deterministic msgpack map (spec 03-wire, 3.2).

Strict about types, tolerant of unknown keys; an unknown message type reads as None, so that it can be ignored (P3).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, Generic, TypeVar

from avl_protocol.wire import endtoend, messages, packing, registry, varint
from avl_protocol.wire.buffer import Reader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode

M = TypeVar("M")

_UNSIGNED_64 = 1 << 64


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < _UNSIGNED_64


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "int": _is_int,
    "bool": lambda value: type(value) is bool,
    "str": lambda value: type(value) is str,
    "bytes": lambda value: type(value) is bytes,
    "any": lambda value: value is None or isinstance(value, (int, str, bytes)),
}


def _checker(kind: str) -> Callable[[Any], Any]:
    """What gives a value as the dataclasses hold it (lists as tuples), and raises ValueError when its type is not
    `kind`."""
    if kind.endswith("[]"):
        check_item = _checker(kind[:-2])

        def check_all(value: Any) -> Any:
            if not isinstance(value, (list, tuple)):
                raise ValueError(f"expected {kind}")
            return tuple([check_item(item) for item in value])

        return check_all
    is_right = _CHECKS[kind]

    def check(value: Any) -> Any:
        if not is_right(value):
            raise ValueError(f"expected {kind}")
        return value

    return check


def registry_name(kind: type[Any]) -> str:
    """The registry's name of a message class: `HostHello` is HOST_HELLO."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).upper()


class Codec(Generic[M]):
    """One table of messages: what may travel on one kind of stream."""

    def __init__(
        self,
        table: dict[str, tuple[int, tuple[tuple[int, str, str], ...]]],
        kinds: tuple[type[M], ...],
        code: CloseCode,
    ) -> None:
        self._code = code
        #: The message classes of this table.
        self.kinds = kinds
        #: Number and fields of each class: key, name, and what checks the value; keys ascending, as they travel.
        self._by_class = {
            kind: (number, tuple((key, name, _checker(type_name)) for key, name, type_name in sorted(rows)))
            for kind in kinds
            for number, rows in (table[registry_name(kind)],)
        }
        self._by_number = {table[registry_name(kind)][0]: kind for kind in kinds}
        self._required = {
            kind: frozenset(f.name for f in fields(kind) if f.default is MISSING)  # type: ignore[arg-type]
            for kind in kinds
        }

    def encode(self, message: M) -> bytes:
        """The bytes of a message. Raises LocalProtocolError when a field has a wrong type."""
        number, table = self._by_class[type(message)]
        body = {}
        for key, name, check in table:
            try:
                body[key] = check(getattr(message, name))
            except ValueError as error:
                raise LocalProtocolError(f"{type(message).__name__}.{name}: {error}") from None
        return varint.encode(number) + packing.pack_ordered(body)

    def decode(self, data: bytes) -> M | None:
        """The message of these bytes, or None for a type this version does not know. Raises RemoteProtocolError."""
        reader = Reader(data, self._code)
        kind = self._by_number.get(reader.integer())
        body = packing.unpack(reader.rest(), self._code)
        if not isinstance(body, dict):
            raise RemoteProtocolError(self._code, "message is not a map")
        if kind is None:
            return None
        values = {}
        for key, name, check in self._by_class[kind][1]:
            if key in body:
                try:
                    values[name] = check(body[key])
                except ValueError as error:
                    raise RemoteProtocolError(self._code, f"{kind.__name__}.{name}: {error}") from None
            elif name in self._required[kind]:
                raise RemoteProtocolError(self._code, f"{kind.__name__} lacks {name}")
        return kind(**values)


HOP: Codec[messages.HopMessage] = Codec(registry.HOP_MESSAGES, messages.HOP, CloseCode.PROTOCOL_ERROR)
HANDSHAKE: Codec[endtoend.HandshakePayload] = Codec(
    registry.HANDSHAKE_MESSAGES, endtoend.HANDSHAKE, CloseCode.SESSION_PROTOCOL
)
CONTROL: Codec[endtoend.ControlMessage] = Codec(registry.CONTROL_MESSAGES, endtoend.CONTROL, CloseCode.SESSION_PROTOCOL)
INPUT: Codec[endtoend.InputMessage] = Codec(registry.INPUT_MESSAGES, endtoend.INPUT, CloseCode.SESSION_PROTOCOL)
BULK: Codec[endtoend.BulkMessage] = Codec(registry.BULK_MESSAGES, endtoend.BULK, CloseCode.SESSION_PROTOCOL)
FILE: Codec[endtoend.FileMessage] = Codec(registry.FILE_MESSAGES, endtoend.FILE, CloseCode.SESSION_PROTOCOL)
SOUND: Codec[endtoend.SoundMessage] = Codec(registry.SOUND_MESSAGES, endtoend.SOUND, CloseCode.SESSION_PROTOCOL)
