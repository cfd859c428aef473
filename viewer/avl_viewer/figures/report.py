"""The statistics object of a session, from all who know a part of it (spec 01-overview, 1.6.2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from avl_protocol.session.media.receiver import MediaReceiver
from avl_viewer.decode.picturebook import PictureBook, PictureKind
from avl_viewer.paths.paths import Paths
from avl_viewer.paths.sentences import NOTICEABLE


@dataclass(frozen=True, slots=True)
class ExactShare:
    """The share of the desktop's pixels that are exact, and for how many seconds all of them are; None while some are
    not."""

    share: float
    seconds: float | None


def session_report(
    book: PictureBook,
    paths: Paths | None,
    media: MediaReceiver | None,
    depth: int,
    rates: dict[str, dict[str, str | float]],
    exact: ExactShare,
    now: float,
) -> dict[str, Any]:
    """What `avl stats` prints. `depth`: frames that wait for the decoder; `rates`: of both hops."""
    path = paths.current if paths is not None else None
    more = {
        "decode_queue": depth,
        "damaged": media.damaged if media is not None else 0,
        "repaired": media.repaired if media is not None else 0,
        "exact": {
            "share": math.floor(exact.share * 1e4) / 1e4,
            "since_s": None if exact.seconds is None else round(exact.seconds, 1),
        },
        "video": None if book.kind is None else _video(book, book.kind),
        "rate": dict(rates),
        "switch": paths.switch.report(now) if paths is not None and paths.switch is not None else None,
    }
    counts = (media.lost, media.received) if media is not None else (0, 0)
    lost = paths is None or paths.nowhere(now) >= NOTICEABLE
    name, rtt = (path.name, path.rtt) if path is not None and not lost else ("none", None)
    return book.report(now, name, rtt, *counts, more)


def _video(book: PictureBook, kind: PictureKind) -> dict[str, Any]:
    return {**asdict(kind), "encoder": book.encoder, "decoder": book.decoder}


def rows_of(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A figure as rows of a table: a dict is one, unless dicts are in it."""
    if not isinstance(value, dict):
        yield name, str(value)
    elif any(isinstance(part, dict) for part in value.values()):
        for key, part in value.items():
            yield from rows_of(f"{name} {key}", part)
    else:
        yield name, ", ".join(f"{key} {part}" for key, part in value.items())
