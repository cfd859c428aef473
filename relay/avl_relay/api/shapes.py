"""Shapes: what a value of a request looks like, once: it is read by it, and described by it in the OpenAPI document.

A shape reads a value that JSON gave, or a text of a query, and says where it is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from avl_protocol.wire.registry import MAX_STATEMENT
from avl_relay.api.problems import Problem

Schema = dict[str, Any]


def invalid(at: str, text: str) -> Problem:
    """The refusal of a value; `at` is a JSON Pointer (RFC 6901) into the body, or the name of a parameter."""
    return Problem("invalid", f"{at or 'the body'}: {text}", more={"at": at})


class Shape(Protocol):
    """One kind of value."""

    def schema(self) -> Schema:
        """As JSON Schema (2020-12)."""

    def read(self, value: Any, at: str) -> Any:
        """The value, as handlers have it. Raises Problem."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text of so many characters. `pattern` is searched whole; `about` says what it is."""

    least: int = 0
    most: int = 256
    pattern: str = ""
    about: str = ""

    def schema(self) -> Schema:
        """See Shape."""
        made: Schema = {"type": "string", "minLength": self.least, "maxLength": self.most}
        if self.pattern:
            made["pattern"] = f"^(?:{self.pattern})$"
        if self.about:
            made["description"] = self.about
        return made

    def read(self, value: Any, at: str) -> str:
        """See Shape. No text has half a surrogate pair, or the character 0, which databases refuse."""
        if not isinstance(value, str):
            raise invalid(at, "text is expected")
        if not self.least <= len(value) <= self.most:
            raise invalid(at, f"{self.least} to {self.most} characters are expected, these are {len(value)}")
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise invalid(at, "it has a character that is none")
        if self.pattern and re.fullmatch(self.pattern, value) is None:
            raise invalid(at, self.about or "it is not of the expected form")
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    least: int
    most: int
    default: int | None = None

    def schema(self) -> Schema:
        """See Shape."""
        made: Schema = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return made if self.default is None else {**made, "default": self.default}

    def read(self, value: Any, at: str) -> int:
        """See Shape."""
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise invalid(at, f"a whole number from {self.least} to {self.most} is expected")
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A number from 0 on, which answers alone hold."""

    def schema(self) -> Schema:
        """See Shape."""
        return {"type": "number", "minimum": 0}

    def read(self, value: Any, at: str) -> float:
        """See Shape."""
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
            raise invalid(at, "a number from 0 on is expected")
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def schema(self) -> Schema:
        """See Shape."""
        return {"type": "boolean"}

    def read(self, value: Any, at: str) -> bool:
        """See Shape."""
        value = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
        if not isinstance(value, bool):
            raise invalid(at, "true or false is expected")
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    def schema(self) -> Schema:
        """See Shape."""
        return {"type": "string", "enum": list(self.words)}

    def read(self, value: Any, at: str) -> str:
        """See Shape."""
        if not isinstance(value, str) or value not in self.words:
            raise invalid(at, f"one of {', '.join(self.words)} is expected")
        return value


@dataclass(frozen=True, slots=True)
class Many:
    """A list of at most so many."""

    each: Shape
    most: int
    least: int = 0

    def schema(self) -> Schema:
        """See Shape."""
        return {"type": "array", "items": self.each.schema(), "maxItems": self.most, "minItems": self.least}

    def read(self, value: Any, at: str) -> list[Any]:
        """See Shape."""
        if not isinstance(value, list) or not self.least <= len(value) <= self.most:
            raise invalid(at, f"a list of {self.least} to {self.most} is expected")
        return [self.each.read(item, f"{at}/{number}") for number, item in enumerate(value)]


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A value or null."""

    shape: Shape

    def schema(self) -> Schema:
        """See Shape."""
        return {"anyOf": [self.shape.schema(), {"type": "null"}]}

    def read(self, value: Any, at: str) -> Any:
        """See Shape."""
        return None if value is None else self.shape.read(value, at)


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON object; what it means is its reader's."""

    about: str = ""

    def schema(self) -> Schema:
        """See Shape."""
        return {"type": "object", **({"description": self.about} if self.about else {})}

    def read(self, value: Any, at: str) -> dict[str, Any]:
        """See Shape."""
        if not isinstance(value, dict):
            raise invalid(at, "an object is expected")
        _checked(value, at)
        return value


@dataclass(frozen=True, slots=True)
class Record:
    """An object of these members and no others; those of `optional` may be left out."""

    members: Mapping[str, Shape]
    optional: Mapping[str, Shape] = field(default_factory=dict)

    def schema(self) -> Schema:
        """See Shape."""
        both = {**self.members, **self.optional}
        return {
            "type": "object",
            "properties": {name: shape.schema() for name, shape in both.items()},
            "required": list(self.members),
            "additionalProperties": False,
        }

    def read(self, value: Any, at: str) -> dict[str, Any]:
        """See Shape."""
        if not isinstance(value, dict):
            raise invalid(at, "an object is expected")
        both = {**self.members, **self.optional}
        if (unknown := next((name for name in value if name not in both), None)) is not None:
            raise invalid(at, f"{unknown[:40]!r} is not known here")
        if (missing := next((name for name in self.members if name not in value), None)) is not None:
            raise invalid(f"{at}/{missing}", "it is missing")
        return {name: both[name].read(item, f"{at}/{name}") for name, item in value.items()}


@dataclass(frozen=True, slots=True)
class Described:
    """What an answer looks like: described only, never read."""

    made: Schema

    def schema(self) -> Schema:
        """See Shape."""
        return self.made

    def read(self, value: Any, at: str) -> Any:
        """See Shape."""
        return value


def answer(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Described:
    """The shape of an object in an answer; later versions may add members."""
    both = {**required, **(optional or {})}
    return Described(
        {
            "type": "object",
            "properties": {name: shape.schema() for name, shape in both.items()},
            "required": list(required),
        }
    )


def page_of(item: Shape) -> Described:
    """The shape of a list's answer (lists.py)."""
    return Described(
        {
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "items": {"type": "array", "items": item.schema()},
                "next": {"type": ["string", "null"], "description": "`after` of the next page; null: there is none"},
            },
        }
    )


def _checked(value: Any, at: str) -> None:
    """All texts in a value are such that a database takes them."""
    texts = Text(0, 65_536)
    if isinstance(value, dict):
        for name, item in value.items():
            texts.read(name, at)
            _checked(item, f"{at}/{name[:40]}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, item in enumerate(value):
            _checked(item, f"{at}/{number}")
    elif isinstance(value, str):
        texts.read(value, at)


#: An id of ours, and the 28 characters of a device ID without dashes.
IDENTIFIER = Text(22, 22, "[A-Za-z0-9_-]{22}", "an id is expected")
NUMBER = Text(28, 28, "[0-9A-HJKMNP-TV-Z]{28}", "the 28 characters of a device ID are expected, without dashes")
THUMBPRINT = Text(43, 43, "[A-Za-z0-9_-]{43}", "a key's thumbprint (RFC 7638) is expected")
TOKEN = Text(
    1, MAX_STATEMENT, r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "a signed statement (JWS compact) is expected"
)
SECONDS = Whole(0, 1 << 53)
