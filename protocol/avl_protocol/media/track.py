"""Track: what a sequence of objects is, said once by its host and heeded at every hop (spec 05-media, 5.1).

A datagram's clear header names its track by number alone; what the number means travels ahead of it, in TRACKS to a
relay and in GRANT to a viewer. How urgent a track's datagrams are, how long they may wait, and whether an object is of
use without the ones before it: queues, feeds, caches and viewers take all of that from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import (
    MAX_TRACK_LIFETIME,
    MAX_TRACKS,
    CloseCode,
    Priority,
    TrackEntry,
    TrackKind,
)

#: Seconds that a fragment of a picture may wait to be sent, or be sent again.
VIDEO_LIFETIME = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track of a host.

    `id` is its number in headers (0 to 255), `kind` one of `track_kinds` (a relay takes any). `priority` is its rank in
    the queue of datagrams and `lifetime` how long one may wait there, in seconds. `entry` is what somebody who comes
    late needs, and with that whether its objects depend on each other.
    """

    id: int
    kind: int
    priority: Priority
    lifetime: float
    entry: TrackEntry

    @property
    def dependent(self) -> bool:
        """Whether an object may need the ones before it, back to a key object."""
        return self.entry is TrackEntry.KEY

    @property
    def row(self) -> tuple[int, ...]:
        """How it travels: number, kind, priority, lifetime in milliseconds, entry."""
        return (self.id, int(self.kind), int(self.priority), round(self.lifetime * 1000), int(self.entry))


def video(number: int) -> Track:
    """A track of H.264 pictures."""
    return Track(
        id=number, kind=TrackKind.VIDEO, priority=Priority.VIDEO, lifetime=VIDEO_LIFETIME, entry=TrackEntry.KEY
    )


def tracks_of(rows: Iterable[tuple[int, ...]], code: CloseCode) -> tuple[Track, ...]:
    """The tracks that rows of TRACKS or GRANT describe; values behind the fifth are ignored.

    Raises RemoteProtocolError(`code`) where a row is not one, a number stands twice, or there are more than MAX_TRACKS.
    """
    found: dict[int, Track] = {}
    for row in rows:
        track = _track(row, code)
        if track.id in found or len(found) == MAX_TRACKS:
            raise RemoteProtocolError(code, "a track twice, or too many tracks")
        found[track.id] = track
    return tuple(found.values())


def _track(row: tuple[int, ...], code: CloseCode) -> Track:
    if len(row) < 5:
        raise RemoteProtocolError(code, "a row of a track is too short")
    number, kind, priority, lifetime, entry = row[:5]
    if not (
        0 <= number <= 0xFF
        and kind >= 0
        and Priority.FEEDBACK < priority < Priority.PROBE
        and 0 < lifetime <= MAX_TRACK_LIFETIME
        and entry in TrackEntry._value2member_map_
    ):
        raise RemoteProtocolError(code, "a track out of range")
    return Track(id=number, kind=kind, priority=Priority(priority), lifetime=lifetime / 1000, entry=TrackEntry(entry))
