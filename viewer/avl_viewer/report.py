"""The statistics object of a session, from all who know a part of it (spec 01-overview, 1.6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from avl_protocol.session.mediain import MediaReceiver
from avl_viewer.sentences import NOTICEABLE
from avl_viewer.stats import Stats
from avl_viewer.ways import Ways


def session_report(
    stats: Stats, ways: Ways | None, media: MediaReceiver | None, depth: int, rates: dict[str, dict[str, str | float]],
    now: float,
) -> dict[str, Any]:  # fmt: skip
    """What `avl stats` prints. `depth`: frames that wait for the decoder; `rates`: of both hops."""
    way = ways.current if ways is not None else None
    more = {
        "decode_queue": depth,
        "damaged": media.damaged if media is not None else 0,
        "repaired": media.repaired if media is not None else 0,
        "rate": dict(rates),
        "switch": ways.switch.report(now) if ways is not None and ways.switch is not None else None,
    }
    counts = (media.lost, media.received) if media is not None else (0, 0)
    lost = ways is None or ways.nowhere(now) >= NOTICEABLE
    name, rtt = (way.name, way.rtt) if way is not None and not lost else ("none", None)
    return stats.report(now, name, rtt, *counts, more)


def rows_of(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A figure as rows of a table: a dict is one, unless dicts are in it."""
    if not isinstance(value, dict):
        yield name, str(value)
    elif any(isinstance(part, dict) for part in value.values()):
        for key, part in value.items():
            yield from rows_of(f"{name} {key}", part)
    else:
        yield name, ", ".join(f"{key} {part}" for key, part in value.items())
