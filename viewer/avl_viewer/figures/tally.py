"""Tally: counts lost input, and tells a person in one sentence (spec 04-session, 4.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from avl_protocol.session.input.ledger import Dropped, Fate
from avl_protocol.wire.keys import MODIFIER_USAGES
from avl_protocol.wire.registry import InputKind, PenState, TouchPhase

Event = tuple[Any, ...]


class Tally:
    """Counts until it is cleared."""

    def __init__(self) -> None:
        self._lost: Counter[str] = Counter()
        self._unsure: dict[int, Counter[str]] = {}

    def add(self, dropped: Iterable[Dropped]) -> None:
        """This came to nothing; what was unsure until now may have been decided."""
        for one in dropped:
            if one.fate is Fate.UNCONFIRMED:
                self._unsure[one.sequence] = counted(one.events)
            else:
                self._unsure.pop(one.sequence, None)
                self._lost += counted(one.events)

    def clear(self) -> None:
        """It has been told."""
        self._lost.clear()
        self._unsure.clear()

    def sentence(self) -> str:
        """A message for a person; empty if there is none."""
        unsure = sum(self._unsure.values(), Counter[str]())
        told = []
        if self._lost:
            told.append(f"{_named(self._lost)} did not reach the desktop in time: not sent.")
        if unsure:
            told.append(f"The host has not confirmed {_named(unsure)}.")
        return " ".join(told)


def counted(events: Sequence[Event]) -> Counter[str]:
    """What people call it, and how often: keys and characters, clicks, turns of the wheel, touches, movements that no
    later one makes up for. Shift and the like are no keys of their own."""
    found: Counter[str] = Counter()
    for kind, *values in events:
        if kind == InputKind.TEXT:
            found["key"] += len(values[0])
        elif kind == InputKind.KEY and values[1] and values[0] not in MODIFIER_USAGES:
            found["key"] += 1
        elif kind == InputKind.BUTTON and values[1]:
            found["click"] += 1
        elif kind == InputKind.WHEEL:
            found["turn of the wheel"] += 1
        elif kind == InputKind.MOVE_BY or (kind == InputKind.PEN and values[5] & PenState.TIP):
            found["movement"] += 1
        elif kind == InputKind.TOUCH and values[1] == TouchPhase.BEGIN:
            found["touch"] += 1
    return found


def _named(counts: Counter[str]) -> str:
    names = {
        "key": "keys",
        "click": "clicks",
        "turn of the wheel": "turns of the wheel",
        "touch": "touches",
        "movement": "movements",
    }
    parts = [f"{counts[one]} {one if counts[one] == 1 else many}" for one, many in names.items() if counts[one]]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
