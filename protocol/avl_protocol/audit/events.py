"""Events: what a log may say: each kind, its fields, and what they hold (spec 14, 14.4).

What is not listed is refused, so that no content and no secret gets into a log by accident. A text that a stranger
chose is cut, never refused: an attack that could keep itself out of the log by a long name would be none that is seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from avl_protocol.audit.entry import SALT_BYTES, Opened, Value, commitment

#: Characters of a text that is logged, at most.
LONGEST_TEXT = 128
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9_:.+-]{0,128}")
_LARGEST = (1 << 53) - 1


class NotLogged(ValueError):
    """An event that no log takes: our own mistake. The text names kind and field, never a value."""


class Secret:
    """A text that is never shown: neither printed nor logged. `reveal()` is the one way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Field(Enum):
    """What a field holds."""

    WORD = "word"  #: of a program: lower case, at most 64 characters
    ID = "id"  #: made by a program: a device, a person, a jti, a hash; at most 128 characters
    COUNT = "count"  #: a whole number, 0 to 2^53 - 1
    FLAG = "flag"  #: yes or no
    TEXT = "text"  #: what a person chose for a thing: cut to 128 characters
    PERSONAL = "personal"  #: what could name or find a person: only a commitment is chained


#: Who did it, and from where.
_BY = {"by": Field.ID, "address": Field.PERSONAL}
#: Kind -> its fields. Any may be missing.
KINDS: Mapping[str, Mapping[str, Field]] = {
    # the log itself
    "log_begun": {"software": Field.TEXT, "program": Field.WORD},
    "log_resumed": {"lost_bytes": Field.COUNT, "software": Field.TEXT},
    "entries_dropped": {"before": Field.COUNT, "days": Field.COUNT},
    "personal_removed": {"person": Field.ID, "entries": Field.COUNT, **_BY},
    "exported": {"entries": Field.COUNT, **_BY},
    "events_lost": {"count": Field.COUNT, "why": Field.WORD},
    # signing in
    "signed_in": {
        "person": Field.ID,
        "login": Field.PERSONAL,
        "how": Field.WORD,
        "known": Field.FLAG,
        "address": Field.PERSONAL,
    },
    "sign_in_refused": {
        "person": Field.ID,
        "login": Field.PERSONAL,
        "how": Field.WORD,
        "why": Field.WORD,
        "address": Field.PERSONAL,
    },
    "signed_out": {"person": Field.ID, "address": Field.PERSONAL},
    "factor_changed": {"person": Field.ID, "what": Field.WORD, "factor": Field.WORD, **_BY},
    # people, devices, permissions
    "person_changed": {
        "person": Field.ID,
        "login": Field.PERSONAL,
        "what": Field.WORD,
        "role": Field.WORD,
        **_BY,
    },
    "group_changed": {
        "group": Field.ID,
        "name": Field.TEXT,
        "what": Field.WORD,
        "member": Field.ID,
        **_BY,
    },
    "grant_changed": {"grant": Field.ID, "audience": Field.TEXT, "holder": Field.ID, "what": Field.WORD, **_BY},
    "share_changed": {"share": Field.ID, "device": Field.ID, "what": Field.WORD, **_BY},
    "statement_stored": {
        "type": Field.WORD,
        "audience": Field.TEXT,
        "issuer": Field.ID,
        "sequence": Field.COUNT,
        **_BY,
    },
    "program_changed": {"program": Field.ID, "person": Field.ID, "what": Field.WORD, **_BY},
    "device_changed": {"device": Field.ID, "what": Field.WORD, "owner": Field.ID, **_BY},
    # what runs
    "host_registered": {"device": Field.ID, "address": Field.PERSONAL},
    "host_left": {"device": Field.ID},
    "session_began": {
        "session": Field.ID,
        "device": Field.ID,
        "way": Field.WORD,
        "person": Field.ID,
        "share": Field.ID,
        "viewer": Field.ID,
        "name": Field.PERSONAL,
        "permissions": Field.COUNT,
        "verified": Field.FLAG,
        "address": Field.PERSONAL,
    },
    "session_ended": {
        "session": Field.ID,
        "device": Field.ID,
        "why": Field.WORD,
        "seconds": Field.COUNT,
        "by": Field.ID,
    },
    "session_told": {"session": Field.ID, "device": Field.ID, "characters": Field.COUNT, **_BY},
    "rights_changed": {"session": Field.ID, "permissions": Field.COUNT, "why": Field.WORD, **_BY},
    "grant_used": {"grant": Field.ID, "holder": Field.ID, "session": Field.ID, "depth": Field.COUNT},
    "grant_refused": {"grant": Field.ID, "holder": Field.ID, "why": Field.WORD},
    "consent_answered": {
        "session": Field.ID,
        "viewer": Field.ID,
        "name": Field.PERSONAL,
        "answer": Field.WORD,
        "permissions": Field.COUNT,
        "seconds": Field.COUNT,
    },
    "file_moved": {
        "session": Field.ID,
        "direction": Field.WORD,
        "why": Field.WORD,
        "files": Field.COUNT,
        "left": Field.COUNT,
        "size": Field.COUNT,
        "seconds": Field.COUNT,
    },
    "pictures_left": {"holder": Field.ID, "key": Field.ID},
    # how it is run
    "setting_changed": {"setting": Field.WORD, "before": Field.TEXT, "after": Field.TEXT, **_BY},
    "limit_hit": {"limit": Field.TEXT, "count": Field.COUNT, "device": Field.ID, "address": Field.PERSONAL},
    "alarm": {
        "alarm": Field.WORD,
        "device": Field.ID,
        "person": Field.ID,
        "session": Field.ID,
        "why": Field.TEXT,
        "score": Field.COUNT,
    },
    "alarm_seen": {"alarm": Field.ID, **_BY},
    "head_refused": {"log": Field.ID, "size": Field.COUNT, "kept": Field.COUNT, "why": Field.WORD},
}


@dataclass(frozen=True, slots=True)
class Checked:
    """An event as an entry takes it, and what its commitments are of."""

    event: tuple[tuple[str, Value], ...]
    opened: Mapping[str, Opened]


def checked(kind: str, said: Mapping[str, object], entropy: Callable[[int], bytes]) -> Checked:
    """An event of a kind with these fields; those that are None or "" are left out. `entropy` gives the salts. Raises
    NotLogged."""
    fields = KINDS.get(kind)
    if fields is None:
        raise NotLogged(f"{kind[:64]} is no kind of event")
    event: list[tuple[str, Value]] = []
    opened: dict[str, Opened] = {}
    for name in sorted(said):
        value = said[name]
        if value is None or value == "":
            continue
        field = fields.get(name)
        if field is None:
            raise NotLogged(f"{kind} has no field {name[:64]}")
        if field is Field.PERSONAL:
            text = _text(kind, name, value)
            salt = entropy(SALT_BYTES)
            opened[name] = Opened(text, salt)
            event.append((name, commitment(name, text, salt)))
        else:
            event.append((name, _value(kind, name, field, value)))
    return Checked(tuple(event), opened)


def _value(kind: str, name: str, field: Field, value: object) -> Value:
    if field is Field.COUNT:
        if type(value) is int and 0 <= value <= _LARGEST:
            return value
    elif field is Field.FLAG:
        if type(value) is bool:
            return value
    elif field is Field.TEXT:
        return _text(kind, name, value)
    elif type(value) is str and (_WORD if field is Field.WORD else _ID).fullmatch(value):
        return value
    raise NotLogged(f"{name} of {kind} is no {field.value}")


def _text(kind: str, name: str, value: object) -> str:
    if type(value) is not str:
        raise NotLogged(f"{name} of {kind} is no text")
    whole = value.encode("utf-8", "replace").decode()
    return whole if len(whole) <= LONGEST_TEXT else whole[: LONGEST_TEXT - 1] + "…"
