"""Traces of the choice of a path, and of the silence that one falls into (spec 08-paths, 8.6).

No story puts a step on the very edge of a rule: seconds and milliseconds are not rounded alike.
"""

from __future__ import annotations

from typing import Any

from avl_protocol.path.selector import PathFigures, PathKind, Selector
from avl_protocol.path.silence import Silence
from spec.vectors.trace import Answer, Call, Story, ms, record


def _path(name: str, rtt: float | None, *, loss: float = 0.0, silent: bool = False) -> dict[str, Any]:
    """A path's figures; its kind is the first word of its name, its round trip is in milliseconds."""
    kind = PathKind[name.split()[0].upper()]
    return {"name": name, "kind": int(kind), "rtt": rtt, "loss": loss, "silent": silent}


def _choose(at: float, current: str | None, *paths: dict[str, Any]) -> Call:
    return at, "choose", {"current": current, "paths": list(paths)}


def _failed(at: float, kind: PathKind) -> Call:
    return at, "failed", {"kind": int(kind)}


def _proof(at: float, kind: PathKind) -> Call:
    return at, "proof", {"kind": int(kind)}


_RELAY, _LAN = _path("relay", 30), _path("lan", 1)
_NEAR, _FAR = _path("relay near", 30), _path("relay far", 70)

_CHOICES = (
    Story(
        "a path of a better kind is taken at once, unless it is slower by more than a quarter and 8 ms",
        (
            _choose(0, None, _RELAY),
            _choose(10, "relay", _RELAY, _path("direct", 53)),  # costs: 35 and 53; the limit is 51.75
            _choose(20, "relay", _RELAY, _path("direct", 51)),
            _choose(30, "direct", _RELAY, _path("direct", 51)),
            _choose(40, "direct", _RELAY, _path("direct", 51), _LAN),
            _choose(50, "lan", _RELAY, _path("direct", 51), _LAN),
        ),
    ),
    Story(
        "a path of the same kind has to be quicker by a quarter and 10 ms for two seconds without a break",
        (
            _choose(0, "relay far", _FAR, _NEAR),
            _choose(1500, "relay far", _FAR, _NEAR),
            _choose(1900, "relay far", _FAR, _path("relay near", 45)),  # for a moment it is not
            _choose(2100, "relay far", _FAR, _NEAR),
            _choose(4050, "relay far", _FAR, _NEAR),
            _choose(4150, "relay far", _FAR, _NEAR),
            _choose(4160, "relay near", _FAR, _NEAR),
            _choose(9000, "relay near", _path("relay far", 20), _NEAR),  # 25 and 35: a quarter, but not 10 ms more
            _choose(12_000, "relay near", _path("relay far", 20), _NEAR),
        ),
    ),
    Story(
        "a silent path is left at once; each failure makes the next of its kind prove itself for longer",
        (
            _choose(0, "direct", _RELAY, _path("direct", 10)),
            _choose(1000, "direct", _RELAY, _path("direct", 10, silent=True)),
            _failed(1000, PathKind.DIRECT),
            _proof(1000, PathKind.DIRECT),
            _choose(1500, "relay", _RELAY, _path("direct", 10)),
            _choose(2400, "relay", _RELAY, _path("direct", 10)),
            _choose(2600, "relay", _RELAY, _path("direct", 10)),
            _choose(3000, "direct", _RELAY, _path("direct", 10, silent=True)),
            _failed(3000, PathKind.DIRECT),
            _choose(3100, "relay", _RELAY, _path("direct", 10)),
            _choose(4900, "relay", _RELAY, _path("direct", 10)),
            _choose(5000, "relay", _RELAY, _path("direct", 10, silent=True)),  # its proof begins anew
            _choose(5200, "relay", _RELAY, _path("direct", 10)),
            _choose(7100, "relay", _RELAY, _path("direct", 10)),
            _choose(7300, "relay", _RELAY, _path("direct", 10)),
        ),
    ),
    Story(
        "a proof is doubled up to a minute, and forgiven after two without a failure",
        (
            *[_failed(1000 * n, PathKind.DIRECT) for n in range(1, 7)],
            _proof(6500, PathKind.DIRECT),
            _failed(7000, PathKind.DIRECT),
            _proof(7500, PathKind.DIRECT),
            _failed(8000, PathKind.DIRECT),
            _proof(8500, PathKind.DIRECT),
            _proof(8500, PathKind.LAN),
            _proof(127_500, PathKind.DIRECT),
            _proof(128_500, PathKind.DIRECT),
            _failed(129_000, PathKind.DIRECT),
            _proof(129_500, PathKind.DIRECT),
        ),
    ),
    Story(
        "where the path in use is silent, one that must still prove itself is better than none",
        (
            _failed(0, PathKind.RELAY),
            _choose(100, "relay", _path("relay", 20, silent=True), _path("relay other", 60)),
            _choose(200, "relay other", _path("relay", 20, silent=True), _path("relay other", 60)),
            _choose(
                300, "relay other", _path("relay other", 60, silent=True), _path("tcp", 20), _path("relay new", 20)
            ),
            _choose(400, "tcp", _path("tcp", 20, silent=True), _path("relay other", 60, silent=True)),
            _choose(500, None),
            _choose(600, None, _path("relay new", 40)),
        ),
    ),
    Story(
        "TCP costs 50 ms more, a relay 5 ms, one that was not measured 200 ms, one percent of loss 5 ms",
        (
            _choose(0, None, _path("tcp", 20), _path("relay", 68)),  # 75 and 73
            _choose(10, None, _path("tcp", 20), _path("relay", 72)),  # 75 and 77
            _choose(20, None, _path("relay", 30), _path("direct", 36)),
            _choose(30, None, _path("relay", 30), _path("direct", 34)),
            _choose(40, None, _path("relay", None), _path("tcp", 140)),
            _choose(50, None, _path("relay", None), _path("tcp", 160)),
            _choose(60, None, _path("direct", 10, loss=0.04), _RELAY),  # 30 and 35
            _choose(70, None, _path("direct", 10, loss=0.06), _RELAY),
            _choose(80, "direct", _path("direct", 10, loss=0.2), _RELAY),  # 110 and 35
            _choose(1000, "direct", _path("direct", 10, loss=0.2), _RELAY),
            _choose(2200, "direct", _path("direct", 10, loss=0.2), _RELAY),
            _choose(2300, "tcp", _path("tcp", 60), _RELAY),
        ),
    ),
)


def _selector() -> Any:
    selector = Selector()

    def call(now: float, do: str, given: dict[str, Any]) -> Answer:
        if do == "choose":
            paths = [
                PathFigures(
                    name=path["name"],
                    kind=PathKind(path["kind"]),
                    rtt=None if path["rtt"] is None else path["rtt"] / 1000,
                    loss=path["loss"],
                    silent=path["silent"],
                )
                for path in given["paths"]
            ]
            return (selector.choose(given["current"], paths, now),)
        if do == "failed":
            selector.failed(PathKind(given["kind"]), now)
            return (None,)
        return (ms(selector.proof(PathKind(given["kind"]), now)),)

    return call


def selectors() -> list[Any]:
    """What is chosen among paths; `rtt` in milliseconds, `kind` a number of 8.6's order."""
    return record(_CHOICES, _selector)


def _look(at: float, heard: float, answered: float, busy: bool, rtt: float | None = 20) -> Call:
    return at, "look", {"heard": heard, "answered": answered, "busy": busy, "rtt": rtt}


_SILENCES = (
    Story(
        "a busy path from which nothing comes is asked after 100 ms, and silent after 100 ms more; an answer ends it",
        (
            _look(1010, 1000, 1000, True),
            _look(1099, 1000, 1000, True),
            _look(1111, 1000, 1000, True),
            _look(1150, 1000, 1000, True),
            _look(1212, 1000, 1000, True),
            _look(1300, 1000, 1000, True),
            _look(1463, 1000, 1000, True),
            _look(1600, 1590, 1000, True),  # it sends, but does not answer
            _look(1691, 1690, 1000, True),
            _look(1720, 1715, 1715, True),
            _look(1740, 1735, 1735, True),
        ),
    ),
    Story(
        "a path that only sends is asked as well, and has twice as long",
        (
            _look(1010, 1010, 1000, True),
            _look(1190, 1190, 1000, True),
            _look(1201, 1200, 1000, True),
            _look(1310, 1310, 1000, True),
            _look(1399, 1398, 1000, True),
            _look(1402, 1400, 1000, True),
            _look(1450, 1450, 1440, True),
        ),
    ),
    Story(
        "an idle path is asked after 2.5 s, and silent when it has not answered one patience later",
        (
            _look(2000, 1000, 1000, False),
            _look(3501, 1000, 1000, False),
            _look(3530, 3525, 3525, False),
            _look(6000, 3525, 3525, False),
            _look(6026, 3525, 3525, False),
            _look(6127, 3525, 3525, False),
            _look(6378, 3525, 3525, False),
            _look(6400, 6390, 6390, False),
        ),
    ),
    Story(
        "an idle path is not asked while something comes, though nothing is answered; once busy it is",
        (
            _look(2000, 1900, 1000, False),
            _look(4000, 3900, 1000, False),
            _look(6300, 3900, 1000, False),
            (6310, "busy", {"heard": 5900, "answered": 1000, "rtt": 20}),
            _look(6400, 5900, 1000, True),
            _look(6411, 5900, 1000, True),
            _look(6612, 5900, 1000, True),
        ),
    ),
    Story(
        "a path that becomes busy has one patience from then on; one that is idle again has none",
        (
            _look(2000, 1000, 1000, False),
            (2100, "busy", {"heard": 1000, "answered": 1000, "rtt": 20}),
            _look(2150, 1000, 1000, True),
            _look(2180, 1000, 1000, False),
            _look(2190, 1000, 1000, True),
            _look(2291, 1000, 1000, True),
        ),
    ),
    Story(
        "patience is one and a half round trips and 30 ms where that is more than 100 ms",
        (
            _look(1010, 1000, 1000, True, 200),
            _look(1300, 1000, 1000, True, 200),
            _look(1341, 1000, 1000, True, 200),
            _look(1600, 1000, 1000, True, 200),
            _look(1672, 1000, 1000, True, 200),
            _look(1680, 1675, 1675, True, None),
        ),
    ),
)


def _silence() -> Any:
    silence = Silence()

    def call(now: float, do: str, given: dict[str, Any]) -> Answer:
        heard, answered = given["heard"] / 1000, given["answered"] / 1000
        rtt = None if given["rtt"] is None else given["rtt"] / 1000
        out = None
        if do == "busy":
            silence.busy(now)
        else:
            out = silence.look(now, heard, answered, given["busy"], rtt).name
        return {"verdict": out, "silent": silence.silent}, silence.next_timeout(heard, answered, rtt)

    return call


def silences() -> list[Any]:
    """What is to be done about a path, and whether it is silent. `heard` and `answered` are times too."""
    return record(_SILENCES, _silence)
