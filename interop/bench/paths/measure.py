"""What `./dev bench paths` runs, in processes of its own: every pair of NATs, every interruption, and chaos."""

from __future__ import annotations

import itertools
import logging
import statistics
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import structlog

from interop.bench.paths import copies
from interop.bench.paths.chaos import live
from interop.bench.paths.gaps import CASES, happen
from interop.bench.paths.nats import KINDS, LAYERED, meet

USUAL = ("restricted", "restricted")


def quiet() -> None:
    """Say nothing of what relays report, many times a second."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def ms(values: Sequence[float]) -> list[int]:
    """Smallest, median and largest of seconds, in milliseconds."""
    return [round(1000 * value) for value in (min(values), statistics.median(values), max(values))]


def pairs(pool: ProcessPoolExecutor, seeds: int) -> list[dict[str, Any]]:
    """Every kind of NAT before every other; the usual pair as often as there are seeds."""
    kinds = (*KINDS, LAYERED)
    rows = []
    for host, viewer in itertools.product(kinds, kinds):
        runs = range(seeds if (host, viewer) == USUAL else min(seeds, 4))
        met = list(pool.map(partial(meet, host, viewer), runs))
        direct = [one.direct for one in met if one.direct is not None]
        rows.append(
            {
                "host": host,
                "viewer": viewer,
                "runs": len(met),
                "direct": len(direct),
                "first_ms": ms([one.first for one in met]),
                "after_ms": ms(direct) if direct else None,
                "lost": sum(one.lost for one in met),
                "twice": sum(one.twice for one in met),
            }
        )
    return rows


def gaps(pool: ProcessPoolExecutor, seeds: int) -> list[dict[str, Any]]:
    """Every interruption."""
    rows = []
    for case in CASES:
        came = list(pool.map(partial(happen, case), range(seeds)))
        rows.append(
            {
                "case": case.name,
                "runs": len(came),
                "gap_ms": ms([gap.seconds for gap in came]),
                "goal_ms": round(1000 * case.goal),
                "keys_missing": sum(gap.missing for gap in came),
                "keys_doubled": sum(gap.doubled for gap in came),
                "all_keys": case.keys,
            }
        )
    return rows


def copying(pool: ProcessPoolExecutor, seeds: int) -> dict[str, Any]:
    """Runs of random trouble while people copy and paste, and what they broke."""
    verdicts = list(enumerate(pool.map(copies.live, range(seeds))))
    return {
        "runs": seeds,
        "events": sum(len(verdict.events) for _, verdict in verdicts),
        "pasted": sum(verdict.arrived for _, verdict in verdicts),
        "broken": {seed: verdict.broken for seed, verdict in verdicts if verdict.broken},
    }


def chaos(pool: ProcessPoolExecutor, seeds: int) -> dict[str, Any]:
    """Runs of random trouble, and what they broke."""
    verdicts = list(enumerate(pool.map(live, range(seeds))))
    broken = {seed: verdict.broken for seed, verdict in verdicts if verdict.broken}
    return {
        "runs": seeds,
        "events": sum(len(verdict.events) for _, verdict in verdicts),
        "keys": sum(verdict.arrived for _, verdict in verdicts),
        "broken": broken,
    }
