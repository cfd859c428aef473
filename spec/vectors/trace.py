"""Traces: what a state machine was told and when, and what came of it, step by step.

A machine whose answers depend on what came before is held to its mirror by a story, not by bytes. A step is a call at
`at` milliseconds: `do` names it, `with` are its arguments, `out` is what it returned or told, and `next`, where the
machine has one, is when it wants to be called again. The Python machine is called, and what it says is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

#: A call that a story makes: milliseconds, the call's name, its arguments by name.
Call = tuple[float, str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Story:
    """Calls of one machine in order, and what they are there for."""

    about: str
    calls: tuple[Call, ...]
    #: How the machine begins, where that differs from story to story.
    begin: dict[str, Any] = field(default_factory=dict)


#: What a machine answers to a call: (out, next); without `next` for a machine that waits for nothing.
Answer = tuple[Any, float | None] | tuple[Any]


def record(stories: Iterable[Story], begin: Callable[..., Callable[[float, str, dict[str, Any]], Answer]]) -> list[Any]:
    """Play each story to a machine of its own: `begin(**story.begin)` makes it, and gives the function that calls it
    at a time in seconds. Times in the answer are seconds too.
    """
    traces = []
    for story in stories:
        call, steps = begin(**story.begin), []
        for at, do, arguments in story.calls:
            out, *after = call(at / 1000, do, arguments)
            step = {"at": at, "do": do, "with": arguments, "out": out}
            steps.append({**step, "next": ms(after[0])} if after else step)
        trace = {"about": story.about, "steps": steps}
        traces.append({**trace, "begin": story.begin} if story.begin else trace)
    return traces


def ms(seconds: float | None) -> float | None:
    """Milliseconds as they stand in a trace: whole microseconds, integers where they are."""
    if seconds is None:
        return None
    value = round(seconds * 1000, 3)
    return int(value) if value == int(value) else value
