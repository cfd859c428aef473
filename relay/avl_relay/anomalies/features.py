"""Features: what is looked at of each moment of an account or device (`security.md`: failed sign-ins, first-seen
networks and devices, hours, distinct devices within an hour, length of sessions, ...), each with words for a person.

A feature's value grows with what is unusual. It is compared with what it was before for the same account (habits.py),
so that nobody is unusual by being unlike others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """`what` says it in words; `show` writes a value as a person reads it. `prior`: about what it is for people who do
    nothing unusual: values that count as an account's own. `floor`: the least scale, as a difference below that means
    nothing."""

    name: str
    what: str
    show: Callable[[float], str]
    prior: tuple[float, ...]
    floor: float


def _count(value: float) -> str:
    return str(round(math.expm1(value)))


def _minutes(value: float) -> str:
    minutes = math.exp(value)
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _beyond(value: float) -> str:
    return f"{WORKED / 60 * math.exp(value):.0f} h" if value > 0 else f"{WORKED / 60:.0f} h at most"


def _days(value: float) -> str:
    return f"{math.expm1(value):.1f} days"


def _nats(value: float) -> str:
    share = math.exp(-value)
    return "as ever" if share > 0.3 else f"1 in {1 / share:.0f}"


#: Minutes that all sessions of an account last together in a day of much work.
WORKED = 600.0
#: In the order of a moment's values.
FEATURES = (
    Feature("place", "a network that is rare for them", _nats, (0.0, 0.3, 0.7), 0.7),
    Feature("apart", "soon after being elsewhere", _count, (0.0, 0.0, 0.4), 0.5),
    Feature("hour", "an hour that is rare for them", _nats, (0.0, 0.2, 0.7), 0.7),
    Feature("device", "a device that is rare for them", _nats, (0.2, 0.7, 1.4), 0.7),
    Feature("visitor", "somebody who is rare at this device", _nats, (0.0, 0.5, 1.0), 0.7),
    Feature("strange", "devices never seen before, within an hour", _count, (0.0, 0.0, 0.5), 0.4),
    Feature("reach", "devices within an hour", _count, (0.7, 0.7, 1.1), 0.35),
    Feature("at_once", "sessions at once", _count, (0.7, 0.7, 1.1), 0.35),
    Feature("length", "a session that lasts", _minutes, (1.5, 3.0, 4.0), 0.8),
    Feature("served", "sessions in a day that last together", _minutes, (2.5, 4.0, 5.0), 0.6),
    Feature("beyond", "more hours of sessions in a day than anybody works", _beyond, (0.0, 0.0, 0.0), 0.3),
    Feature("absence", "seen again after", _days, (0.1, 0.5, 0.8), 0.6),
    Feature("failures", "refused sign-ins within an hour", _count, (0.0, 0.0, 0.3), 0.5),
    Feature("failures_day", "refused sign-ins within a day", _count, (0.0, 0.0, 0.7), 0.5),
    Feature("guesses", "refused sign-ins from one network in a day", _count, (0.0, 0.0, 0.7), 0.6),
    Feature("targets", "accounts tried from one network in a day", _count, (0.0, 0.0, 0.7), 0.4),
    Feature("changes", "permissions changed within an hour", _count, (0.0, 0.0, 0.5), 0.5),
    Feature("way", "a way to sign in that is rare for them", _nats, (0.0, 0.2, 0.7), 0.7),
    Feature("browser", "a browser or program that is new to them", _nats, (0.0, 0.2, 0.7), 0.7),
    Feature("unsigned", "a session from where nobody signed in", _nats, (0.0, 0.2, 0.7), 0.7),
    Feature("opened", "sessions by one share link in a day", _count, (0.7, 1.1, 1.6), 0.5),
    Feature("share", "networks that opened one share link in a day", _count, (0.7, 0.7, 1.4), 0.5),
)
NAMES = tuple(one.name for one in FEATURES)
#: Alarms that are no feature: a session that is in one of two logs alone, and in which it is missing (spec 14, 14.7).
MISSING = "session_missing"
LACKS = {"host": "missing_host", "relay": "missing_relay"}
_WHAT = {one.name: one.what for one in FEATURES} | {
    LACKS["host"]: "a session that the host's own log does not have",
    LACKS["relay"]: "a session of the host's own log that this relay's does not have",
}
#: The most that one feature counts, in scales: beyond that it is no more unusual.
MOST = 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that an account or a device did. `account` is a person's id, or `share:ID`, or `at:NETWORK` of somebody
    who has neither; `person`, `device` and `session` as the log calls them, "" for none. `raised` is by how many scales
    each feature is above what is usual, 0 to MOST; `values` what it was, and `usual` what it is otherwise. `seen` are
    words for what has no number: a network, an hour."""

    account: str
    person: str
    device: str
    session: str
    at: float
    raised: tuple[float, ...]
    values: tuple[float, ...]
    usual: tuple[float, ...]
    seen: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is an alarm: which feature, what is usual and what was seen, in words."""

    feature: str
    usual: str
    seen: str

    def __str__(self) -> str:
        return f"{_WHAT[self.feature]}: {self.seen} (usual: {self.usual})"


def reason(moment: Moment, at: int) -> Reason:
    """What is unusual about one feature, by its place."""
    feature = FEATURES[at]
    words = moment.seen.get(feature.name, "")
    usual, seen = feature.show(moment.usual[at]), feature.show(moment.values[at])
    if words:
        word, _, ordinary = words.partition("|")
        usual, seen = ordinary or usual, f"{word}, {seen}"
    return Reason(feature.name, usual, seen)
