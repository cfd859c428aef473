"""What a link did to a session: figures of a stretch of time at one rate, and of the moments after a change.

Computed from notes after the fact: pictures and keys as the viewer saw them, the bottleneck's backlog as it was read.
Times in results are milliseconds unless their names say otherwise; None stands for what did not happen.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interop.bench.rig.netns import Backlog
from interop.bench.rig.typed import COUNTS

Result = dict[str, Any]
#: Seconds between two pictures from which on a film has frozen.
FREEZE = 0.15
#: A queue that has recovered: at most so many seconds long, for so many seconds.
SHORT_QUEUE, FOR = 0.05, 0.5
#: Seconds after a change of the rate in which its worst is looked for.
AFTERMATH = 3.0
_MICROSECONDS = 1 << 40


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time at one rate: `begin` and `end` in seconds (monotonic), bit/s, frames that the film showed meanwhile."""

    begin: float
    end: float
    rate: float
    drawn: int

    def __contains__(self, at: float) -> bool:
        return self.begin <= at < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One picture: seconds (monotonic) of its showing; its age then since capture and, where it could be read, since
    the film drew it, in seconds; the film's frame; the keys it answers, by the picture and by the host's word
    (microseconds)."""

    at: float
    age: float
    drawn_age: float | None
    film: int | None
    typed: int | None
    echo_us: int
    size: int


def seen(frames: Sequence[Mapping[str, Any]]) -> list[Seen]:
    """The audience's notes, with counts of keys that go on where the blocks begin again."""
    out = []
    typed: int | None = 0
    for frame in frames:
        if frame["typed"] is not None:
            ahead = (frame["typed"] - (typed or 0)) % COUNTS
            typed = (typed or 0) + (ahead if ahead < COUNTS // 2 else ahead - COUNTS)
        drawn = frame["drawn_us"]
        drawn_age = None if drawn is None else (frame["shown"] * 1e6 - drawn) % _MICROSECONDS / 1e6
        read = None if frame["typed"] is None else typed
        age = frame["shown"] - frame["captured_us"] / 1e6
        out.append(
            Seen(
                at=frame["shown"],
                age=age,
                drawn_age=drawn_age,
                film=frame["film"],
                typed=read,
                echo_us=frame["echo_us"],
                size=frame["size"],
            )
        )
    return out


def spread(values: Sequence[float], *shares: float) -> list[float | None]:
    """Quantiles of seconds, in milliseconds to 0.1; None for each without values."""
    if not values:
        return [None] * len(shares)
    return [round(float(value) * 1000, 1) for value in np.quantile(values, shares)]


@dataclass(frozen=True, slots=True)
class Answer:
    """One key: seconds (monotonic) when it was sent, and until the first picture that shows it, by its blocks (`shown`)
    and by the host's word of which keys it had applied (`echoed`)."""

    sent: float
    shown: float | None
    echoed: float | None


def answers(keys: Sequence[Mapping[str, Any]], pictures: Sequence[Seen]) -> list[Answer]:
    """What became of every key; keys and pictures in the order of time."""
    out = []
    for number, key in enumerate(keys, 1):
        sent, applied = key["sent"], key["applied_us"]
        later = pictures[bisect.bisect_left(pictures, sent, key=lambda picture: picture.at) :]
        shown = next((picture.at for picture in later if picture.typed is not None and picture.typed >= number), None)
        echoed = None
        if applied is not None:
            echoed = next((picture.at for picture in later if picture.echo_us >= applied), None)
        out.append(Answer(sent, None if shown is None else shown - sent, None if echoed is None else echoed - sent))
    return out


def _typing(name: str, latencies: list[float | None]) -> Result:
    came = [latency for latency in latencies if latency is not None]
    names = (f"{name}_p50", f"{name}_p95", f"{name}_max")
    return dict(zip(names, spread(came, 0.5, 0.95, 1), strict=True))


def stretch(during: Stretch, pictures: Sequence[Seen], keys: Sequence[Answer], backlog: Sequence[Backlog]) -> Result:
    """Everything about one stretch. Pictures and samples count by when they were shown and taken, keys by when they
    were sent; gaps are cut off at both ends."""
    seconds = during.end - during.begin
    shown = [picture for picture in pictures if picture.at in during]
    moments = [during.begin, *(picture.at for picture in shown), during.end]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    freezes = [gap for gap in gaps if gap > FREEZE]
    legible = {picture.film for picture in shown if picture.film is not None}
    typed = [key for key in keys if key.sent in during]
    result: Result = {
        "rate_mbps": during.rate / 1e6,
        "seconds": round(seconds, 1),
        "fps": round(len(shown) / seconds, 1),
        "source_percent": round(100 * len(legible) / during.drawn, 1) if during.drawn else None,
        "legible_percent": round(100 * sum(p.film is not None for p in shown) / len(shown), 1) if shown else None,
        "media_mbps": round(sum(picture.size for picture in shown) * 8 / seconds / 1e6, 2),
        "freezes": len(freezes),
        "freeze_s": round(sum(freezes), 2),
        "longest_gap": round(max(gaps) * 1000, 1),
        "keys": len(typed),
        "keys_unanswered": sum(key.shown is None for key in typed),
        **_typing("typing", [key.shown for key in typed]),
        **_typing("echo", [key.echoed for key in typed]),
    }
    ages = ("glass_p50", "glass_p95", "glass_p99")
    result |= zip(ages, spread([picture.age for picture in shown], 0.5, 0.95, 0.99), strict=True)
    drawn = [picture.drawn_age for picture in shown if picture.drawn_age is not None]
    result |= zip(("drawn_p50", "drawn_p95"), spread(drawn, 0.5, 0.95), strict=True)
    return result | queue(during, backlog)


def queue(during: Stretch, backlog: Sequence[Backlog]) -> Result:
    """The bottleneck: time its queue stands for, share of its capacity that was used, packets that it dropped."""
    samples = [sample for sample in backlog if sample.at in during]
    waits = [sample.waiting * 8 / during.rate for sample in samples]
    result: Result = dict(zip(("queue_p50", "queue_p95", "queue_max"), spread(waits, 0.5, 0.95, 1), strict=True))
    if len(samples) < 2:
        return result | {"use": None, "dropped": None}
    first, last = samples[0], samples[-1]
    capacity = during.rate * (last.at - first.at)
    return result | {
        "use": round((last.passed - first.passed) * 8 / capacity, 3),
        "dropped": last.dropped - first.dropped,
    }


def aftermath(change: Stretch, pictures: Sequence[Seen], keys: Sequence[Answer], backlog: Sequence[Backlog]) -> Result:
    """The worst within AFTERMATH of the beginning of a stretch, and the seconds until its queue has recovered: from
    then on it is below SHORT_QUEUE for FOR seconds; None where it never is."""
    worst = Stretch(change.begin, min(change.end, change.begin + AFTERMATH), change.rate, 0)
    shown = [picture for picture in pictures if picture.at in worst]
    moments = [worst.begin, *(picture.at for picture in shown), worst.end]
    typed = [key.shown for key in keys if key.sent in worst and key.shown is not None]
    return {
        "rate_mbps": change.rate / 1e6,
        "recovery_s": recovery(change, backlog),
        "longest_gap": round(max(b - a for a, b in itertools.pairwise(moments)) * 1000, 1),
        "glass_max": spread([picture.age for picture in shown], 1)[0],
        "typing_max": spread(typed, 1)[0],
        "queue_max": queue(worst, backlog)["queue_max"],
    }


def recovery(change: Stretch, backlog: Sequence[Backlog]) -> float | None:
    """Seconds from the change until the queue stays short; see `aftermath`."""
    since: float | None = None
    for sample in backlog:
        if sample.at not in change:
            continue
        if sample.waiting * 8 / change.rate >= SHORT_QUEUE:
            since = None
            continue
        since = sample.at if since is None else since
        if sample.at - since >= FOR:
            return round(since - change.begin, 2)
    return None


def whole(
    stretches: Sequence[Stretch], pictures: Sequence[Seen], keys: Sequence[Answer], backlog: Sequence[Backlog]
) -> Result:
    """All stretches as one, for comparison with what was predicted of the whole: the queue's seconds are those at the
    rate of each moment, and `use` is of the sum of capacities."""
    first, last = stretches[0], stretches[-1]
    every = Stretch(first.begin, last.end, first.rate, sum(each.drawn for each in stretches))
    result = stretch(every, pictures, keys, backlog)
    waits = [sample.waiting * 8 / each.rate for each in stretches for sample in backlog if sample.at in each]
    result |= zip(("queue_p50", "queue_p95", "queue_max"), spread(waits, 0.5, 0.95, 1), strict=True)
    samples = [sample for sample in backlog if sample.at in every]
    capacity = sum(each.rate * (each.end - each.begin) for each in stretches)
    result["use"] = round((samples[-1].passed - samples[0].passed) * 8 / capacity, 3) if samples else None
    del result["rate_mbps"]
    return result
