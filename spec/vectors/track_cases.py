"""Vectors of tracks: the rows of TRACKS and GRANT, what they say, and rows that are refused."""

from __future__ import annotations

from typing import Any

from avl_protocol.media.track import Track, rungs, tracks_of
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import MAX_TRACK_LIFETIME, MAX_TRACKS, CloseCode

Rows = tuple[tuple[int, ...], ...]

VIDEO = (1, 1, 4, 500, 1)
VALID: list[tuple[str, Rows]] = [
    ("no track", ()),
    ("one of pictures", (VIDEO,)),
    (
        "pictures of two monitors, exact rectangles, sound and a pointer",
        (VIDEO, (2, 1, 4, 500, 1), (3, 4, 1, 2000, 3), (4, 2, 2, 100, 2), (5, 3, 3, 250, 3)),
    ),
    ("exact pixels, and the first object that can be opened", (VIDEO, (2, 4, 1, 1000, 4, 17), (3, 1, 4, 500, 1, 17))),
    (
        "two desktops, and the pictures of each with fewer bits",
        (VIDEO, (2, 4, 1, 1000, 4), (9, 5, 4, 500, 1), (3, 1, 4, 500, 1), (10, 5, 4, 500, 1), (11, 5, 4, 500, 1)),
    ),
    ("fewer bits of what is not there, or of what stands alone", ((9, 5, 4, 500, 1), VIDEO, (8, 5, 4, 500, 2))),
    ("the least and the most of each value", ((0, 0, 1, 1, 1), (255, 1 << 40, 4, MAX_TRACK_LIFETIME, 3))),
    ("values that a later version adds", ((*VIDEO, 7, -1),)),
    ("as many as there may be", tuple((number, *VIDEO[1:]) for number in range(MAX_TRACKS))),
]
INVALID: list[tuple[str, Rows]] = [
    ("a row of four", (VIDEO[:4],)),
    ("an empty row", ((),)),
    ("a number that no header can carry", ((256, *VIDEO[1:]),)),
    ("a negative number", ((-1, *VIDEO[1:]),)),
    ("a negative kind", ((1, -1, 4, 500, 1),)),
    ("the priority of feedback", ((1, 1, 0, 500, 1),)),
    ("the priority of probes", ((1, 1, 5, 500, 1),)),
    ("no lifetime", ((1, 1, 4, 0, 1),)),
    ("a lifetime that is too long", ((1, 1, 4, MAX_TRACK_LIFETIME + 1, 1),)),
    ("an entry that is none", ((1, 1, 4, 500, 0),)),
    ("an unknown entry", ((1, 1, 4, 500, 5),)),
    ("a first object before all", ((1, 4, 1, 500, 4, -1),)),
    ("a number twice", (VIDEO, (2, *VIDEO[1:]), VIDEO)),
    ("one too many", tuple((number, *VIDEO[1:]) for number in range(MAX_TRACKS + 1))),
]


def told(track: Track) -> dict[str, Any]:
    """What a row says: its lifetime in milliseconds."""
    return {
        "id": track.id,
        "kind": track.kind,
        "priority": int(track.priority),
        "lifetime_ms": round(track.lifetime * 1000),
        "entry": int(track.entry),
        "dependent": track.dependent,
        "first": track.first,
    }


def lower(rows: Rows) -> list[list[int]]:
    """The lower rungs that rows describe, with the tracks of pictures that they are of."""
    return [list(pair) for pair in rungs(tracks_of(rows, CloseCode.SESSION_PROTOCOL)).items()]


def read(rows: Rows) -> list[dict[str, Any]] | None:
    """The tracks that rows describe; None where they are refused."""
    try:
        return [told(track) for track in tracks_of(rows, CloseCode.SESSION_PROTOCOL)]
    except RemoteProtocolError:
        return None


def tracks() -> dict[str, Any]:
    """Rows, and what they say."""
    return {
        "valid": [{"why": why, "rows": rows, "tracks": read(rows), "rungs": lower(rows)} for why, rows in VALID],
        "invalid": [{"why": why, "rows": rows} for why, rows in INVALID],
    }
