"""MediaReceiver: datagrams into opened objects, pictures in decode order, and what is to be asked for where something
does not come (spec 05-media, 5.4 and 5.7.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from avl_protocol.crypto.sframe import ObjectOpener, OutdatedKey, Replayed, UnknownKey
from avl_protocol.media import exact as exacts
from avl_protocol.media import preamble as preambles
from avl_protocol.media import sound as sounds
from avl_protocol.media.bounds import check_bitstream, check_size
from avl_protocol.media.exact import Exact
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.media.gaps import Gaps, Row
from avl_protocol.media.ordering import Ordering
from avl_protocol.media.patience import patience
from avl_protocol.media.preamble import Preamble
from avl_protocol.media.reassembler import Assembled, Reassembler
from avl_protocol.media.sound import Sound
from avl_protocol.media.track import Track, rungs
from avl_protocol.wire import datagram
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import T_KEY_SPACING, CloseCode, DatagramType, ObjectFlag, TrackEntry, TrackKind

#: Objects kept for a key that has not come yet.
KEYLESS = 8
#: Objects kept for the first key object of a track, of which a fragment may have been overtaken.
EARLY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFrame:
    """One frame ready to decode.

    `first` and `last` are when its first and last fragment arrived, in seconds of our clock.
    What follows holds for the frame's group (see Preamble).
    """

    track: int
    number: int
    preamble: Preamble
    data: bytes
    size: int
    codec: str
    width: int
    height: int
    chroma: Chroma
    desktop: tuple[int, int]
    place: Rect
    first: float
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedExact:
    """One object of exact pixels. `complete`: no object before it is missing, or replaced by later ones. Times as in
    ReceivedFrame."""

    track: int
    number: int
    exact: Exact
    size: int
    complete: bool
    first: float
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSound:
    """One object of sound. Times as in ReceivedFrame."""

    track: int
    number: int
    sound: Sound
    size: int
    first: float
    last: float


#: What is given out to be seen.
ReceivedObject = ReceivedFrame | ReceivedExact


class _Damaged(Exception):
    """An object is not as the spec has it: it is dropped and counted."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """An object that was unsealed, with its preamble and its bitstream."""

    whole: Assembled
    preamble: Preamble
    data: bytes


@dataclass(slots=True, kw_only=True)
class _Incoming:
    """What has come of one track."""

    track: Track
    reassembler: Reassembler
    ordering: Ordering[_Opened]
    #: The key object of the pictures that are given out now.
    group: Preamble | None = None
    #: What came before the first key object was whole; and since when something of that is newer than what the other
    #: track of the same pictures has shown.
    early: list[_Opened] = field(default_factory=list)
    early_since: float | None = None
    #: The other track of the same pictures: a key object of one takes the place of both.
    other: _Incoming | None = None
    #: When the newest picture that was given out was captured, in microseconds of the host's clock.
    shown: int = -1
    asked: float = float("-inf")
    awaited: tuple[int, float] | None = None
    #: What has not come of a track whose objects are asked for.
    gaps: Gaps | None = None
    wanted: bool = True
    #: The object with which all was sent, and the one that must be older (REPLACED).
    settled: int = -1
    barrier: int = -1

    @property
    def resting(self) -> bool:
        """Whether the other track of the same pictures is the one that is shown."""
        return (
            self.other is not None
            and self.group is None
            and (self.other.group is not None or self.track.kind == TrackKind.LOWER)
        )

    def rest(self) -> None:
        """No picture that has not come is missed."""
        self.ordering.forget_waiting()
        self.awaited = self.early_since = None


class MediaReceiver:
    """The tracks of one session. Damaged objects are dropped and counted, never an error of the session; so are
    datagrams of other tracks, `foreign` to it.

    Objects of a track that depend on each other come out in order, each after the one it needs; objects that stand
    alone as they come.
    Whole ones that would make a decoder allocate more than they announce, or than viewers take, end it: what gives out
    frames raises Refused and RemoteProtocolError then.
    """

    def __init__(self, opener: ObjectOpener, tracks: Iterable[Track]) -> None:
        self._opener = opener
        self._tracks: dict[int, _Incoming] = {}
        self._round_trip = 0.0
        self.arrange(tracks)
        self._keyless: list[tuple[int, Assembled]] = []
        #: What has come to be heard; whoever reads it takes it away.
        self.sounds: list[ReceivedSound] = []
        self.damaged = self.foreign = 0
        self.lost = 0
        self.received = 0
        self.repaired = 0
        self._keys_asked = float("-inf")
        #: Track and key id to ask for with NEED_KEYS, at most once in 300 ms.
        self.missing_key: tuple[int, int] | None = None

    def arrange(self, tracks: Iterable[Track]) -> None:
        """These are the tracks from now on: one that is as it was goes on, another begins anew."""
        tracks, before = tuple(tracks), self._tracks
        self._tracks = {
            track.id: before[track.id]
            if track.id in before and before[track.id].track == track
            else _Incoming(
                track=track,
                reassembler=Reassembler(),
                ordering=Ordering(),
                gaps=Gaps(track.first) if track.entry is TrackEntry.ASKED else None,
            )
            for track in tracks
        }
        for one, other in rungs(tracks).items():
            self._tracks[one].other, self._tracks[other].other = self._tracks[other], self._tracks[one]
        self.follow(self._round_trip)

    @property
    def opener(self) -> ObjectOpener:
        """What opens sealed objects, with the keys known so far: for who asks what this viewer can open."""
        return self._opener

    def follow(self, round_trip: float) -> None:
        """Wait for as long as repairs take where an answer of the host takes `round_trip` seconds."""
        self._round_trip = round_trip
        self._patience = patience(round_trip, T_KEY_SPACING)
        for track in self._tracks.values():
            track.ordering.patience, track.reassembler.patience = self._patience.dependency, self._patience.unfinished

    def add_key(self, generation: int, step: int, base: bytes, now: float) -> list[ReceivedObject]:
        """Learn a media key; frames that were waiting for it."""
        self._opener.add_key(generation, step, base)
        self.missing_key = None
        waiting, self._keyless = self._keyless, []
        return [frame for track, whole in waiting if track in self._tracks for frame in self._open(track, whole, now)]

    def datagram(self, data: bytes, now: float) -> list[ReceivedObject]:
        """Take one datagram; what may be shown or decoded now, in order."""
        try:
            header, payload = datagram.decode(data)
        except RemoteProtocolError:
            self.damaged += 1
            return []
        if header.type not in (DatagramType.MEDIA, DatagramType.PARITY, DatagramType.REPAIR):
            return []
        track = self._tracks.get(header.track)
        if track is None:
            self.foreign += 1
            return []
        whole = track.reassembler.add(header, payload, now)
        return self._open(header.track, whole, now) if whole else []

    def _open(self, number: int, whole: Assembled, now: float) -> list[ReceivedObject]:
        track = self._tracks[number]
        try:
            plaintext = self._opener.open(number, whole.number, whole.flags, whole.sealed)
        except (OutdatedKey, Replayed):
            if track.gaps is not None:
                track.gaps.came(whole.number, now)
            return []
        except UnknownKey as unknown:
            if track.track.kind != TrackKind.AUDIO:  # which would be too late by then, and keep others from waiting
                self._keyless = [*self._keyless[1 - KEYLESS :], (number, whole)]
            if now >= self._keys_asked + T_KEY_SPACING:
                self._keys_asked = now
                self.missing_key = (number, unknown.kid)
            return []
        except RemoteProtocolError:
            self.damaged += 1
            return []
        try:
            if track.track.kind == TrackKind.AUDIO:
                self._sound(track, whole, plaintext)
                return []
            read = self._exact if track.track.kind == TrackKind.EXACT else self._picture
            return read(track, whole, plaintext, now)
        except _Damaged:
            self.damaged += 1
            return []

    def _sound(self, track: _Incoming, whole: Assembled, plaintext: bytes) -> None:
        """Sound, to be played when its time comes. Raises _Damaged."""
        try:
            sound = sounds.decode(plaintext)
        except RemoteProtocolError as error:
            raise _Damaged from error
        if not whole.flags & ObjectFlag.KEY:
            raise _Damaged
        number, size = whole.number, len(whole.sealed)
        self.sounds.append(
            ReceivedSound(
                track=track.track.id, number=number, sound=sound, size=size, first=whole.first, last=whole.last
            )
        )

    def _exact(self, track: _Incoming, whole: Assembled, plaintext: bytes, now: float) -> list[ReceivedObject]:
        """Exact pixels, to be shown at once. Raises _Damaged, Refused."""
        gaps = track.gaps
        complete = gaps is None or not gaps.lacks(whole.number - 1)
        if gaps is not None:
            # What replaces a missing object may still be on its way: no object of before that copies from it.
            complete = complete and track.barrier < whole.number <= gaps.newest + 1
            gaps.came(whole.number, now)
        try:
            exact = exacts.decode(plaintext)
        except RemoteProtocolError as error:
            raise _Damaged from error
        if not whole.flags & ObjectFlag.KEY:
            raise _Damaged
        self.received += 1
        self.repaired += whole.repaired
        if exact.settled:
            track.settled = max(track.settled, whole.number)
        return [
            ReceivedExact(
                track=track.track.id,
                number=whole.number,
                exact=exact,
                size=len(whole.sealed),
                complete=complete,
                first=whole.first,
                last=whole.last,
            )
        ]

    def _picture(self, track: _Incoming, whole: Assembled, plaintext: bytes, now: float) -> list[ReceivedObject]:
        """Pictures that may be decoded now. Raises _Damaged, Refused, RemoteProtocolError."""
        try:
            preamble, bitstream = preambles.decode(plaintext)
        except RemoteProtocolError as error:
            raise _Damaged from error
        if preamble.key != bool(whole.flags & ObjectFlag.KEY):
            raise _Damaged
        opened = _Opened(whole, preamble, bytes(bitstream))
        if not preamble.key:
            if track.group is None:
                track.early = [*track.early[1 - EARLY :], opened]
                newer = track.other is not None and 0 <= track.other.shown < preamble.captured_us
                if newer and track.early_since is None:
                    track.early_since = now
                return []
            return self._order(track, opened, now)
        check_size(preamble.width, preamble.height)
        check_size(*preamble.desktop)
        if track.track.dependent:
            track.reassembler.forget_before(whole.number)
        if track.other is not None:
            if preamble.captured_us <= track.other.shown and track.other.group is not None:
                return []  # the other track's pictures have gone on from a newer one
            track.other.rest()
            track.other.group, track.other.early = None, []
        early, track.early, track.early_since = track.early, [], None
        frames = self._order(track, opened, now)
        for one in early:
            if one.whole.number > whole.number:
                frames += self._order(track, one, now)
        return frames

    def _order(self, track: _Incoming, opened: _Opened, now: float) -> list[ReceivedObject]:
        """The frames that may be decoded now that this one is there. Raises Refused, RemoteProtocolError."""
        whole, preamble = opened.whole, opened.preamble
        self.received += 1
        self.repaired += whole.repaired
        if not track.track.dependent:
            return [self._frame(track, opened)]
        return [self._frame(track, one) for one in track.ordering.add(whole.number, preamble.depends, opened, now)]

    @staticmethod
    def _frame(track: _Incoming, opened: _Opened) -> ReceivedFrame:
        """One whose turn it is, and with that the one of its group: others may have come before their key object.
        Raises RemoteProtocolError where it is not as its group is."""
        whole, preamble, data = opened.whole, opened.preamble, opened.data
        if preamble.key:
            track.group = preamble
        group = track.group
        assert group is not None
        if not preambles.shows(preamble, group):
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "a picture leaves its place")
        check_bitstream(data, group, preamble.key)
        track.shown = preamble.captured_us
        return ReceivedFrame(
            track=track.track.id,
            number=whole.number,
            preamble=preamble,
            data=data,
            size=len(whole.sealed),
            codec=group.codec,
            width=group.width,
            height=group.height,
            chroma=group.chroma,
            desktop=group.desktop,
            place=group.place,
            first=whole.first,
            last=whole.last,
        )

    def recoveries(self, now: float) -> list[tuple[int, int]]:
        """(track, first object that can't be decoded) for every track that must recover now; asked at most once per
        track in 300 ms or what an answer takes."""
        out = []
        for number, track in self._tracks.items():
            self.lost += len(track.reassembler.incomplete(now))
            stuck = track.ordering.stuck(now)
            if track.early_since is not None and now >= track.early_since + self._patience.dependency:
                stuck = track.early[0].whole.number
            if stuck is not None and now >= track.asked + self._patience.answer:
                track.asked = now
                out.append((number, stuck))
        return out

    def missing(self, now: float) -> list[tuple[int, tuple[Row, ...]]]:
        """(track, rows of first and last object) of what the host is to show again; asked at most once per track in
        300 ms or what an answer takes."""
        out = []
        for number, track in self._tracks.items():
            if track.gaps is None or not track.wanted or now < track.asked + self._patience.answer:
                continue
            if rows := track.gaps.due(now, self._patience.dependency):
                track.asked = now
                out.append((number, rows))
        return out

    def next_check(self, now: float) -> float | None:
        """When `recoveries` or `missing` may have something new to say."""
        due = []
        for track in self._tracks.values():
            check = track.ordering.next_check()
            if track.early_since is not None:
                check = track.early_since + self._patience.dependency
            if track.gaps is not None:
                check = track.gaps.next_check(self._patience.dependency) if track.wanted else None
            if check is not None:
                due.append(max(check, track.asked + self._patience.answer, now))
        return min(due) if due else None

    def want(self, track: int, wanted: bool) -> None:
        """Whether a track is sent to us: what is not is not missing."""
        if (found := self._tracks.get(track)) is not None:
            found.wanted = wanted

    def left_out(self, track: int, number: int, now: float) -> None:
        """An object could not be used, as what it copies is not known: it is missing."""
        found = self._tracks.get(track)
        if found is not None and found.gaps is not None:
            found.gaps.left_out(number, now)

    def replaced(self, track: int, rows: Iterable[Row], newest: int) -> None:
        """The host shows again what these objects showed, in objects after `newest`."""
        found = self._tracks.get(track)
        if found is not None and found.gaps is not None:
            found.gaps.replaced(rows)
            found.barrier = max(found.barrier, newest)

    def settled(self, track: int) -> bool:
        """Whether all that the host has to show has come as exact pixels, as far as is known."""
        found = self._tracks.get(track)
        if found is None or found.gaps is None:
            return False
        gaps = found.gaps
        return found.settled > found.barrier and gaps.newest == found.settled and not gaps.lacks(found.settled)

    def rest(self, track: int) -> None:
        """Every pixel is exact: no picture that has not come is missed."""
        if (found := self._tracks.get(track)) is not None:
            found.rest()
            if found.other is not None:
                found.other.rest()

    def newest(self, track: int) -> int:
        """The highest object number seen of a track, -1 before any."""
        found = self._tracks.get(track)
        return found.reassembler.newest if found else -1

    def decoded(self, track: int) -> int:
        """The newest object handed out of a track, -1 before any."""
        found = self._tracks.get(track)
        return -1 if found is None or found.ordering.last is None else found.ordering.last

    def beacon(self, track: int, newest: int, settled: bool, now: float) -> None:
        """The host has sent up to `newest`: should that never arrive, the last objects before a pause were lost
        whole. `settled`: with that, all was sent as exact pixels."""
        found = self._tracks.get(track)
        if found is not None and found.gaps is not None and found.wanted:
            found.gaps.told(newest, now)
            if settled:
                found.settled = max(found.settled, newest)
        if found is None or not found.track.dependent or found.resting:
            return
        if found.awaited is None or self.decoded(track) >= found.awaited[0]:
            found.awaited = (newest, now) if newest > self.decoded(track) else None

    def tails(self, now: float) -> list[tuple[int, int]]:
        """(track, object) of every object that an earlier beacon named and that has not arrived."""
        out = []
        for number, track in self._tracks.items():
            if track.awaited is None:
                continue
            if self.decoded(number) >= track.awaited[0]:
                track.awaited = None
            elif now - track.awaited[1] > self._patience.tail and now - track.asked >= self._patience.answer:
                track.asked = now
                out.append((number, self.decoded(number) + 1))
        return out
