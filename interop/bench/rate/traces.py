"""Synthetic traces of radio and Wi-Fi capacity: Markov-modulated, seeded, of the order of recorded ones.

Recorded traces come under licences that do not let us pass them on. Parameters are set so that a sender that never
reacts, at 60 % of the mean, sees the queue delay (p95), loss and freezes that recordings of such links gave it. Over
seeds 1 to 5, in means over 100 ms, the coefficient of variation is 0.35 to 0.86 for LTE, 0.28 to 0.47 for Wi-Fi, 0.39
to 0.44 for 4G and 0.35 for 5G, the 10th percentile 0.16 to 0.61, 0.48 to 0.69, 0.52 to 0.56 and 0.60 of the mean; up
to 9 % of the time less than a tenth of the mean is left. README.md has the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from interop.bench.rate.spec import Steps

#: Length of one step of capacity, in seconds.
STEP = 0.020


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSpec:
    """A generator's parameters. Rates in bit/s, times in seconds.

    The logarithm of capacity is the sum of a slow and a fast AR(1) process (standard deviations `slow`, `fast`, time
    constants `slow_time`, `fast_time`) and of the level of a Markov chain of `levels` (factors), left after `hold` on
    average. Outages begin every `outage_every` (0: never) and last an exponential time of mean `outage_time`, at most
    three times that, in which capacity is `outage_level` of what it was. The whole is scaled to `mean` and cut at
    `most`.
    """

    mean: float
    most: float
    slow: float
    slow_time: float
    fast: float
    fast_time: float
    levels: tuple[float, ...] = (1.0,)
    hold: float = 4.0
    outage_every: float = 0.0
    outage_time: float = 0.0
    outage_level: float = 0.0


def spread(width: float) -> tuple[float, ...]:
    """Three levels of a cell's or channel's load, `width` apart at most by ratio, the usual one in the middle."""
    return (1 / width, 1.0, width**0.5)


def lte(mean: float, slow: float, fast: float, width: float, outage_every: float, outage_time: float) -> TraceSpec:
    """A moving phone: fading over 60 ms, shadowing over 2 s, cells of different load, deep fades."""
    return TraceSpec(
        mean=mean,
        most=4.5 * mean,
        slow=slow,
        slow_time=2.0,
        fast=fast,
        fast_time=0.06,
        levels=spread(width),
        hold=5.0,
        outage_every=outage_every,
        outage_time=outage_time,
        outage_level=0.02,
    )


def wifi(mean: float, slow: float, width: float, drought_every: float, drought_time: float) -> TraceSpec:
    """A shared channel: the station's own rate changes slowly, contention leaves it nothing for 20 to 200 ms."""
    return TraceSpec(
        mean=mean,
        most=3.0 * mean,
        slow=slow,
        slow_time=3.0,
        fast=0.3,
        fast_time=0.08,
        levels=spread(width),
        hold=4.0,
        outage_every=drought_every,
        outage_time=drought_time,
    )


TRACES: dict[str, TraceSpec] = {
    "lte-a": lte(4.6e6, 0.50, 0.45, 2.4, 8.0, 0.50),
    "lte-b": lte(16.7e6, 0.40, 0.60, 1.7, 5.0, 0.45),
    "lte-c": lte(5.0e6, 0.50, 0.40, 2.4, 9.0, 0.28),
    "lte-d": lte(6.0e6, 0.45, 0.40, 2.1, 10.0, 0.65),
    "lte-e": lte(8.1e6, 0.20, 0.35, 1.2, 18.0, 0.40),
    "lte-f": lte(7.0e6, 0.32, 0.35, 1.5, 0.0, 0.0),
    "lte-g": lte(17.1e6, 0.20, 0.30, 1.2, 18.0, 0.50),
    "wifi-a": wifi(22e6, 0.15, 1.3, 0.8, 0.036),
    "wifi-b": wifi(26e6, 0.08, 1.05, 3.0, 0.030),
    "wifi-c": wifi(18e6, 0.12, 1.1, 0.8, 0.065),
    "wifi-d": wifi(14e6, 0.25, 1.4, 0.9, 0.060),
    "4g-a": TraceSpec(
        mean=14e6, most=40e6, slow=0.30, slow_time=4.0, fast=0.20, fast_time=0.10, levels=spread(1.5), hold=8.0
    ),
    "4g-b": TraceSpec(
        mean=20e6, most=50e6, slow=0.30, slow_time=3.0, fast=0.25, fast_time=0.10, levels=spread(1.4), hold=6.0
    ),
    "4g-c": TraceSpec(
        mean=28e6,
        most=80e6,
        slow=0.20,
        slow_time=1.5,
        fast=0.40,
        fast_time=0.06,
        levels=spread(1.3),
        hold=4.0,
        outage_every=10.0,
        outage_time=0.20,
        outage_level=0.01,
    ),
    "5g-a": TraceSpec(
        mean=120e6,
        most=320e6,
        slow=0.20,
        slow_time=1.5,
        fast=0.30,
        fast_time=0.06,
        levels=spread(1.3),
        hold=5.0,
        outage_every=12.0,
        outage_time=0.06,
        outage_level=0.10,
    ),
}


class _Drift:
    """A stationary AR(1) process of standard deviation `deviation` and time constant `constant`."""

    def __init__(self, rng: Random, deviation: float, constant: float) -> None:
        self._rng = rng
        self._keep = math.exp(-STEP / constant)
        self._noise = deviation * math.sqrt(1 - self._keep**2)
        self._value = rng.gauss(0, deviation)

    def step(self) -> float:
        self._value = self._keep * self._value + self._rng.gauss(0, self._noise)
        return self._value


def generate(spec: TraceSpec, duration: float, rng: Random) -> Steps:
    """Capacity over `duration` seconds in steps of STEP; its mean is `spec.mean` to within the cut at `spec.most`."""
    slow = _Drift(rng, spec.slow, spec.slow_time)
    fast = _Drift(rng, spec.fast, spec.fast_time)
    level = rng.choice(spec.levels)
    until = 0.0
    following = rng.expovariate(1 / spec.outage_every) if spec.outage_every else math.inf
    values = []
    for place in range(math.ceil(duration / STEP)):
        now = place * STEP
        if rng.random() < STEP / spec.hold:
            level = rng.choice(spec.levels)
        if now >= following:
            until = now + min(max(STEP, rng.expovariate(1 / spec.outage_time)), 3 * spec.outage_time)
            following = until + rng.expovariate(1 / spec.outage_every)
        value = level * math.exp(slow.step() + fast.step())
        values.append(value * spec.outage_level if now < until else value)
    for _ in range(3):  # the cut lowers the mean, so it takes a few rounds
        factor = spec.mean * len(values) / sum(values)
        values = [min(spec.most, value * factor) for value in values]
    # What follows the end is never reached by media, but packets still queued there have to leave.
    return (*((place * STEP, value) for place, value in enumerate(values)), (len(values) * STEP, spec.mean))


def trace(name: str, duration: float, seed: int) -> Steps:
    """The realisation of trace `name` that belongs to `seed`."""
    return generate(TRACES[name], duration, Random(f"{name}/{seed}"))
