"""A relay's recent objects: what came is passed on once, what parity gives back is passed on as if it had come.

A relay that fills its own gaps spares each of its viewers a repair over the slower way, and what it keeps it can send
again, or protect anew, without asking the host (spec 05-media, 5.5). It can't open what it keeps.
"""

from __future__ import annotations

from collections import OrderedDict

from avl_protocol.media.assembly import Assembly
from avl_protocol.media.track import Track
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.registry import DatagramType, ObjectFlag, TrackEntry

#: What an object is counted for beside its bytes: thousands of tiny ones take memory too.
OBJECT_COST = 1024

_MEDIA, _REPAIR = int(DatagramType.MEDIA), int(DatagramType.REPAIR)


class ObjectCache:
    """The objects of one host's tracks that began in the last `seconds`, while they take at most `limit` bytes.

    Age is looked at when a datagram comes, so that the newest objects before a pause stay through it.
    """

    def __init__(self, seconds: float = 0.5, limit: int = 16 * 1024 * 1024) -> None:
        self._seconds = seconds
        self._most = self._limit = limit
        self._objects: OrderedDict[tuple[int, int], Assembly] = OrderedDict()
        self._newest: dict[int, int] = {}
        self._held = 0
        self._due = float("inf")
        self.repaired = 0

    @property
    def held(self) -> int:
        """Bytes that it is counted for."""
        return self._held

    def keep(self, limit: int | None = None) -> None:
        """Take at most so many bytes from now on; None: as many as at first."""
        self._limit = self._most if limit is None else limit
        while self._held > self._limit:
            self._evict()

    def add(self, data: bytes, header: MediaHeader, payload: bytes | memoryview, now: float) -> list[bytes]:
        """Take a datagram and what `datagram.decode` made of it; the MEDIA datagrams that are new because of it.

        That is the datagram itself, under the type MEDIA, when its fragment was unknown, and the fragments that parity
        gives back now. Nothing for what was known, for what disagrees with its object, and for other types.
        """
        if now > self._due:
            self._expire(now)
        if header.type > _REPAIR:
            return []
        key = (header.track, header.object)
        found = self._objects.get(key)
        if found is None:
            found = self._objects[key] = Assembly(header.length, header.flags, now)
            self._held += OBJECT_COST
            if len(self._objects) == 1:
                self._due = now + self._seconds
        held, repaired = found.held, found.repaired
        indices = found.add(header, payload)
        self._held += found.held - held
        self.repaired += found.repaired - repaired
        if indices and found.whole and header.object > self._newest.get(header.track, -1):
            self._newest[header.track] = header.object
        new = [self._media(data, header, found, index) for index in indices]
        while self._held > self._limit:
            self._evict()
        return new

    @staticmethod
    def _media(data: bytes, header: MediaHeader, found: Assembly, index: int) -> bytes:
        """Fragment `index` of the object of which `data` has just come, as a MEDIA datagram."""
        if header.type == _MEDIA and header.fragment == index:
            return data
        again = MediaHeader(
            handle=header.handle,
            type=_MEDIA,
            track=header.track,
            object=header.object,
            flags=header.flags,
            fragment=index,
            length=header.length,
        )
        return datagram.encode(again, found.fragment(index) or b"")

    def _expire(self, now: float) -> None:
        """Forget what began too long ago; objects stand in the order in which they began."""
        while self._objects:
            oldest = next(iter(self._objects.values()))
            self._due = oldest.first + self._seconds
            if now <= self._due:
                return
            self._evict()

    def _evict(self) -> None:
        (track, number), oldest = self._objects.popitem(last=False)
        self._held -= oldest.held + OBJECT_COST
        if self._newest.get(track) == number:
            del self._newest[track]

    def fragment(self, track: int, number: int, index: int) -> bytes | None:
        """The bytes of one fragment, without a header, if it is here."""
        found = self._objects.get((track, number))
        return found.fragment(index) if found else None

    def whole(self, track: int, number: int) -> bool:
        """Whether all of an object is here."""
        found = self._objects.get((track, number))
        return found is not None and found.whole

    def sealed(self, track: int, number: int) -> bytes | None:
        """A whole sealed object, if it is here and whole."""
        found = self._objects.get((track, number))
        return found.sealed() if found and found.whole else None

    def flags(self, track: int, number: int) -> int | None:
        """The flags of an object of which something is here: what making its parity takes beside its bytes."""
        found = self._objects.get((track, number))
        return found.flags if found else None

    def for_latecomer(self, track: Track, handle: int, since: int | None = None) -> list[bytes]:
        """MEDIA datagrams of what is here for somebody who comes late: of the newest key object and all that follow it,
        of all, of those from `since` on, or of none, as the track's `entry` says."""
        numbers = sorted(number for of, number in self._objects if of == track.id)
        if track.entry is TrackEntry.NEXT or (track.entry is TrackEntry.ASKED and since is None):
            return []
        if track.entry is TrackEntry.ASKED and since is not None:
            numbers = [number for number in numbers if number >= since]
        if track.entry is TrackEntry.KEY:
            keys = [number for number in numbers if self._objects[track.id, number].flags & ObjectFlag.KEY]
            numbers = [number for number in numbers if keys and number >= keys[-1]]
        out = []
        for number in numbers:
            found = self._objects[track.id, number]
            for index in range(datagram.fragment_count(found.length)):
                if (piece := found.fragment(index)) is not None:
                    header = MediaHeader(
                        handle=handle,
                        type=_MEDIA,
                        track=track.id,
                        object=number,
                        flags=found.flags,
                        fragment=index,
                        length=found.length,
                    )
                    out.append(datagram.encode(header, piece))
        return out

    def newest(self, track: int) -> tuple[int, bytes] | None:
        """Number and bytes of the newest whole object of a track; None before any and after it was forgotten."""
        number = self._newest.get(track)
        sealed = None if number is None else self.sealed(track, number)
        return None if number is None or sealed is None else (number, sealed)
