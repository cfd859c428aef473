"""Entry: one event of a log, chained to the one before it, as bytes and as a line of text (spec 14, 14.1).

What could name a person travels in the chain as a commitment alone. The value and its salt stand beside the entry in
its line, and can be removed without breaking anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgpack  # type: ignore[import-untyped]

from avl_protocol.wire import packing

LABEL, FIELD_LABEL = b"avl/1 audit\0", b"avl/1 audit field\0"
HASH_BYTES, SALT_BYTES = 32, 16
#: What stands as `prev` in the first entry.
BEGINNING = bytes(HASH_BYTES)
#: Bytes of the longest line.
LONGEST_LINE = 16 << 10

#: What an event says: text, whole numbers from 0 to 2^53 - 1, yes or no. Bytes: a commitment to a text.
Value = str | int | bool | bytes
#: What is chained of an entry: seq, time_ms, prev, kind, event.
Chained = tuple[int, int, bytes, str, tuple[tuple[str, Value], ...]]
#: An opened text beside it: name, text, salt.
Beside = tuple[str, str, bytes | None]
_LARGEST = (1 << 53) - 1
#: As packing.pack_ordered, in a third of the time: a log has many entries.
_PACK: Callable[[Any], bytes] = msgpack.Packer(use_bin_type=True).pack


class BadEntry(ValueError):
    """This is no entry, or not the one that belongs here. The text says why."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A text that the entry only commits to. Without `salt` (16 bytes) it was shortened, and is proved by nothing."""

    text: str
    salt: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """`seq` counts from 0, `time_ms` is Unix time, `event` holds (name, value) by ascending name. `opened`: what is
    still known of the commitments, by name; it is no part of what is chained."""

    seq: int
    time_ms: int
    prev: bytes
    kind: str
    event: tuple[tuple[str, Value], ...]
    opened: Mapping[str, Opened] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A field as a person reads it, "" where there is none or where it was removed."""
        if name in self.opened:
            return self.opened[name].text
        value = dict(self.event).get(name, "")
        return "" if isinstance(value, bytes) else str(value)

    def said(self) -> dict[str, str | int | bool | None]:
        """The event as it can still be read; None: removed."""
        read: dict[str, str | int | bool | None] = {}
        for name, value in self.event:
            if not isinstance(value, bytes):
                read[name] = value
            else:
                read[name] = self.opened[name].text if name in self.opened else None
        return read


def commitment(name: str, text: str, salt: bytes) -> bytes:
    """The 32 bytes that stand for a text which may have to be forgotten."""
    return sha256(FIELD_LABEL + salt + _PACK((name, text))).digest()


def encode(entry: Entry) -> bytes:
    """The one encoding: msgpack of [seq, time_ms, prev, kind, [[name, value], ...]]."""
    return encode_chained((entry.seq, entry.time_ms, entry.prev, entry.kind, entry.event))


def encode_chained(chained: Chained) -> bytes:
    """The same of what is chained."""
    return _PACK(chained)


def decode(data: bytes) -> Entry:
    """The entry of an encoding, with nothing opened. Raises BadEntry; RemoteProtocolError where it is no msgpack."""
    read = packing.unpack(data)
    if not isinstance(read, list) or len(read) != 5 or not isinstance(read[4], list):
        raise BadEntry("an entry has five parts")
    seq, time_ms, prev, kind, event = read
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in event):
        raise BadEntry("an event is a list of names and values")
    if not isinstance(prev, bytes):
        raise BadEntry("prev is bytes")
    return Entry(*_checked(seq, time_ms, prev, kind, [(name, value) for name, value in event]))


def link(encoded: bytes) -> bytes:
    """What the next entry has as `prev`."""
    return sha256(LABEL + encoded).digest()


def to_line(entry: Entry) -> str:
    """The entry as one line of JSON, without its line feed."""
    plain: dict[str, Any] = {}
    hidden: dict[str, str] = {}
    for name, value in entry.event:
        if isinstance(value, bytes):
            hidden[name] = value.hex()
        else:
            plain[name] = value
    line: dict[str, Any] = {
        "seq": entry.seq,
        "time_ms": entry.time_ms,
        "prev": entry.prev.hex(),
        "kind": entry.kind,
        "event": plain,
    }
    if hidden:
        line["hidden"] = hidden
        line["opened"] = {
            name: [None if one.salt is None else one.salt.hex(), one.text] for name, one in entry.opened.items()
        }
    return _DUMP(line)


def from_line(line: str | bytes) -> Entry:
    """The entry of a line, whose opened texts are what it commits to. Raises BadEntry."""
    chained, beside = read_line(line)
    return Entry(*chained, {name: Opened(text, salt) for name, text, salt in beside})


def read_line(line: str | bytes) -> tuple[Chained, list[Beside]]:
    """The same without making an Entry, for who verifies many: what is chained and what is opened. Raises BadEntry."""
    if len(line) > LONGEST_LINE:
        raise BadEntry("a line is too long")
    try:
        text = line if isinstance(line, str) else line.decode()
        read, end = _READ(text, 0)
    except (ValueError, RecursionError, StopIteration):
        raise BadEntry("that is no line of JSON") from None
    if type(read) is not tuple or end != len(text):
        raise BadEntry("that is no line of JSON")
    hidden: Any = ()
    opened: list[Beside] = []
    try:
        if len(read) == len(_PLAIN):
            (a, seq), (b, time_ms), (c, before), (d, kind), (e, event) = read
            known = (a, b, c, d, e) == _PLAIN
        else:
            (a, seq), (b, time_ms), (c, before), (d, kind), (e, event), (f, hidden), (g, beside) = read
            known = (a, b, c, d, e, f, g) == _HIDING
    except ValueError:
        known = False
    if not known:
        raise BadEntry("an entry has other fields")
    if type(event) is not tuple or type(hidden) is not tuple:
        raise BadEntry("a field has a wrong type")
    try:
        prev = bytes.fromhex(before)
        if hidden or len(read) > len(_PLAIN):
            sealed = [(name, bytes.fromhex(value)) for name, value in hidden]
            opened = _opened(dict(sealed), beside)
            event = (*event, *sealed)
        event = sorted(event)
    except (ValueError, TypeError) as error:
        raise error if isinstance(error, BadEntry) else BadEntry("a field has a wrong type") from None
    return _checked(seq, time_ms, prev, kind, event), opened


def _opened(sealed: dict[str, bytes], beside: Any) -> list[Beside]:
    """Read what stands beside the commitments."""
    if type(beside) is not tuple:
        raise BadEntry("a field has a wrong type")
    opened = []
    for name, (salt, text) in beside:
        committed = sealed.pop(name, None)
        if committed is None or type(text) is not str:
            raise BadEntry(f"{name} opens nothing")
        raw = None if salt is None else bytes.fromhex(salt)
        if raw is not None and commitment(name, text, raw) != committed:
            raise BadEntry(f"{name} is not what the entry commits to")
        opened.append((name, text, raw))
    return opened


def _checked(seq: Any, time_ms: Any, prev: bytes, kind: Any, event: Sequence[tuple[Any, Any]]) -> Chained:
    if type(seq) is not int or type(time_ms) is not int or not 0 <= seq <= _LARGEST or not 0 <= time_ms <= _LARGEST:
        raise BadEntry("seq and time_ms are whole numbers")
    if len(prev) != HASH_BYTES or type(kind) is not str:
        raise BadEntry("a field has a wrong type")
    last = ""
    for name, value in event:
        if type(name) is not str or name <= last:
            raise BadEntry("names of an event ascend")
        last = name
        if type(value) is str or type(value) is bool:
            continue
        if type(value) is int:
            if not 0 <= value <= _LARGEST:
                raise BadEntry(f"{name} is out of range")
        elif type(value) is not bytes or len(value) != HASH_BYTES:
            raise BadEntry(f"{name} has a wrong type")
    return seq, time_ms, prev, kind, tuple(event)


_PLAIN = ("seq", "time_ms", "prev", "kind", "event")
_HIDING = (*_PLAIN, "hidden", "opened")
_DUMP: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
#: An object becomes a tuple of its names and values, as they were written: a name that comes twice is seen.
_DECODER: Any = json.JSONDecoder(object_pairs_hook=tuple)
_READ: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once
