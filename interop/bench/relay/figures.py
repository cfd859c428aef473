"""What marks and processor times say: costs of a viewer, delays, and whether the load was carried at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from interop.bench.relay.marks import Marks

#: Seconds after which an object came too late to be of use to somebody who works with what is shown.
IN_TIME = 0.1
#: An audience counts as served where this share of its objects came whole and in time, and 95 of 100 within so much.
SERVED, PROMPT = 0.999, 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Seconds that objects took from the moment their last datagram had left the host until a viewer had them whole."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measurement: `cores` of the relay, of the host (`source`) and of the viewers (`audience`), `others` what
    everybody else used meanwhile; `arrived`, the share of objects that came whole and in time; and `datagrams`, those
    of media that viewers got a second, all together."""

    product: str
    rate: float
    viewers: int
    seconds: float
    cores: float
    source: float
    audience: float
    others: float
    arrived: float
    datagrams: float
    delays: Delays

    @property
    def served(self) -> bool:
        """Whether all of this audience were served well."""
        return self.arrived >= SERVED and self.delays.p95 <= PROMPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one product at one rate: `viewer` is the cores of one more viewer, `share` all cores divided by the viewers.
    CPU microseconds are those of one more viewer for each of its datagrams."""

    product: str
    rate: float
    viewers: int
    host: float
    viewer: float
    share: float
    microseconds: float
    arrived: float
    delays: Delays
    served: bool

    @property
    def viewers_per_core(self) -> float:
        """How many more viewers one more core serves."""
        return 1 / self.viewer if self.viewer > 0 else 0.0

    @property
    def gigabits_per_core(self) -> float:
        """Of media, towards viewers."""
        return self.viewers_per_core * self.rate / 1000


def delays(marks: Marks, begins: float, ends: float) -> tuple[float, Delays]:
    """The share of objects due in a span of time that came in time, over all viewers, and how long they took."""
    due = np.flatnonzero((marks.due >= begins) & (marks.due < ends))
    if not due.size:
        return 0.0, Delays(p50=0.0, p95=0.0, p99=0.0)
    left, came = marks.left[due], marks.came[:, due]
    took = came - np.where(left > 0, left, marks.due[due])
    arrived = took[came > 0]
    if not arrived.size:
        return 0.0, Delays(p50=0.0, p95=0.0, p99=0.0)
    p50, p95, p99 = (float(value) for value in np.percentile(arrived, (50, 95, 99)))
    return float((arrived <= IN_TIME).sum() / came.size), Delays(p50=p50, p95=p95, p99=p99)


def settled(marks: Marks, now: float) -> bool:
    """Whether everybody has got all that was due in the second before the last half."""
    due = np.flatnonzero((marks.due > now - 1.5) & (marks.due < now - 0.5) & (marks.due > 0))
    return due.size > 0 and bool((marks.came[:, due] > 0).all())


def cheapest(rounds: Iterable[Measured]) -> Measured:
    """The round that others on the machine disturbed least: what they do to the caches and the clock of a processor
    only ever makes work dearer. One that did not carry the load is no candidate while there are others."""
    known = list(rounds)
    return min([one for one in known if one.arrived >= SERVED] or known, key=lambda one: one.cores)


def cost(measured: Sequence[Measured], product: str, rate: float) -> Cost:
    """What the measurements of a product at a rate say: those with one viewer, and those with all."""
    own = [one for one in measured if one.product == product and one.rate == rate]
    few, many = min(one.viewers for one in own), max(one.viewers for one in own)
    small = cheapest(one for one in own if one.viewers == few)
    large = cheapest(one for one in own if one.viewers == many)
    each = (large.cores - small.cores) / (many - few)
    return Cost(
        product=product,
        rate=rate,
        viewers=many,
        host=small.cores - few * each,
        viewer=each,
        share=large.cores / many,
        microseconds=1e6 * each / (large.datagrams / many) if large.datagrams else 0.0,
        arrived=large.arrived,
        delays=large.delays,
        served=large.served,
    )


HEAD = (
    "relay",
    "Mbit/s",
    "viewers",
    "a core serves",
    "all / N",
    "Gbit/s a core",
    "µs a datagram",
    "host, cores",
    "in time",
    "delay p50, p95, p99 ms",
    "of the first",
)


def markdown(costs: Sequence[Cost]) -> str:
    """A row for each cost. The last column compares what a core serves with the first row of the same rate; what
    stands in brackets was measured while not everybody was served well."""
    rows = [HEAD, ("---", *["---:"] * (len(HEAD) - 1))]
    first: dict[float, Cost] = {}
    for one in costs:
        base = first.setdefault(one.rate, one)
        serves = f"{one.viewers_per_core:.1f}"
        rows.append(
            (
                one.product,
                f"{one.rate:g}",
                str(one.viewers),
                serves if one.served else f"({serves})",
                f"{1 / one.share:.1f}",
                f"{one.gigabits_per_core:.3f}",
                f"{one.microseconds:.1f}",
                f"{one.host:.3f}",
                f"{100 * one.arrived:.2f} %",
                ", ".join(f"{1000 * value:.2f}" for value in (one.delays.p50, one.delays.p95, one.delays.p99)),
                f"{one.viewers_per_core / base.viewers_per_core:.2f}" if base.viewers_per_core else "-",
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
