"""Chosen: limits that an operator sets by name, on the command line or in a file.

    NAME=NUMBER             a single number
    NAME=RATE/BURST         an allowance: so much a second, and so much at once (`none`: no limit, where that may be)
    NAME=SOURCE/NETWORK/ALL places
    NAME.PART=NUMBER        one number of an allowance or of places, as in strangers.source=64

The names are those of `avl_protocol.rate.limits.Limits`.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from avl_protocol.rate.limits import Allowance, Limits, Places

#: What `none` may be said of.
OPTIONAL = Allowance | None


def chosen(base: Limits, lines: Iterable[str]) -> Limits:
    """`base` with what the lines say; empty ones, and what follows a `#`, say nothing. Raises ValueError with a
    sentence."""
    kinds = typing.get_type_hints(Limits)
    for line in lines:
        said = line.partition("#")[0].strip()
        if not said:
            continue
        name, equals, text = (part.strip() for part in said.partition("="))
        name, _, part = name.partition(".")
        if not equals:
            raise ValueError(f"{said}: a limit is set as NAME=VALUE")
        if name not in kinds:
            raise ValueError(f"no limit is called {name}{_nearest(name, kinds)}")
        value = _part(name, part, text, getattr(base, name)) if part else _whole(name, text, kinds[name])
        changed: dict[str, Any] = {name: value}
        base = replace(base, **changed)
    return base


def _whole(name: str, text: str, kind: Any) -> Any:
    if kind == OPTIONAL and text == "none":
        return None
    if kind in (Allowance, OPTIONAL):
        return Allowance(*_numbers(name, text, float, ("RATE", "BURST")))
    if kind is Places:
        return Places(*_numbers(name, text, int, ("SOURCE", "NETWORK", "ALL")))
    return _numbers(name, text, kind, ("NUMBER",))[0]


def _part(name: str, part: str, text: str, value: object) -> object:
    if not isinstance(value, (Allowance, Places)):
        raise ValueError(f"{name} has no parts: set it as {name}=VALUE")
    parts = [field.name for field in fields(value)]
    if part not in parts:
        raise ValueError(f"{name} has no {part}; its parts are {', '.join(parts)}")
    kind = float if isinstance(value, Allowance) else int
    changed: dict[str, Any] = {part: _numbers(f"{name}.{part}", text, kind, ("NUMBER",))[0]}
    return replace(value, **changed)


def _numbers(name: str, text: str, kind: Any, parts: tuple[str, ...]) -> list[Any]:
    try:
        numbers = [kind(one) for one in text.split("/")]
    except ValueError:
        numbers = []
    if len(numbers) != len(parts) or not all(0 <= number < float("inf") for number in numbers):
        whole = " of whole numbers" if kind is int else ""
        raise ValueError(f"{name}={text}: expected {name}={'/'.join(parts)}{whole}, none of them negative")
    return numbers


def _nearest(name: str, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(names), 1, 0.4)
    return f"; did you mean {found[0]}?" if found else ""
