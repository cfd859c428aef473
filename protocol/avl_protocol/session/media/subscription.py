"""Subscription: which objects one viewer gets, decided by the clear header and the tracks' descriptions alone (spec
05-media, 5.5).

A viewer whose link is behind loses whole objects, never fragments of them, and goes on at the next key object of that
track; at most one object of each track waits for it. Of objects that stand alone only those are left out that a viewer
asks for again; the others' rank and lifetime in the queue bound what waits. Of pictures that are published with fewer
bits too it gets one or the other, by what its hop carries, and changes over at a key object. A relay keeps one
subscription for each viewer, a host for who came directly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.media.track import Track
from avl_protocol.session.media.rungs import Rung
from avl_protocol.wire.datagram import MediaHeader, of_track
from avl_protocol.wire.registry import ObjectFlag

#: Bytes beyond one object of each track that may wait for a viewer when the next object begins; fewer on a hop that
#: takes longer for them than PATIENCE, but never less than a few datagrams.
SLACK, LEAST_SLACK = 32 * 1024, 4 * 1152
#: Seconds of its rate that may wait for a viewer: where it is the one whom the host's encoder follows, more than SLACK.
PATIENCE = 0.5
#: Seconds for which a hop counts as slow that something was left out for which its viewer asks again.
SLOW_SECONDS = 2.0
#: Objects of which it is remembered that they were left out, so that no late fragment of them is sent.
LEFT_OUT = 64


@dataclass(slots=True, kw_only=True)
class _Subscription:
    """One track of one viewer. `since`: the first object that it may get, as of what is older it has no key; `largest`:
    bytes of a recent large object; `behind`: how often it had to wait for a key object because more waited than the
    hop could take; `left_out`: recent objects that stand alone and were not sent."""

    since: int
    wanted: bool = True
    newest: int = -1
    current: bool = False
    at_key: bool = True
    largest: int = 0
    behind: int = 0
    left_out: deque[int] = field(default_factory=partial(deque, maxlen=LEFT_OUT))


class Subscription:
    """What one viewer gets of one host's tracks, from each track's object of `since` on (ADMIT)."""

    __slots__ = (
        "_given",
        "_lower",
        "_missed",
        "_rungs",
        "_slow_until",
        "_tracks",
        "_unwanted",
        "_upper",
        "capped",
        "carrier",
        "followed",
        "handle",
        "skipped",
    )

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
        #: Of pictures that are published twice: the track with all bits by the lower one, and the other way round;
        #: where the viewer stands, and which of the two it is given, by the former.
        self._upper: dict[int, int] = {}
        self._lower: dict[int, int] = {}
        self._rungs: dict[int, Rung] = {}
        self._given: dict[int, int] = {}
        #: Whether something was left out, since `choose` was called, for which the viewer asks again.
        self._missed = False
        self._slow_until = float("-inf")
        self.admit(tracks, since)

    def arrange(self, rungs: Mapping[int, int]) -> None:
        """These tracks, by number, are lower rungs of those: the viewer gets one of the two."""
        self._upper = dict(rungs)
        self._lower = {upper: lower for lower, upper in rungs.items()}
        self._rungs = {upper: self._rungs.get(upper) or Rung() for upper in self._lower}
        self._given = {upper: self._given.get(upper, upper) for upper in self._lower}

    def target(self, track: int) -> int:
        """Of a track and the one that it could be replaced by: the one that this viewer is to get."""
        upper = self._upper.get(track, track)
        rung = self._rungs.get(upper)
        return self._lower[upper] if rung is not None and rung.lowered and upper in self._given else upper

    def choose(self, flows: Mapping[int, float], now: float) -> tuple[int, ...]:
        """Decide anew which of the pictures that are published twice it is to get; the tracks that it is to get from
        their next key object on because of that. `flows`: bits per second that each track takes of late."""
        if self._missed:
            self._missed, self._slow_until = False, now + SLOW_SECONDS
        changed = []
        need = sum(flows.get(track, 0.0) for track in self._tracks if track not in self._upper and self._wants(track))
        for upper, rung in self._rungs.items():
            if upper not in self._tracks or self._lower[upper] not in self._tracks or not self._wants(upper):
                continue
            if rung.choose(
                rate=self.carrier.rate,
                need=need,
                waiting=self.carrier.datagram_backlog,
                behind=self._tracks[upper].behind,
                followed=self.followed,
                now=now,
            ):
                changed.append(self.target(upper))
        return tuple(changed)

    def slow(self, now: float) -> bool:
        """Whether its hop does not carry what the host makes for the best of them."""
        return not self.followed and (now < self._slow_until or any(rung.lowered for rung in self._rungs.values()))

    def _wants(self, track: int) -> bool:
        """Whether the viewer wants a track, or what it could be replaced by."""
        found = self._tracks.get(self._upper.get(track, track))
        return found is not None and found.wanted

    def _gets(self, track: int) -> bool:
        """Whether a track is not one that another replaces."""
        return self._given.get(self._upper.get(track, track), track) == track

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
        """Those of them that it wants: of pictures that are published twice the ones that it gets, and while it changes
        over both."""
        return tuple(
            track for track in self._tracks if self._wants(track) and (self._gets(track) or self.target(track) == track)
        )

    @property
    def watching(self) -> bool:
        """Whether it wants any."""
        return any(subscription.wanted for track, subscription in self._tracks.items() if track not in self._upper)

    def subscribe(self, track: int, wanted: bool) -> bool:
        """Note that the viewer wants a track, or no longer. It may ask before its admission. Returns whether this
        changes what it is sent. After a pause it begins as one that comes late."""
        if wanted:
            self._unwanted.discard(track)
        else:
            self._unwanted.add(track)
        subscription = self._tracks.get(track)
        if subscription is None or subscription.wanted == wanted or track in self._upper:
            return False
        subscription.wanted = wanted
        subscription.at_key = True
        if (lower := self._tracks.get(self._lower.get(track, -1))) is not None:
            lower.at_key = True
        return True

    def takes(self, track: Track, header: MediaHeader) -> bool:
        """Whether this viewer gets the datagram; decided once an object, when its first fragment passes."""
        subscription = self._tracks.get(track.id)
        if subscription is None or not self._wants(track.id) or header.object < subscription.since:
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
        changes_over = False
        if not self._gets(track.id):
            if self.target(track.id) != track.id or not header.flags & ObjectFlag.KEY:
                subscription.at_key = True
                return False
            changes_over = self._give(track.id)
        behind = self._behind()
        subscription.largest = max(header.length, subscription.largest * 7 // 8)
        if not track.dependent:
            subscription.at_key = False
            if track.asked and behind:
                subscription.left_out.append(header.object)
                self._missed = True
                self.skipped += 1
                return False
            return True
        if header.flags & ObjectFlag.KEY:
            if behind or changes_over:  # all of these pictures that is older than this key object is useless now
                upper = self._upper.get(track.id, track.id)
                for older in (upper, self._lower.get(upper, upper)):
                    stale = partial(of_track, handle=header.handle, track=older)
                    self.carrier.drop_datagrams(track.priority, stale)
            subscription.at_key = False
            return True
        if behind or subscription.at_key:
            subscription.behind += behind and not subscription.at_key
            subscription.at_key = True
            self.skipped += 1
            return False
        return True

    def _give(self, track: int) -> bool:
        """From its key object on the viewer gets this track in the place of the other."""
        upper = self._upper.get(track, track)
        self._tracks[self._given[upper]].at_key = True
        self._given[upper] = track
        return True

    def _behind(self) -> bool:
        """Whether more waits for the viewer than one object of each track."""
        slack, rate = SLACK, self.carrier.rate
        if rate is not None:
            slack = int(rate / 8 * PATIENCE)
            slack = max(SLACK, slack) if self.followed else max(LEAST_SLACK, min(SLACK, slack))
        largest = sum(one.largest for track, one in self._tracks.items() if self._wants(track) and self._gets(track))
        return self.carrier.datagram_backlog > largest + slack

    def gets(self, track: int) -> bool:
        """Whether the newest object of a track is for this viewer."""
        subscription = self._tracks.get(track)
        return subscription is not None and self._wants(track) and self._gets(track) and subscription.current

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
        """Whether it can't go on with a track that it wants without a key object; of two that replace each other with
        the one that it is to get."""
        subscription = self._tracks.get(track.id)
        if subscription is None or not track.dependent or self.target(track.id) != track.id:
            return False
        return self._wants(track.id) and (subscription.at_key or not self._gets(track.id))

    def changes_over(self, track: int) -> bool:
        """Whether it is to get a track that another still stands in for."""
        return self._wants(track) and self.target(track) == track and not self._gets(track)


def _never() -> bool:
    return False
