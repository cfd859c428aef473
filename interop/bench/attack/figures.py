"""Figures: what an attack did to the sessions of a relay, from the events that they told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Megabytes of the relay, milliseconds of the sessions' 95th percentile, seconds until a newcomer is in.
GOALS = (64.0, 20.0, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one attack. Sizes in MB, delays in ms, times in s; `enters` None: somebody did not come in at all; `cpu`: of
    one core in percent; `lost`: viewers that were thrown out."""

    name: str
    memory: float
    before_p95: float
    p95: float
    worst: float
    enters: float | None
    cpu: float
    lost: int

    @property
    def met(self) -> tuple[bool, bool, bool]:
        """Which goals were met."""
        return (
            self.memory <= GOALS[0],
            self.p95 - self.before_p95 <= GOALS[1],
            self.enters is not None and self.enters <= GOALS[2],
        )


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that is not below `share` of them; 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def figures(
    name: str,
    events: Iterable[Mapping[str, float | None]],
    times: tuple[float, float, float],
    memory: float,
    cpu: float,
) -> Figures:
    """`events` as sessions.py tells them; `times`: until when there was peace, from when there was an attack, and its
    end. What was sent in peace is the measure for what was sent under attack."""
    peace, begins, ends = times
    delays: tuple[list[float], list[float]] = ([], [])
    entered: list[float | None] = []
    lost = 0
    for event in events:
        at = event["at"] or 0.0
        delay, began = event.get("delay"), event.get("began")
        if delay is not None:
            sent = at - delay
            if sent < peace or begins <= sent <= ends:
                delays[sent >= begins].append(1000 * delay)
        elif began is not None and begins <= began <= ends:
            entered.append(event.get("entered"))
        elif "lost" in event:
            lost += 1
    came = [value for value in entered if value is not None]
    slowest = max(came) if came and len(came) == len(entered) else None
    return Figures(
        name=name,
        memory=memory,
        before_p95=percentile(delays[0], 0.95),
        p95=percentile(delays[1], 0.95),
        worst=max(delays[1], default=0.0),
        enters=slowest,
        cpu=cpu,
        lost=lost,
    )


def markdown(results: Iterable[Figures]) -> str:
    """A table for people; bold: a goal that was missed."""
    lines = [
        "| attack | memory, MB | p95 before, ms | p95, ms | worst, ms | newcomer, s | CPU, % | thrown out |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in results:
        memory, p95, enters = (
            text if met else f"**{text}**"
            for text, met in zip(
                (f"{one.memory:+.1f}", f"{one.p95:.1f}", "never" if one.enters is None else f"{one.enters:.2f}"),
                one.met,
                strict=True,
            )
        )
        lines.append(
            f"| {one.name} | {memory} | {one.before_p95:.1f} | {p95} | {one.worst:.0f} | {enters} | {one.cpu:.0f} "
            f"| {one.lost} |"
        )
    return "\n".join(lines)
