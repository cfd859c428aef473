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

#: Seconds that a fragment of a picture, one of exact pixels, and one of sound, may wait to be sent, or be sent again.
VIDEO_LIFETIME, EXACT_LIFETIME, SOUND_LIFETIME = 0.5, 1.0, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track of a host.

    `id` is its number in headers (0 to 255), `kind` one of `track_kinds` (a relay takes any). `priority` is its rank in
    the queue of datagrams and `lifetime` how long one may wait there, in seconds. `entry` is what somebody who comes
    late needs, and with that whether its objects depend on each other. `first` is the first object that a viewer can
    open, told to it alone, where it has to know what it lacks.
    """

    id: int
    kind: int
    priority: Priority
    lifetime: float
    entry: TrackEntry
    first: int = 0

    @property
    def dependent(self) -> bool:
        """Whether an object may need the ones before it, back to a key object."""
        return self.entry is TrackEntry.KEY

    @property
    def asked(self) -> bool:
        """Whether who lacks an object asks for what it showed, so that a hop that is behind may leave it out."""
        return self.entry is TrackEntry.ASKED

    @property
    def row(self) -> tuple[int, ...]:
        """How it travels: number, kind, priority, lifetime in milliseconds, entry."""
        return (self.id, int(self.kind), int(self.priority), round(self.lifetime * 1000), int(self.entry))

    def row_from(self, first: int) -> tuple[int, ...]:
        """The row for a viewer that can open objects from `first` on."""
        return (*self.row, first) if self.entry is TrackEntry.ASKED else self.row


def video(number: int) -> Track:
    """A track of H.264 pictures."""
    return Track(
        id=number, kind=TrackKind.VIDEO, priority=Priority.VIDEO, lifetime=VIDEO_LIFETIME, entry=TrackEntry.KEY
    )


def exact(number: int) -> Track:
    """A track of exact pixels."""
    return Track(
        id=number, kind=TrackKind.EXACT, priority=Priority.EXACT, lifetime=EXACT_LIFETIME, entry=TrackEntry.ASKED
    )


def lower(number: int) -> Track:
    """A track of the same pictures as those of the track of pictures before it, with fewer bits: for who cannot follow
    those."""
    return Track(
        id=number, kind=TrackKind.LOWER, priority=Priority.VIDEO, lifetime=VIDEO_LIFETIME, entry=TrackEntry.KEY
    )


def sound(number: int) -> Track:
    """A track of sound."""
    return Track(
        id=number, kind=TrackKind.AUDIO, priority=Priority.AUDIO, lifetime=SOUND_LIFETIME, entry=TrackEntry.NEXT
    )


def sound_of(tracks: Iterable[Track]) -> Track | None:
    """The track of a host's sound; None where it shares none."""
    return next((track for track in tracks if track.kind == TrackKind.AUDIO), None)


def rungs(tracks: Iterable[Track]) -> dict[int, int]:
    """The lower rungs of a host's pictures: the number of each such track, and of the track of pictures that it is one
    of; the first of each."""
    found: dict[int, int] = {}
    pictures: int | None = None
    for track in tracks:
        if track.kind == TrackKind.VIDEO:
            pictures = track.id
        elif track.kind == TrackKind.LOWER and track.dependent and pictures is not None:
            found[track.id] = pictures
            pictures = None
    return found


def desktops(tracks: Iterable[Track]) -> tuple[tuple[Track, Track | None], ...]:
    """The desktops of a host: each track of pictures with that of exact pixels behind it, if there is one."""
    found: list[tuple[Track, Track | None]] = []
    for track in tracks:
        if track.kind == TrackKind.VIDEO:
            found.append((track, None))
        elif track.kind == TrackKind.EXACT and found and found[-1][1] is None:
            found[-1] = (found[-1][0], track)
    return tuple(found)


def tracks_of(rows: Iterable[tuple[int, ...]], code: CloseCode) -> tuple[Track, ...]:
    """The tracks that rows of TRACKS or GRANT describe; values behind the sixth are ignored.

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
        and (entry != TrackEntry.ASKED or len(row) < 6 or row[5] >= 0)
    ):
        raise RemoteProtocolError(code, "a track out of range")
    return Track(
        id=number,
        kind=kind,
        priority=Priority(priority),
        lifetime=lifetime / 1000,
        entry=TrackEntry(entry),
        first=row[5] if entry == TrackEntry.ASKED and len(row) > 5 else 0,
    )
