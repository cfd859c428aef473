"""Habits: what is remembered of an account or a device, so that what it does next can be called usual or not. Bounded,
whatever it does; written as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

#: Days of each feature that are remembered, names of each sort (networks, devices, ways to sign in), and things that
#: happened within a day.
VALUES, NAMES, RECENT = 24, 32, 96
HOUR, DAY = 3600.0, 86400.0
#: Seconds in which what was raised counts half, and scales up to which it says nothing any more.
HALF = HOUR
NOTHING = 1.0
#: What is counted by name.
NAMED = ("networks", "wide", "devices", "ways", "browsers", "origins")
#: What is remembered of a day.
OF_A_DAY = ("failures", "reached", "strange", "changes", "served", "signed")
#: How much hours beside one count, by distance.
_BESIDE = {-2: 0.15, -1: 0.3, 0: 1.0, 1: 0.3, 2: 0.15}
#: How much an even week counts in that of one account, in visits.
_EVEN = 6.0
#: What counts for a name that is new, before anything is known: an account that comes from somewhere new all the time
#: surprises nobody by it.
_NEW = 0.3


#: What a feature was, what is usual, and in words what was seen ("": it has none).
Told = tuple[float, float, str]


class Names:
    """How often each of some names came, the rarest forgotten first; and how often one came for the first time."""

    __slots__ = ("counts", "new", "total")

    def __init__(self, counts: dict[str, float] | None = None, new: float = 0.0) -> None:
        self.counts = {} if counts is None else counts
        self.new = new
        self.total = sum(self.counts.values())

    def strangeness(self, name: str) -> float:
        """How much one that is new counts here, 0 to 1: little, where most are."""
        return 0.0 if name in self.counts else max(0.0, 1.0 - (self.new + _NEW) / (self.total + 1.0))

    def surprise(self, name: str) -> float:
        """How unlikely this name is next, in nats: near 0 for the usual one."""
        count = self.counts.get(name, 0.0)
        share = (count or self.new + _NEW) / (self.total + 1.0)
        return max(0.0, -math.log(min(1.0, share)))

    def add(self, name: str) -> None:
        """It came."""
        if name not in self.counts:
            self.new += 1.0
            if len(self.counts) >= NAMES:
                rarest = min(self.counts, key=lambda one: self.counts[one])
                self.total -= self.counts.pop(rarest)
        self.counts[name] = self.counts.get(name, 0.0) + 1.0
        self.total += 1.0

    @property
    def usual(self) -> str:
        """The most frequent; "" for none."""
        return max(self.counts, key=lambda one: self.counts[one], default="")


class Recent:
    """What happened within a day: when, and what it was about. The oldest gives way."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[tuple[float, str]] = ()) -> None:
        self.items = [(at, name) for at, name in items][-RECENT:]

    def add(self, at: float, name: str = "") -> None:
        """It happened."""
        self.items.append((at, name))
        first = next((number for number, one in enumerate(self.items) if one[0] > at - DAY), 0)
        del self.items[: max(first, len(self.items) - RECENT)]

    def since(self, at: float) -> int:
        """How often since then."""
        return sum(1 for one, _ in self.items if one > at)

    def sum(self, at: float) -> float:
        """The sum of what it was about, where those are numbers, since then."""
        return sum(float(what) for one, what in self.items if one > at)

    def different(self, at: float) -> int:
        """About how many different things since then."""
        return len({name for one, name in self.items if one > at})


class Habits:
    """Of one account or device."""

    __slots__ = (
        "browsers",
        "carried",
        "carried_at",
        "changes",
        "devices",
        "failures",
        "hours",
        "last",
        "networks",
        "origins",
        "place",
        "reached",
        "served",
        "signed",
        "strange",
        "told",
        "values",
        "ways",
        "wide",
    )

    def __init__(self, kept: dict[str, Any] | None = None) -> None:
        """`kept` is what `to_json` has made. Raises KeyError, TypeError, ValueError where it is not."""
        kept = {} if kept is None else kept
        self.networks, self.wide, self.devices, self.ways, self.browsers, self.origins = (
            Names(*kept.get(name, ({},))) for name in NAMED
        )
        #: Refused sign-ins, devices asked for, how strange those are that never were before, permissions changed,
        #: minutes of sessions that have ended, and networks that were signed in from.
        self.failures, self.reached, self.strange, self.changes, self.served, self.signed = (
            Recent([(float(at), str(what)) for at, what in kept.get(name, ())]) for name in OF_A_DAY
        )
        self.hours: list[float] = [float(one) for one in kept.get("hours", [0.0] * 48)]
        #: By feature: a day's number since 1970, and the most that it was on that day.
        self.values: dict[str, list[tuple[int, float]]] = {
            str(name): [(int(day), float(one)) for day, one in some] for name, some in kept.get("values", {}).items()
        }
        self.carried: list[tuple[float, Told]] = [
            (float(much), (float(value), float(usual), str(seen)))
            for much, (value, usual, seen) in kept.get("carried_told", ())
        ]
        self.carried_at = float(kept.get("carried_at", 0.0))
        #: When it was seen last (Unix seconds; 0: never), and in which wide network.
        self.last: float = float(kept.get("last", 0.0))
        self.place: str = str(kept.get("place", ""))
        #: When it was an alarm last (Unix seconds; 0: never).
        self.told: float = float(kept.get("told", 0.0))
        if len(self.hours) != 48:
            raise ValueError("a week has 48 kinds of hours here")

    def to_json(self) -> dict[str, Any]:
        """What is kept of it."""
        names = {name: getattr(self, name) for name in NAMED}
        recent = {name: getattr(self, name).items for name in OF_A_DAY}
        return {
            **{name: [one.counts, one.new] for name, one in names.items()},
            **{name: [[at, what] for at, what in items] for name, items in recent.items()},
            "hours": self.hours,
            "values": {name: [[day, round(one, 3)] for day, one in some] for name, some in self.values.items()},
            "carried_told": [
                (round(much, 3), (round(value, 3), round(usual, 3), seen))
                for much, (value, usual, seen) in self.carried
            ],
            "carried_at": self.carried_at,
            "last": self.last,
            "place": self.place,
            "told": self.told,
        }

    def hour_surprise(self, at: float) -> float:
        """How much less likely this hour of a working day or of a weekend is than of an even week, in nats."""
        base, hour = _hour(at)
        part = 2 / 7 if base else 5 / 7
        here, total = sum(self.hours[base : base + 24]), sum(self.hours)
        near = sum(weight * self.hours[base + (hour + step) % 24] for step, weight in _BESIDE.items())
        of_day = (near / sum(_BESIDE.values()) + _EVEN / 24) / (here + _EVEN)
        of_week = (here + _EVEN * part) / (total + _EVEN)
        return max(0.0, -math.log(24 * of_day * of_week / part))

    def came(self, at: float) -> None:
        """It did something now."""
        base, hour = _hour(at)
        self.hours[base + hour] += 1.0
        if sum(self.hours) > 400:  # what was long ago counts less and less
            self.hours = [one / 2 for one in self.hours]
        self.last = at

    @property
    def usual_hour(self) -> int:
        """The hour (UTC) at which it is seen most."""
        return max(range(24), key=lambda hour: self.hours[hour] + self.hours[24 + hour])

    def remember(self, feature: str, value: float, at: float) -> None:
        """What a feature was now. Of each day the most is kept: an hour in which all is unusual makes nothing usual."""
        days, day = self.values.setdefault(feature, []), int(at // DAY)
        if days and days[-1][0] == day:
            days[-1] = (day, max(days[-1][1], value))
        else:
            days.append((day, value))
            del days[:-VALUES]

    def usual(self, feature: str, prior: Sequence[float], at: float) -> tuple[float, float]:
        """Median and scale (as a standard deviation) of what a feature was at most, on days before this one; `prior`
        are values that count as its own, so that somebody new is measured by everybody."""
        day = int(at // DAY)
        values = [*prior, *(value for one, value in self.values.get(feature, ()) if one != day)]
        middle = median(values)
        return middle, 1.4826 * median([abs(one - middle) for one in values])

    def carry(self, raised: Sequence[float], told: Sequence[Told], at: float) -> list[tuple[float, Told]]:
        """What is raised now, with what was raised shortly before: an attack is several things in a row, of which each
        may happen to anybody. `told` says of each feature what it was; so does what is returned, as of when it was
        raised."""
        left = 0.5 ** (max(0.0, at - self.carried_at) / HALF)
        before = [(left * much, what) if left * much > NOTHING else (0.0, what) for much, what in self.carried]
        if len(before) != len(raised):  # of other features
            before = [(0.0, what) for what in told]
        now = zip(raised, told, strict=True)
        self.carried = [one if one[0] >= other[0] else other for one, other in zip(now, before, strict=True)]
        self.carried_at = max(at, self.carried_at)
        return self.carried


def _hour(at: float) -> tuple[int, int]:
    when = datetime.fromtimestamp(at, UTC)
    return (24 if when.weekday() >= 5 else 0), when.hour
