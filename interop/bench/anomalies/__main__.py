"""What of attacks is noticed in an audit log's events, and how often somebody honest is called unusual:
`./dev bench anomalies`.

Two corpora of one generator (corpus.py), of different people: limits are chosen on the first, and hold for the second.
"""

from __future__ import annotations

import argparse
import math
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
    """A corpus's moments after its quiet days, each with the incident that it is part of. `attacked`: whether its
    account is under attack, or was within a day: what features look back upon is then the attacker's doing, too."""

    moments: Sequence[Moment]
    incidents: Sequence[str]
    attacked: Sequence[bool]
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
    return Half(moments, incidents, under_attack(moments, incidents), sessions, time.process_time() - begun)


def under_attack(moments: Sequence[Moment], incidents: Sequence[str]) -> list[bool]:
    """Of each moment whether an attacker has acted as its account within the day before it."""
    last, found = dict[str, float](), []
    for moment, incident in zip(moments, incidents, strict=True):
        if incident:
            last[moment.account] = moment.at
        found.append(moment.at - last.get(moment.account, float("-inf")) < DAY)
    return found


def judged(part: Half, scores: Sequence[float], limit: float) -> Outcome:
    """What is noticed beyond a limit. An account that has just been an alarm is not told again (AGAIN seconds). What
    its owner does beside an attacker, or just after, is neither noticed nor false."""
    last, found, false = dict[str, float](), set[str](), 0
    for moment, incident, attacked, score in zip(part.moments, part.incidents, part.attacked, scores, strict=True):
        if score <= limit:
            continue
        if incident:
            found.add(incident)
        elif attacked:
            continue
        elif moment.at - last.get(moment.account, float("-inf")) >= AGAIN:
            false += 1
        else:
            continue
        last[moment.account] = moment.at
    return Outcome(limit, frozenset(found), false)


def chosen(part: Half, scores: Sequence[float]) -> Outcome:
    """The lowest limit at which false alarms, and twice what their number is given or take, are at most FALSE in 1,000
    sessions: what is counted in one half is not what is counted in another."""
    most, low, high = (math.sqrt(1 + FALSE * part.sessions / 1000) - 1) ** 2, 0.0, max(scores)
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (low, middle) if judged(part, scores, middle).false <= most else (middle, high)
    return judged(part, scores, high)


def honest_days(part: Half) -> list[tuple[float, ...]]:
    """How far features were raised at most, on each day of each account that is not under attack."""
    days: dict[tuple[str, int], tuple[float, ...]] = {}
    for moment, attacked in zip(part.moments, part.attacked, strict=True):
        if not attacked:
            key = (moment.account, int(moment.at // DAY))
            days[key] = tuple(map(max, moment.raised, days.get(key, moment.raised)))
    return list(days.values())


def tails(days: Sequence[tuple[float, ...]]) -> Iterable[str]:
    """The table of avl_relay/anomalies/tails.py."""
    for at, name in enumerate(NAMES):
        found = sorted((day[at] for day in days), reverse=True)
        row = ", ".join(f"{found[int(share * len(found))]:.2f}" for share in SHARES)
        yield f"    ({row}),  # {name}"


def say(name: str, first: Outcome, second: Outcome, halves: Sequence[Half]) -> None:
    """One row of the table."""
    cells = [f"{name:<24}", f"{first.limit:8.3f}"]
    for outcome, part in zip((first, second), halves, strict=True):
        cells.append(f"{len(outcome.found):4} of {len(part.all):4} ({len(outcome.found) / len(part.all):.2f})")
        cells.append(f"{1000 * outcome.false / part.sessions:6.2f}")
    print("  ".join(cells), flush=True)


def judge_pair(first: Half, second: Half) -> dict[str, tuple[Outcome, Outcome]]:
    """Each detector, with its limit of the first half, in both."""
    days = Days()
    for moment in first.moments:
        days.add(moment)
    robust, forest = Robust(), Forest(days.rows())
    found = {}
    rules: dict[str, Callable[[Sequence[Moment]], Sequence[float]]] = {"robust": robust.scores, "forest": forest.scores}
    for name, scores in rules.items():
        limit = chosen(first, scores(first.moments))
        found[name] = limit, judged(second, scores(second.moments), limit.limit)
    return found


def best_feature(first: Half, second: Half) -> tuple[str, Outcome, Outcome]:
    """The feature that notices most by itself, with its limit of the first half, in both."""
    told = [chosen(first, [moment.raised[at] for moment in first.moments]) for at in range(len(NAMES))]
    at = max(range(len(NAMES)), key=lambda one: len(told[one].found))
    return NAMES[at], told[at], judged(second, [moment.raised[at] for moment in second.moments], told[at].limit)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="./dev bench anomalies", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=320)
    parser.add_argument("--attacks", type=int, default=144)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=1, help="so many pairs of halves, each a seed further")
    parser.add_argument("--tails", action="store_true", help="print what honest days are like (tails.py)")
    asked = parser.parse_args()
    if asked.tails:
        parts = (half(asked.seed + more, asked.people, asked.attacks) for more in range(4))
        print("\n".join(tails([day for part in parts for day in honest_days(part)])))
        return
    noticed = {name: dict.fromkeys(ATTACKS, 0) for name in ("robust", "forest")}
    tried = dict.fromkeys(ATTACKS, 0)
    second = half(asked.seed, asked.people, asked.attacks)
    for seed in range(asked.seed, asked.seed + asked.pairs):
        first, second = second, half(seed + 1, asked.people, asked.attacks)
        for part in (first, second):
            cost = 1e6 * part.seconds / len(part.moments)
            print(f"{part.sessions} sessions, {len(part.moments)} moments of {cost:.0f} us, {len(part.all)} attacks")
        halves = first, second
        columns = (f"  {f'noticed, {one} half':>16}  false" for one in ("first", "other"))
        print(f"{f'detector, seeds {seed} and {seed + 1}':<24}  {'limit':>8}", *columns)
        for name, outcomes in judge_pair(first, second).items():
            say(name, *outcomes, halves)
            for one in outcomes[1].found:
                noticed[name][of(one)] += 1
        for one in second.all:
            tried[of(one)] += 1
        feature, alone, elsewhere = best_feature(first, second)
        say(f"one feature ({feature})", alone, elsewhere, halves)
    print(f"\n{'attack, other half':<24}  {'robust':>12}  {'forest':>12}")
    for kind in ATTACKS:
        cells = [f"{noticed[name][kind]:4} of {tried[kind]:4}" for name in noticed]
        print(f"{kind:<24}  {cells[0]:>12}  {cells[1]:>12}")


if __name__ == "__main__":
    main()
