"""Subscription: which objects one viewer gets, decided by the clear header and the tracks' descriptions alone (spec
05-media, 5.5).

A viewer whose link is behind loses whole objects, never fragments of them, and goes on at the next key object of that
track; at most one object of each track waits for it. Of objects that stand alone only those are left out that a viewer
asks for again; the others' rank and lifetime in the queue bound what waits. A relay keeps one subscription for each
viewer, a host for who came directly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.media.track import Track
from avl_protocol.wire.datagram import MediaHeader, of_track
from avl_protocol.wire.registry import ObjectFlag

#: Bytes beyond one object of each track that may wait for a viewer when the next object begins.
SLACK = 32 * 1024
#: Seconds of its rate that may wait for the viewer whom the host's encoder follows.
PATIENCE = 0.5
#: Objects of which it is remembered that they were left out, so that no late fragment of them is sent.
LEFT_OUT = 64


@dataclass(slots=True, kw_only=True)
class _Subscription:
    """One track of one viewer. `since`: the first object that it may get, as of what is older it has no key; `largest`:
    bytes of a recent large object; `left_out`: recent objects that stand alone and were not sent."""

    since: int
    wanted: bool = True
    newest: int = -1
    current: bool = False
    at_key: bool = True
    largest: int = 0
    left_out: deque[int] = field(default_factory=partial(deque, maxlen=LEFT_OUT))


class Subscription:
    """What one viewer gets of one host's tracks, from each track's object of `since` on (ADMIT)."""

    __slots__ = ("_tracks", "_unwanted", "capped", "carrier", "followed", "handle", "skipped")

    def __init__(self, handle: int, carrier: Carrier, tracks: Sequence[int] = (), since: Sequence[int] = ()) -> None:
        self.handle = handle
        #: Whether nothing more may begin for now, key objects neither: more was forwarded than may be.
        self.capped: Callable[[], bool] = _never
        self.carrier = carrier
        self.skipped = 0
        #: The host encodes for this viewer: what waits for it is on its way out, not a reason to break its pictures.
        self.followed = False
        self._tracks: dict[int, _Subscription] = {}
        #: Tracks that it does not want, perhaps ahead of their admission.
        self._unwanted: set[int] = set()
        self.admit(tracks, since)

    def admit(self, tracks: Sequence[int], since: Sequence[int] = ()) -> tuple[int, ...]:
        """Let this viewer have these tracks and no others; those that it did not have before. The others go on as they
        were, wish included; of a track that is withdrawn the wish is forgotten."""
        before = self._tracks
        self._unwanted -= before.keys() - set(tracks)
        self._tracks = {
            track: before.get(track) or _Subscription(since=0, wanted=track not in self._unwanted) for track in tracks
        }
        for track, first in zip(tracks, since, strict=False):
            self._tracks[track].since = first
        return tuple(track for track in self._tracks if track not in before)

    @property
    def tracks(self) -> tuple[int, ...]:
        """The tracks that this viewer may have."""
        return tuple(self._tracks)

    @property
    def wanted(self) -> tuple[int, ...]:
        """Those of them that it wants."""
        return tuple(track for track, subscription in self._tracks.items() if subscription.wanted)

    @property
    def watching(self) -> bool:
        """Whether it wants any."""
        return any(subscription.wanted for subscription in self._tracks.values())

    def subscribe(self, track: int, wanted: bool) -> bool:
        """Note that the viewer wants a track, or no longer. It may ask before its admission. Returns whether this
        changes what it is sent. After a pause it begins as one that comes late."""
        if wanted:
            self._unwanted.discard(track)
        else:
            self._unwanted.add(track)
        subscription = self._tracks.get(track)
        if subscription is None or subscription.wanted == wanted:
            return False
        subscription.wanted = wanted
        subscription.at_key = True
        return True

    def takes(self, track: Track, header: MediaHeader) -> bool:
        """Whether this viewer gets the datagram; decided once an object, when its first fragment passes."""
        subscription = self._tracks.get(track.id)
        if subscription is None or not subscription.wanted or header.object < subscription.since:
            return False
        if header.object < subscription.newest:
            # late or repaired fragments of what it did get
            return not (subscription.at_key and track.dependent) and header.object not in subscription.left_out
        if header.object > subscription.newest:
            subscription.newest = header.object
            subscription.current = self._begin(track, subscription, header)
        return subscription.current

    def _begin(self, track: Track, subscription: _Subscription, header: MediaHeader) -> bool:
        if self.capped():
            subscription.at_key = True
            subscription.left_out.append(header.object)
            self.skipped += 1
            return False
        behind = self._behind()
        subscription.largest = max(header.length, subscription.largest * 7 // 8)
        if not track.dependent:
            subscription.at_key = False
            if track.asked and behind:
                subscription.left_out.append(header.object)
                self.skipped += 1
                return False
            return True
        if header.flags & ObjectFlag.KEY:
            if behind:  # all of the track that is older than this key object is useless now
                older = partial(of_track, handle=header.handle, track=track.id)
                self.carrier.drop_datagrams(track.priority, older)
            subscription.at_key = False
            return True
        if behind or subscription.at_key:
            subscription.at_key = True
            self.skipped += 1
            return False
        return True

    def _behind(self) -> bool:
        """Whether more waits for the viewer than one object of each track."""
        slack = SLACK
        if self.followed:
            slack = max(SLACK, int((self.carrier.rate or 0.0) / 8 * PATIENCE))
        largest = sum(subscription.largest for subscription in self._tracks.values() if subscription.wanted)
        return self.carrier.datagram_backlog > largest + slack

    def gets(self, track: int) -> bool:
        """Whether the newest object of a track is for this viewer."""
        subscription = self._tracks.get(track)
        return subscription is not None and subscription.wanted and subscription.current

    def start_anew(self) -> None:
        """What waited for the viewer is lost: nothing more of the present objects is sent, and each track goes on as
        one that comes late."""
        for subscription in self._tracks.values():
            subscription.at_key, subscription.current = True, False
            subscription.left_out.append(subscription.newest)
        self.skipped += 1

    def go_on(self) -> None:
        """The viewer has got all objects so far by another path: no key object is needed."""
        for subscription in self._tracks.values():
            subscription.at_key = False

    def waits_for_key(self, track: Track) -> bool:
        """Whether it can't go on with a track that it wants without a key object."""
        subscription = self._tracks.get(track.id)
        return subscription is not None and track.dependent and subscription.wanted and subscription.at_key


def _never() -> bool:
    return False
