"""Goals: what the product's controller is meant to reach in each case.

They were set before it was written, each at least as good as the best published controller in the same conditions.
Those of traces were set on recorded ones, which this suite replaces by generated ones: take them for a direction there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: One case's figures as in report.py: names to values, times in seconds.
Summary = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Goal:
    """`figure` is at least `least` and at most `most`."""

    figure: str
    least: float = float("-inf")
    most: float = float("inf")

    def met(self, value: float) -> bool:
        """Whether a value reaches the goal, to the precision it is stated in."""
        return self.least - 5e-4 <= value <= self.most + 5e-4

    def __str__(self) -> str:
        if self.least > float("-inf") and self.most < float("inf"):
            return f"{self.figure} {self.least:g} to {self.most:g}"
        return f"{self.figure} >= {self.least:g}" if self.least > float("-inf") else f"{self.figure} <= {self.most:g}"


def usual(util: float, frame95: float, frame99: float | None, freeze: float, *others: Goal) -> tuple[Goal, ...]:
    """The goals every case has: use of the link, frame delay in ms, seconds frozen."""
    late = () if frame99 is None else (Goal("frame99", most=frame99 / 1000),)
    return (
        Goal("util", least=util),
        Goal("frame95", most=frame95 / 1000),
        *late,
        Goal("freeze", most=freeze),
        *others,
    )


def within(recovery: float | None = None, ramp: float | None = None) -> tuple[Goal, ...]:
    """Seconds after a drop and after a rise of the capacity, the slowest of the case."""
    goals = () if recovery is None else (Goal("recovery", most=recovery),)
    return goals if ramp is None else (*goals, Goal("ramp", most=ramp))


def fair(index: float) -> Goal:
    """Jain's index among own flows."""
    return Goal("jain", least=index)


GOALS: dict[str, tuple[Goal, ...]] = {
    "R5.1": usual(0.88, 95, 130, 0, *within(0.7, 1.4), Goal("queue95", most=0.045)),
    "R5.1x10": usual(0.88, 76, 88, 0.2, *within(0.7, 1.0)),
    "R5.2": usual(0.88, 90, 120, 0, *within(0.6)),
    "R5.3": usual(0.85, 84, 150, 0, *within(0.6, 1.4)),
    "R5.4": usual(0.91, 80, 100, 0, fair(0.99)),
    "R5.5": usual(0.90, 175, 188, 0, fair(0.985)),
    "R5.6": usual(0.80, 346, None, 0.4, Goal("share", 0.40, 0.60)),
    "R5.6-1s": usual(0.60, 1050, None, 5, Goal("share", 0.30, 0.60)),
    "R5.7": usual(0.75, 110, 180, 0, Goal("short", most=1.20)),
    "R5.8": usual(0.92, 80, 105, 0, fair(0.99), Goal("resume", most=3.0)),
    "D1-desk": usual(0.90, 50, 80, 0, Goal("scene", most=0.120)),
    "D2-drop": usual(0.88, 48, 60, 0, *within(0.6, 1.0), Goal("peak", most=0.250)),
    "D3-shallow": usual(0.92, 45, 80, 0, Goal("loss", most=0.002)),
    "D4-rnd2%": usual(0.86, 55, 80, 0, Goal("overhead", most=0.08)),
    "D4-ge3%": usual(0.82, 70, 100, 0, Goal("overhead", most=0.12)),
    "D5-jit15": usual(0.88, 58, 70, 0),
    "D6-outage": usual(0.86, 49, 95, 3.0, *within(None, 1.0), Goal("fresh", most=0.2)),
    "D7-cubic": usual(0.95, 118, 160, 0.2, Goal("share", 0.42, 0.58)),
    "D7-cub-codel": usual(0.95, 50, 80, 0, Goal("share", 0.45, 0.60)),
    "D8-idledrop": usual(0.92, 48, 80, 0, Goal("wake", most=0.100)),
    "D9-4own": usual(0.92, 45, 70, 0, fair(0.98)),
    "D10-lan": usual(0.98, 16, 45, 0),
    "D11-fbloss": usual(0.85, 45, 58, 0, *within(0.4, 1.3)),
    "D12-l4s": usual(0.85, 38, 44, 0, *within(0.4, 1.5), Goal("queue95", most=0.006)),
    "D13-js": usual(0.87, 50, 60, 0, Goal("behind", most=3.0)),
    "4G-a": usual(0.84, 70, None, 0),
    "4G-b": usual(0.80, 65, None, 0),
    "4G-c": usual(0.82, 90, None, 0.4),
    "5G-a": usual(0.96, 36, 60, 0.2),
    "W-rest-3own": usual(0.80, 75, None, 2.8, fair(0.95)),
}

#: Goals for the mean of several cases, by the beginning of their names.
GROUP_GOALS: dict[str, tuple[Goal, ...]] = {
    "T-lte": (*usual(0.68, 95, None, 1.6), Goal("queue95", most=0.060)),
    "W-wifi": (Goal("util", least=0.82), Goal("frame95", most=0.060), Goal("frame99", most=0.115)),
}

#: For the mean score of the whole suite, and how far below the best baseline any single case may be.
SUITE_GOAL = 66.0
BEHIND = 3.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal, where it stands, and the value reached."""

    place: str
    goal: Goal
    value: float

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.goal.met(self.value)


def judge(summaries: Mapping[str, Summary]) -> list[Verdict]:
    """Every goal for which there are figures: by case, by group, and for the suite where all of it was run."""
    verdicts = [
        Verdict(name, goal, summary[goal.figure])
        for name, summary in summaries.items()
        for goal in GOALS.get(name, ())
        if goal.figure in summary
    ]
    for prefix, goals in GROUP_GOALS.items():
        members = [summary for name, summary in summaries.items() if name.startswith(prefix)]
        verdicts += [Verdict(f"{prefix}-*", goal, mean(members, goal.figure)) for goal in goals if members]
    if set(summaries) >= set(GOALS):
        verdicts.append(Verdict("suite", Goal("score", least=SUITE_GOAL), mean(list(summaries.values()), "score")))
    return verdicts


def mean(summaries: Sequence[Summary], figure: str) -> float:
    """The mean of one figure over cases."""
    return sum(summary[figure] for summary in summaries) / len(summaries)
