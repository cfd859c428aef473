"""Traces of what is done about the paths of a session (spec 08-paths, 8.6).

`decide` is shown all paths, and comes to steps, the path that the session is on or goes to, and since when there has
been none. No story puts a step on the very edge of a rule: seconds and milliseconds are not rounded alike.
"""

from __future__ import annotations

from typing import Any

from avl_protocol.path.plan import PathPlan, PathState
from avl_protocol.path.selector import PathKind
from spec.vectors.trace import Answer, Call, Story, ms, record

Row = dict[str, Any]


def _path(
    name: str, *, silent: float | None = None, attached: bool = True, unfit: bool = False, going: bool = False
) -> Row:
    """A path as it is shown: its kind is the first word of its name, and its round trip 20 ms, of a relay 40."""
    kind = PathKind[name.split()[0].upper()]
    direct = kind < PathKind.RELAY
    return {
        "name": name,
        "kind": int(kind),
        "rtt": (20 if direct else 40) if attached else None,
        "loss": 0,
        "direct": direct,
        "attached": attached,
        "silentSince": silent,
        "unfit": unfit,
        "going": going,
    }


def _decide(at: float, *paths: Row) -> Call:
    return at, "decide", {"paths": list(paths)}


def _lost(at: float, path: Row) -> Call:
    return at, "lost", {"path": path}


def _told(at: float, what: str) -> Call:
    return at, what, {}


_RELAY, _ANOTHER = _path("relay"), _path("relay another")
_ATTEMPT, _SECOND = _path("relay attempt", attached=False), _path("relay second", attached=False)
_DIRECT = _path("direct")
#: How a session begins: it is on the relay.
_BEGUN = (_decide(0, _RELAY), _told(50, "arrived"))

_STORIES = (
    Story(
        "a relay that is lost is dialled at once, then 250 ms after a failure, then after 500 ms each time",
        (
            *_BEGUN,
            _lost(1000, _RELAY),
            _decide(1000),
            _decide(1010, _ATTEMPT),
            _lost(1100, _ATTEMPT),
            _decide(1100),
            _decide(1300),
            _decide(1360),
            _lost(1400, _ATTEMPT),
            _decide(1400),
            _decide(1890),
            _decide(1910),
            _lost(2000, _ATTEMPT),
            _decide(2000),
            _decide(2490),
            _decide(2510),
        ),
    ),
    Story(
        "an attempt that nobody answers does not hold up the next for more than 1.5 s",
        (
            *_BEGUN,
            _lost(1000, _RELAY),
            _decide(1000),
            _decide(2490, _ATTEMPT),
            _decide(2510, _ATTEMPT),
            _decide(4000, _ATTEMPT, _SECOND),
            _decide(4020, _ATTEMPT, _SECOND),
        ),
    ),
    Story(
        "a session is nowhere until it has arrived, and begins to dial anew from there",
        (
            *_BEGUN,
            _lost(1000, _RELAY),
            _decide(1000),
            _decide(1200, _path("relay attempt")),
            _decide(1300, _path("relay attempt")),
            _told(1400, "arrived"),
            _decide(1400, _path("relay attempt")),
            _lost(1500, _path("relay attempt")),
            _decide(1500),
        ),
    ),
    Story(
        "a relay that is silent for 250 ms is dialled beside, and taken back when it answers first",
        (
            *_BEGUN,
            _decide(1000, _path("relay", silent=1000)),
            _decide(1240, _path("relay", silent=1000)),
            _decide(1260, _path("relay", silent=1000)),
            _decide(1300, _path("relay", silent=1000), _ATTEMPT),
            _decide(1400, _RELAY, _ATTEMPT),
            _lost(1500, _ATTEMPT),
            _decide(1500, _RELAY),
        ),
    ),
    Story(
        "a session leaves a silent path at once for one that answers, and that is given up after 5 s",
        (
            *_BEGUN,
            _decide(500, _RELAY, _DIRECT),
            _told(550, "arrived"),
            _decide(1000, _RELAY, _path("direct", silent=1000)),
            _told(1050, "arrived"),
            _decide(5990, _RELAY, _path("direct", silent=1000)),
            _decide(6010, _RELAY, _path("direct", silent=1000)),
            _decide(6020, _RELAY),
        ),
    ),
    Story(
        "a direct path that the session is on is not given up, however silent",
        (
            _decide(0, _DIRECT),
            _told(50, "arrived"),
            _decide(1000, _path("direct", silent=1000)),
            _decide(7000, _path("direct", silent=1000), _ATTEMPT),
        ),
    ),
    Story(
        "a session that does not arrive within 500 ms and four round trips finds another place",
        (
            *_BEGUN,
            _decide(1000, _RELAY, _DIRECT),
            _decide(1570, _RELAY, _DIRECT),
            _decide(1590, _RELAY, _DIRECT),
            _decide(1600, _RELAY, _path("direct", unfit=True)),
        ),
    ),
    Story(
        "a path that refuses the session is left for another",
        (
            *_BEGUN,
            _decide(1000, _RELAY, _DIRECT),
            _told(1020, "refused"),
            _decide(1020, _RELAY, _path("direct", unfit=True)),
            _told(1040, "arrived"),
            _decide(3000, _RELAY, _path("direct", unfit=True)),
        ),
    ),
    Story(
        "a relay that goes away is dialled at once, and is good for as long as there is no other",
        (
            *_BEGUN,
            _decide(1000, _path("relay", going=True)),
            _decide(1100, _path("relay", going=True), _ATTEMPT),
            _decide(1200, _path("relay", going=True), _ANOTHER),
            _told(1250, "arrived"),
            _decide(1250, _ANOTHER),
        ),
    ),
    Story(
        "a relay that goes away and has fallen silent is no path any more",
        (
            *_BEGUN,
            _decide(1000, _path("relay", going=True)),
            _decide(1100, _path("relay", going=True, silent=1100), _ATTEMPT),
            _decide(1200, _ANOTHER),
        ),
    ),
    Story(
        "where each new place refuses the session, relays are dialled no oftener than each 250 ms",
        (
            *_BEGUN,
            _lost(1000, _RELAY),
            _decide(1000),
            _decide(1100, _ANOTHER),
            _told(1120, "refused"),
            _decide(1120, _path("relay another", unfit=True)),
            _decide(1240, _path("relay another", unfit=True)),
            _decide(1260, _path("relay another", unfit=True)),
        ),
    ),
    Story(
        "a path that was TCP's when it was lost is TCP's failure: by UDP the next is taken at once",
        (
            _decide(0, _path("tcp")),
            _told(50, "arrived"),
            _lost(1000, {**_path("tcp"), "kind": int(PathKind.RELAY)}),
            _decide(1000, _RELAY, _path("tcp another")),
        ),
    ),
    Story(
        "from TCP UDP is tried after 5, 10, 30 and 60 s, and each 60 s from then on",
        (
            _decide(0, _path("tcp")),
            _told(50, "arrived"),
            *(
                _decide(at, _path("tcp"))
                for at in (4990, 5010, 15_000, 15_020, 45_010, 45_030, 105_020, 105_040, 165_030, 165_050)
            ),
            _decide(166_000, _path("tcp"), _RELAY),
            _told(166_050, "arrived"),
            _decide(167_000, _RELAY),
        ),
    ),
    Story(
        "in another network relays are dialled at once, whatever was being waited for",
        (
            *_BEGUN,
            _lost(1000, _RELAY),
            _decide(1000),
            _lost(1100, _ATTEMPT),
            _decide(1100),
            _told(1150, "beginAnew"),
            _decide(1150),
        ),
    ),
    Story(
        "a session that has lost its streams chooses again, be it the same path",
        (*_BEGUN, _told(1000, "adrift"), _decide(1000, _RELAY), _told(1050, "arrived"), _decide(1060, _RELAY)),
    ),
)


def _state(row: Row) -> PathState:
    def seconds(value: float | None) -> float | None:
        return None if value is None else value / 1000

    return PathState(
        name=row["name"],
        kind=PathKind(row["kind"]),
        rtt=seconds(row["rtt"]),
        loss=row["loss"],
        direct=row["direct"],
        attached=row["attached"],
        silent_since=seconds(row["silentSince"]),
        unfit=row["unfit"],
        going=row["going"],
    )


def _plan() -> Any:
    plan = PathPlan()

    def call(now: float, do: str, given: dict[str, Any]) -> Answer:
        steps = None
        if do == "decide":
            made = plan.decide([_state(row) for row in given["paths"]], now)
            steps = [{"kind": step.kind.name, "name": step.name} for step in made]
        elif do == "lost":
            plan.lost(_state(given["path"]), now)
        else:
            {"arrived": plan.arrived, "refused": plan.refused, "adrift": plan.adrift, "beginAnew": plan.begin_anew}[
                do
            ]()
        return {"steps": steps, "current": plan.current, "nowhereSince": ms(plan.nowhere_since)}, plan.next_timeout()

    return call


def plans() -> list[Any]:
    """All stories, played."""
    return record(_STORIES, _plan)
