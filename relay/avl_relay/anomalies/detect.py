"""Detectors: which moments are alarms. What is unusual in one feature happens to everybody now and then: alarms are
what is unusual in several at a time, or far beyond everybody in one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from avl_relay.anomalies.features import NAMES, Moment, Reason, reason
from avl_relay.anomalies.tails import SHARES, TAILS

#: What counts once, by the most of it: it has one cause.
TOGETHER = (
    ("place", "unsigned"),
    ("apart",),
    ("hour",),
    ("device", "visitor", "strange"),
    ("reach", "at_once"),
    ("length", "served", "beyond"),
    ("absence",),
    ("failures", "failures_day", "guesses", "targets"),
    ("changes",),
    ("way",),
    ("browser",),
    ("share", "opened"),
)
_GROUPS = tuple(tuple(NAMES.index(name) for name in group) for group in TOGETHER)
#: Scales below which a feature says nothing, and from which it says all that it does.
FROM, WHOLE = 1.0, 2.5
#: Evidence (nats) of a feature that everybody has in a day.
DAILY = 1.5
#: Nats for each scale beyond the rarest that was measured.
BEYOND = 2.0
#: The sum beyond which a moment is an alarm: chosen on one half of a labelled corpus (interop/bench/anomalies).
LIMIT = 11.21
#: Reasons that are told, at most.
TOLD = 4


class Detector(Protocol):
    """Judges moments."""

    @property
    def name(self) -> str:
        """What it is called in an alarm."""

    @property
    def limit(self) -> float:
        """The score beyond which a moment is an alarm."""

    def scores(self, moments: Sequence[Moment]) -> Sequence[float]:
        """How unusual each is."""

    def reasons(self, moment: Moment) -> tuple[Reason, ...]:
        """Why, the weightiest first."""


def evidence(moment: Moment) -> tuple[float, ...]:
    """How unlikely each feature is on an honest day, in nats above what every day has."""
    return tuple(_evidence(at, raised) for at, raised in enumerate(moment.raised))


def pieces(found: Sequence[float]) -> list[float]:
    """The evidence of each cause."""
    return [max(found[at] for at in group) for group in _GROUPS]


def _evidence(at: int, raised: float) -> float:
    if raised <= FROM:
        return 0.0
    before, nats = 0.0, 0.0
    for share, tail in zip(SHARES, TAILS[at], strict=True):
        rarer = -math.log(share)
        if raised < tail:
            nats += (rarer - nats) * (raised - before) / (tail - before)
            break
        before, nats = max(before, tail), rarer
    else:
        nats += BEYOND * (raised - before)
    return max(0.0, nats - DAILY) * min(1.0, (raised - FROM) / (WHOLE - FROM))


class Robust:
    """The evidence of all features together, each measured by its account's own median and median absolute
    deviation."""

    name = "robust"

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = limit

    @property
    def limit(self) -> float:
        """See Detector."""
        return self._limit

    def scores(self, moments: Sequence[Moment]) -> Sequence[float]:
        """See Detector."""
        return [sum(pieces(evidence(moment))) for moment in moments]

    def reasons(self, moment: Moment) -> tuple[Reason, ...]:
        """See Detector."""
        found = evidence(moment)
        order = sorted(range(len(found)), key=lambda at: -found[at])
        return tuple(reason(moment, at) for at in order[:TOLD] if found[at] > 0)
