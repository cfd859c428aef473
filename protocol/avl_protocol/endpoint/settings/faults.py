"""Faults: what is wrong with settings, each with its place and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`place`: FILE:LINE, a variable, a flag, or "" where several settings together are wrong. `text`: a sentence."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


class BadSettings(ValueError):
    """Settings that a program can't be run with; its text has a line for each fault."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


def nearest(name: str, names: Iterable[str], least: float = 0.6) -> str:
    """The end of a sentence about a name that is not known: the one that may be meant, if any is near."""
    found = difflib.get_close_matches(name[:80], list(names), 1, least)
    return f"; did you mean {found[0]}?" if found else ""
