"""Patience: how long a viewer waits before something counts as lost, by the round trip (spec 05-media, 5.4.4).

Whoever gives up before a repair can have come asks for a key object, which costs many times what was lost, and throws
away the pictures that waited. A repair takes a round trip and what it takes to notice the loss.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Round trips, and seconds beyond them, until a repair has come; at least and at most.
TRIPS, NOTICED = 1.25, 0.1
LEAST, MOST = 0.15, 1.0
#: Seconds by which an unfinished object, and what a beacon named, may be later than what depends on it.
UNFINISHED, TAIL = 0.1, 0.35
#: Round trips until a key object that was asked for begins to come.
ANSWER = 1.5


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `dependency`: an object waits for another; `unfinished`: an object for its fragments; `tail`: for what a
    beacon named; `answer`: between two wishes to recover."""

    dependency: float
    unfinished: float
    tail: float
    answer: float


def patience(round_trip: float, spacing: float) -> Patience:
    """For a round trip to the host in seconds (0: unknown); `spacing`: least time between wishes."""
    dependency = min(MOST, max(LEAST, TRIPS * round_trip + NOTICED))
    answer = min(MOST, max(spacing, ANSWER * round_trip + NOTICED))
    return Patience(dependency, dependency + UNFINISHED, dependency + TAIL, answer)
