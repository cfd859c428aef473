"""What of attacks is noticed in an audit log's events, and how often somebody honest is called unusual:
`./dev bench anomalies`.

Two corpora of one generator (corpus.py), of different people: limits are chosen on the first, and hold for the second.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from avl_relay.anomalies.alarms import AGAIN
from avl_relay.anomalies.detect import Robust
from avl_relay.anomalies.features import NAMES, Moment
from avl_relay.anomalies.forest import Days, Forest
from avl_relay.anomalies.tails import SHARES
from avl_relay.anomalies.watch import LOOK, Watch
from interop.bench.anomalies.corpus import ATTACKS, BEGIN, DAY, Corpus, in_order, of

#: What is aimed at: incidents noticed, and false alarms in 1,000 sessions.
RECALL, FALSE = 0.9, 1.0


@dataclass(frozen=True, slots=True)
class Half:
    """A corpus's moments after its quiet days, each with the incident that it is part of."""

    moments: Sequence[Moment]
    incidents: Sequence[str]
    sessions: int
    seconds: float

    @property
    def all(self) -> set[str]:
        """The incidents."""
        return {one for one in self.incidents if one}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a limit comes to."""

    limit: float
    found: frozenset[str]
    false: int


def half(seed: int, people: int, attacks: int) -> Half:
    """One corpus, as a relay hears it."""
    corpus = Corpus(seed, people=people, attacks=attacks)
    watch, whose = Watch(), dict[str, str]()
    moments, incidents = list[Moment](), list[str]()
    begun = time.process_time()
    quiet = BEGIN + corpus.quiet * DAY
    for event in in_order(corpus, LOOK):
        if isinstance(event, float):
            heard = [(moment, whose.get(moment.session, "")) for moment in watch.look(event)]
        else:
            if event.kind == "session_began":
                whose[str(event.said["session"])] = event.incident
            heard = [(moment, event.incident) for moment in watch.hear(event.kind, event.said, event.at)]
        for moment, incident in heard:
            if moment.at > quiet:
                moments.append(moment)
                incidents.append(incident)
    sessions = sum(1 for one in corpus.events if one.kind == "session_began" and not one.incident and one.at > quiet)
    return Half(moments, incidents, sessions, time.process_time() - begun)


def judged(part: Half, scores: Sequence[float], limit: float) -> Outcome:
    """What is noticed beyond a limit. An account that has just been an alarm is not told again (AGAIN seconds)."""
    last, found, false = dict[str, float](), set[str](), 0
    for moment, incident, score in zip(part.moments, part.incidents, scores, strict=True):
        if score <= limit:
            continue
        if incident:
            found.add(incident)
        elif moment.at - last.get(moment.account, float("-inf")) >= AGAIN:
            false += 1
        else:
            continue
        last[moment.account] = moment.at
    return Outcome(limit, frozenset(found), false)


def chosen(part: Half, scores: Sequence[float]) -> Outcome:
    """The lowest limit with at most FALSE false alarms in 1,000 sessions."""
    most, low, high = FALSE * part.sessions / 1000, 0.0, max(scores)
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (low, middle) if judged(part, scores, middle).false <= most else (middle, high)
    return judged(part, scores, high)


def tails(part: Half) -> Iterable[str]:
    """The table of avl_relay/anomalies/tails.py."""
    hit: dict[str, list[float]] = {}
    for moment, incident in zip(part.moments, part.incidents, strict=True):
        if incident:
            hit.setdefault(moment.account, []).append(moment.at)
    days: dict[tuple[str, int], tuple[float, ...]] = {}
    for moment in part.moments:
        if all(not -DAY / 24 < moment.at - at < DAY for at in hit.get(moment.account, ())):
            key = (moment.account, int(moment.at // DAY))
            days[key] = tuple(map(max, moment.raised, days.get(key, moment.raised)))
    for at, name in enumerate(NAMES):
        found = sorted((day[at] for day in days.values()), reverse=True)
        row = ", ".join(f"{found[int(share * len(found))]:.2f}" for share in SHARES)
        yield f"    ({row}),  # {name}"


def say(name: str, first: Outcome, second: Outcome, halves: Sequence[Half]) -> None:
    """One row of the table."""
    cells = [f"{name:<24}", f"{first.limit:8.3f}"]
    for outcome, part in zip((first, second), halves, strict=True):
        cells.append(f"{len(outcome.found):4} of {len(part.all):4} ({len(outcome.found) / len(part.all):.2f})")
        cells.append(f"{1000 * outcome.false / part.sessions:6.2f}")
    print("  ".join(cells), flush=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="./dev bench anomalies", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=320)
    parser.add_argument("--attacks", type=int, default=144)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tails", action="store_true", help="print what honest days are like (tails.py)")
    asked = parser.parse_args()
    first = half(asked.seed, asked.people, asked.attacks)
    if asked.tails:
        print("\n".join(tails(first)))
        return
    halves = (first, half(asked.seed + 1, asked.people, asked.attacks))
    for part in halves:
        cost = 1e6 * part.seconds / len(part.moments)
        print(f"{part.sessions} sessions, {len(part.moments)} moments of {cost:.0f} us, {len(part.all)} attacks")
    print(f"{'detector':<24}  {'limit':>8}", *(f"  {f'noticed, {one} half':>16}  false" for one in ("first", "other")))
    days = Days()
    for moment in first.moments:
        days.add(moment)
    robust, forest = Robust(), Forest(days.rows())
    outcomes: dict[str, Outcome] = {}
    rules: dict[str, Callable[[Sequence[Moment]], Sequence[float]]] = {"robust": robust.scores, "forest": forest.scores}
    for name, scores in rules.items():
        told = [scores(part.moments) for part in halves]
        limit = chosen(first, told[0])
        outcomes[name] = judged(halves[1], told[1], limit.limit)
        say(name, limit, outcomes[name], halves)
    best: tuple[int, str, Outcome, Outcome] | None = None
    for at, name in enumerate(NAMES):
        told = [[moment.raised[at] for moment in part.moments] for part in halves]
        limit = chosen(first, told[0])
        if best is None or len(limit.found) > best[0]:
            best = len(limit.found), name, limit, judged(halves[1], told[1], limit.limit)
    assert best is not None
    say(f"one feature ({best[1]})", best[2], best[3], halves)
    print(f"\n{'attack, other half':<24}  {'robust':>12}  {'forest':>12}")
    for kind in ATTACKS:
        every = {one for one in halves[1].all if of(one) == kind}
        cells = [f"{len(every & outcomes[name].found):4} of {len(every):4}" for name in rules]
        print(f"{kind:<24}  {cells[0]:>12}  {cells[1]:>12}")


if __name__ == "__main__":
    main()
