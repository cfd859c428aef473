"""`./dev bench exact`: whether viewers show the host's screen pixel for pixel, over bad links, in virtual time.

Each seed is a desktop that is used for some seconds, links that lose, reorder and change, viewers that come, leave and
move between paths (tests/simulator/exactness.py). It ends with status 1 if one broke a rule.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import structlog

from tests.simulator.exactness import Verdict, live


def show(verdict: Verdict, verbose: bool) -> None:
    """One line for a seed, and what it broke."""
    waited = " ".join(f"{seconds:.2f}" for seconds in verdict.seconds)
    print(f"seed {verdict.seed}: {verdict.looks} looks, exact after {waited} s", flush=True)
    for line in verdict.broken:
        print(f"    {line}")
    if verbose or verdict.broken:
        print(f"    events: {', '.join(verdict.events)}", flush=True)


def quietly(seed: int) -> Verdict:
    """One run, without what relays say of their doings."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return live(seed)


def main() -> int:
    """Run the seeds, and say what they showed."""
    parser = argparse.ArgumentParser(prog="./dev bench exact", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200, help="how many to run (200)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (1)")
    parser.add_argument("--verbose", action="store_true", help="tell what happened in every run")
    chosen = parser.parse_args()
    started = time.monotonic()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    with ProcessPoolExecutor(chosen.jobs) as pool:
        verdicts = []
        for verdict in pool.map(quietly, seeds):
            show(verdict, chosen.verbose)
            verdicts.append(verdict)
    failed = [verdict.seed for verdict in verdicts if verdict.broken]
    waits = sorted(seconds for verdict in verdicts for seconds in verdict.seconds)
    middle, most = waits[len(waits) // 2], waits[-1]
    which = f": {failed}" if failed else ""
    print(
        f"{len(seeds)} seeds, {len(failed)} broke a rule{which}; exact after {middle:.2f} s (median),"
        f" {most:.2f} s at most; {time.monotonic() - started:.0f} s"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
