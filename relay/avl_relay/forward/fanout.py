"""Fan-out: one upload of a host, a subscription for each viewer, and no viewer in another's way (spec 05-media, 5.5;
07-rate, 7.5).

The relay decides by the clear header, and by what the host said of its tracks. It fills gaps of the upload from parity,
passes every fragment on once, and adds the parity that each viewer's own hop is worth. A viewer whose link is behind
loses whole objects, never fragments of them, and goes on at the next key object; at most one object of each track waits
for it. One whose link is too slow for the pictures gets those with fewer bits, which the host makes while somebody
needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.media import parity
from avl_protocol.media.cache import ObjectCache
from avl_protocol.media.track import Track, rungs
from avl_protocol.rate.sendqueue import Flight
from avl_protocol.session.media.rungs import Flow
from avl_protocol.session.media.sender import SentFragment
from avl_protocol.session.media.subscription import Subscription
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader, of_track
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.messages import Viewers
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, T_KEY_SPACING, DatagramType, ObjectFlag
from avl_relay.forward.branch import Branch, together
from avl_relay.forward.caps import FREE, Caps
from avl_relay.forward.queuedelay import QueueDelay

#: Seconds between key objects asked for on behalf of viewers that are merely slow.
SLOW_RECOVERY = 2.0
#: Seconds between looks at what the audience can take, and between two words to the host about it.
LOOK_INTERVAL, RATE_INTERVAL = 0.02, 0.1
#: A rate that fell below this share of what the host was told is told at once.
FALLEN = 0.9
#: Seconds for which a full hop makes the host wait before the next look: a round trip of feedback or two.
HOLD = 0.04
#: Seconds for which no key object is asked for on behalf of a viewer that was admitted: the host makes one by itself.
PROMISED = 0.5
#: What a host knows of its audience at first, and when it has to be told in any case: count, tracks, rate, and that of
#: the slow ones.
NOBODY, UNTOLD = (0, (), 0, 0), (-1, (), 0, 0)
#: Bytes of objects that are kept while memory is short: enough for who comes late to a still screen.
LEAN = 256 << 10
#: To so many viewers a picture is passed on whole, or in pieces that came within so many seconds: each further sending
#: to each of them costs as much as some fragments more.
GATHERED_FOR, GATHERED_SECONDS = 8, 0.003
#: First row of the parity that is sent as a probe, beyond what protects an object.
SPARE_ROW = 64


class Fanout:
    """One host's media: its audience, and what the audience needs of the host.

    `recover(track, object)` asks the host for a key object; `audience(count, tracks, rate, hold, slow)` tells it how
    many watch, which tracks anybody wants, the best rate among their hops in bit/s, for how many milliseconds to take
    no picture, and the least rate among the hops of those who cannot follow (0: all can).
    """

    def __init__(
        self,
        recover: Callable[[int, int], None],
        audience: Callable[[int, tuple[int, ...], int, int, int], None],
        tracks: Sequence[Track] = (),
        delay: QueueDelay | None = None,
    ) -> None:
        self._delay = delay or QueueDelay()
        #: Objects that viewers who have left did not get.
        self._skipped_before = 0
        self._recover = recover
        self._audience = audience
        self._tracks: dict[int, Track] = {}
        #: Which track is a lower rung of which, by number, and what each takes of late.
        self._rungs: dict[int, int] = {}
        self._flows: dict[int, Flow] = {}
        self._wanted: tuple[int, ...] = ()
        #: Wishes for tracks that are not published, or that their sender was not admitted to.
        self.strays = 0
        self._subscriptions: dict[int, Subscription] = {}
        #: The rest of the audience, at other workers; and the best rate among all, where that is known from elsewhere.
        self._branches: dict[Branch, None] = {}
        self.best_anywhere = 0.0
        self._caps: dict[int, Caps] = {}
        self._now = 0.0
        self._lean = False
        self._recovered: dict[int, float] = {}
        #: Until when a key object of a track is expected that was not asked for.
        self._promised: dict[int, float] = {}
        self._cache = ObjectCache()
        #: Fragments of one object that have not been passed on yet, and since when the first of them is here.
        self._run: list[bytes] = []
        self._of: tuple[MediaHeader, Track] | None = None
        self._gathered_since = 0.0
        self._protected: dict[int, int] = {}
        self._media_handle = 0
        self._looked = self._chosen_at = self._told_at = float("-inf")
        self._told: tuple[int, tuple[int, ...], int, int] = NOBODY
        self.publish(tracks)

    def publish(self, tracks: Sequence[Track]) -> None:
        """The host describes its tracks, and replaces its earlier description; datagrams of other tracks are
        dropped."""
        self._tracks = {track.id: track for track in tracks}
        self._rungs = rungs(tracks)
        self._flows = {track.id: self._flows.get(track.id) or Flow() for track in tracks}
        for subscription in self._subscriptions.values():
            subscription.arrange(self._rungs)
        self._protected = {track: number for track, number in self._protected.items() if track in self._tracks}
        self._recovered = {track: at for track, at in self._recovered.items() if track in self._tracks}

    def cap(self, handle: int, carrier: Carrier, caps: Caps, left_out: Callable[[], None]) -> None:
        """Forward no more to a viewer than its caps allow: whole objects are left out, as for a slow hop, and
        `left_out` is called for each."""
        if caps:
            self._caps[handle] = caps
            self._subscription(handle, carrier).capped = partial(self._owes, caps, left_out)

    def be_lean(self, lean: bool) -> None:
        """Memory is (not) short: hardly anything is kept, and no parity made."""
        if lean is not self._lean:
            self._lean = lean
            self._cache.keep(LEAN if lean else None)

    @property
    def held(self) -> int:
        """Bytes of objects that are kept."""
        return self._cache.held

    def backlogs(self) -> list[tuple[int, int]]:
        """Bytes that wait for each viewer, and its handle."""
        return [(one.carrier.datagram_backlog, handle) for handle, one in self._subscriptions.items()]

    def drop_waiting(self, handle: int) -> None:
        """Forget what waits for a viewer, which goes on at the next key objects."""
        subscription = self._subscriptions[handle]
        for track in self._tracks.values():
            of = partial(of_track, handle=self._media_handle, track=track.id)
            subscription.carrier.drop_datagrams(track.priority, of)
        subscription.start_anew()

    def _owes(self, caps: Caps, left_out: Callable[[], None]) -> bool:
        if caps.owed(self._now) <= 0:
            return False
        left_out()
        return True

    def admit(self, handle: int, carrier: Carrier, tracks: Sequence[int], since: Sequence[int], now: float) -> None:
        """A viewer may have these tracks from now on, each from its object of `since` on, and no others. The host sends
        a key object for it by itself, which may have come already; it gets nothing that is older than its admission."""
        subscription = self._subscription(handle, carrier)
        self._now = now
        firsts = dict(zip(tracks, since, strict=False))
        for new in subscription.admit(tracks, since):
            self._catch_up(subscription, new, now, firsts.get(new))
            self._promised[new] = now + PROMISED
            self._told = UNTOLD  # the host goes on the assumption that it is wanted, until we say otherwise
        carrier.offer_spare(partial(self._spare, subscription))
        self._look(now, True)

    def _catch_up(self, subscription: Subscription, track: int, now: float, since: int | None = None) -> None:
        """Send the kept objects of a track to a viewer that joins late. `since`: the first that was made for it, which
        may have overtaken its admission."""
        if (found := self._tracks.get(track)) is not None:
            for data in self._cache.for_latecomer(found, self._media_handle, since):
                if subscription.takes(found, datagram.decode(data)[0]):
                    cookies = (SentFragment(data, found, now),)
                    subscription.carrier.send_datagrams((data,), found.priority, now + found.lifetime, cookies)
                    self._caps.get(subscription.handle, FREE).charge(len(data), now)

    def remove(self, handle: int, now: float) -> None:
        """A viewer leaves."""
        subscription = self._subscriptions.pop(handle, None)
        self._caps.pop(handle, None)
        if subscription is not None:
            self._skipped_before += subscription.skipped
            subscription.carrier.offer_spare(_nothing)
            self._look(now, True)

    def subscribe(self, handle: int, carrier: Carrier, track: int, wanted: bool, now: float) -> None:
        """A viewer does (not) want a track, said perhaps before it is admitted to it; after a pause it begins as one
        that comes late."""
        published = self._tracks.get(track)
        if published is None:
            self.strays += 1
            return
        subscription = self._subscription(handle, carrier)
        if subscription.subscribe(track, wanted):
            if wanted and published.dependent:
                self._coalesced(track, 0, T_KEY_SPACING, now)  # what is kept may be long: a key object is one
            elif wanted:
                self._catch_up(subscription, track, now)
            self._look(now, True)

    def branch(self, branch: Branch, said: Viewers, now: float) -> None:
        """Another worker says what its viewers take; for tracks that are new to it, it comes late."""
        changed = branch not in self._branches
        self._branches[branch] = None
        for new in branch.says(said, self._rungs, now):
            changed = True
            if (found := self._tracks.get(new)) is not None:
                branch.send(self._cache.for_latecomer(found, self._media_handle), found)
        self._look(now, changed)

    def branch_recover(self, track: int, number: int, now: float) -> None:
        """Another worker asks for a key object."""
        self._coalesced(track, number, T_KEY_SPACING, now)

    def admitted_elsewhere(self) -> None:
        """The host has admitted a viewer of another worker, and takes it that its tracks are wanted."""
        self._told = UNTOLD

    def cut(self, branch: Branch, now: float) -> None:
        """Another worker has no viewers of this host any more."""
        if branch in self._branches:
            del self._branches[branch]
            self._look(now, True)

    def _subscription(self, handle: int, carrier: Carrier) -> Subscription:
        """What a viewer gets: nothing until it is admitted."""
        subscription = self._subscriptions.get(handle)
        if subscription is None:
            subscription = self._subscriptions[handle] = Subscription(handle, carrier)
            subscription.arrange(self._rungs)
        return subscription

    def datagrams(self, batch: Sequence[bytes], handle: int, now: float) -> None:
        """Pass on datagrams of the host; only those of its own handle. What comes together of one object leaves
        together, so that a viewer costs little more for many fragments than for one."""
        self._now = now
        run, of = self._run, self._of
        for data in batch:
            try:
                header, payload = datagram.decode(data)
            except RemoteProtocolError:
                continue
            track = self._tracks.get(header.track)
            if header.handle != handle or track is None:
                continue
            self._media_handle = handle
            if header.type <= DatagramType.REPAIR:
                new = self._cache.add(data, header, payload, now)
                self._flows[track.id].add(sum(map(len, new)), now)
            elif header.type >= 0x80:
                new = [data]
            else:
                continue
            if of is not None and (of[0].object != header.object or of[1] is not track):
                self._pass(run, *of, now)
                run = []
            if not run:
                self._gathered_since = now
            run += new
            of = header, track
        self._run, self._of = run, of
        if not self._gathers(now):
            self._pass_on(now)
        if now - self._looked >= LOOK_INTERVAL:
            self._look(now, False)

    def _gathers(self, now: float) -> bool:
        """Whether what has come of a picture waits for the rest of it. A viewer cannot show a part of one."""
        if self._of is None or len(self._subscriptions) < GATHERED_FOR:
            return False
        header, track = self._of
        if not track.dependent or self._cache.whole(track.id, header.object):
            return False
        return now < self._gathered_since + GATHERED_SECONDS

    def _pass_on(self, now: float) -> None:
        """Send what was gathered."""
        if self._of is not None:
            run, of = self._run, self._of
            self._run, self._of = [], None
            self._pass(run, *of, now)

    def _pass(self, run: Sequence[bytes], header: MediaHeader, track: Track, now: float) -> None:
        """Send fragments of one object to all who take it, and parity once it is whole."""
        if header.flags & ObjectFlag.KEY:
            self._promised.pop(track.id, None)
        if run:
            cookies = [SentFragment(data, track, now) for data in run]
            deadline, flight = now + track.lifetime, Flight(run)
            for branch in self._branches:
                branch.carry(run, track, header)
            size = sum(map(len, run)) if self._caps else 0
            for subscription in self._subscriptions.values():
                if subscription.takes(track, header):
                    subscription.carrier.send_datagrams(flight, track.priority, deadline, cookies)
                    if size and (caps := self._caps.get(subscription.handle)) is not None:
                        caps.charge(size, now)
                elif subscription.waits_for_key(track) and now >= self._promised.get(track.id, now):
                    soon = subscription.followed or (track.id in self._rungs and subscription.changes_over(track.id))
                    spacing = T_KEY_SPACING if soon else SLOW_RECOVERY
                    self._coalesced(header.track, header.object, spacing, now)
        if header.type <= DatagramType.REPAIR:
            self._protect(header, track, now)

    def _protect(self, header: MediaHeader, track: Track, now: float) -> None:
        """Once an object is whole: parity, for each viewer as much as its hop is worth."""
        number = header.object
        if self._lean or number <= self._protected.get(track.id, -1) or not self._cache.whole(track.id, number):
            return
        self._protected[track.id] = number
        block = min(datagram.fragment_count(header.length), parity.BLOCK)
        wanted = {
            subscription: subscription.carrier.parity(block)
            for subscription in self._subscriptions.values()
            if subscription.takes(track, header)
        }
        if not any(wanted.values()):
            return
        sealed = self._cache.sealed(track.id, number)
        assert sealed is not None
        made = {
            rows: parity.make(sealed, header.handle, track.id, number, header.flags, range(rows))
            for rows in {*wanted.values()} - {0}
        }
        for subscription, rows in wanted.items():
            if rows:
                subscription.carrier.send_datagrams(made[rows], track.priority, now + track.lifetime)

    def _spare(self, subscription: Subscription, count: int, now: float) -> Sequence[bytes]:
        """More parity of the newest object of a track that a viewer gets, for a probe."""
        for track in () if self._lean else subscription.tracks:
            newest = self._cache.newest(track) if subscription.gets(track) else None
            if newest is not None and len(newest[1]) > MAX_FRAGMENT_PAYLOAD:
                number, sealed = newest
                flags = self._cache.flags(track, number) or 0
                rows = range(SPARE_ROW, min(parity.BLOCK, SPARE_ROW + count))
                return parity.make(sealed, self._media_handle, track, number, flags, rows)[:count]
        return ()

    def recover(self, handle: int, track: int, number: int, now: float) -> None:
        """A viewer can't decode a track: ask the host, at most once per 300 ms."""
        subscription = self._subscriptions.get(handle)
        if subscription is not None and track in subscription.tracks:
            target = subscription.target(track)
            self._coalesced(target, number if target == track else 0, T_KEY_SPACING, now)
        else:
            self.strays += 1

    def _coalesced(self, track: int, number: int, spacing: float, now: float) -> None:
        published = self._tracks.get(track)
        if published is None or not published.dependent:
            return  # who comes late to objects that stand alone needs none of them again
        if now - self._recovered.get(track, float("-inf")) >= spacing:
            self._recovered[track] = now
            self._recover(track, number)

    def skipped(self, handle: int) -> int:
        """Objects that a viewer did not get because its hop was behind."""
        subscription = self._subscriptions.get(handle)
        return 0 if subscription is None else subscription.skipped

    @property
    def skipped_so_far(self) -> int:
        """The same of all viewers, those that have left included."""
        return self._skipped_before + sum(subscription.skipped for subscription in self._subscriptions.values())

    def snapshot(self) -> Snapshot:
        """What is known of the audience, by number."""
        counts = {
            "subscriptions": len(self._subscriptions),
            "watching": sum(subscription.watching for subscription in self._subscriptions.values()),
            "tracks": len(self._tracks),
            "strays": self.strays,
            "skipped": self.skipped_so_far,
        }
        return Snapshot("fanout", counts)

    def answered(self, now: float) -> None:
        """A viewer's hop has news: feedback or acknowledgements."""
        if self._of is not None and not self._gathers(now):
            self._pass_on(now)
        if now - self._looked >= LOOK_INTERVAL:
            self._look(now, False)

    def _look(self, now: float, changed: bool) -> None:
        """Tell the host how many watch and what the best of their hops takes, and the slowest of those that cannot
        follow: at once when it became less or its queue grew, else now and then."""
        self._looked = now
        watching = [subscription for subscription in self._subscriptions.values() if subscription.watching]
        # A hop that has no rate (where nothing is ever lost) is the best one, and how good it is nobody knows.
        best = max(
            watching,
            key=lambda subscription: (subscription.carrier.rate or inf, -subscription.carrier.datagram_backlog),
            default=None,
        )
        first = (inf if best is None else best.carrier.rate or inf) >= FALLEN * self.best_anywhere
        for subscription in watching:
            subscription.followed = first and subscription is best
            self._delay.look(subscription.carrier, now)
        if changed or now - self._chosen_at >= RATE_INTERVAL:
            self._chosen_at = now
            self._choose(watching, now)
            wanted = tuple(sorted({track for one in self._subscriptions.values() for track in one.wanted}))
            changed = changed or wanted != self._wanted
            self._wanted = wanted
        rate = 0 if best is None else round(best.carrier.rate or 0.0)
        if best is not None and (most := self._caps.get(best.handle, FREE).rate) is not None:
            rate = round(min(rate or most, most))
        slow = min((round(one.carrier.rate or 0.0) for one in watching if one.slow(now)), default=0)
        hold = round(1000 * HOLD) if best is not None and best.carrier.hold(now) else 0
        whole = Viewers(len(watching), self._wanted, rate, hold, slow)
        if self._branches:
            whole = together((whole, *(branch.audience(now) for branch in self._branches)))
        self._tell(whole, changed, now)

    def _tell(self, whole: Viewers, changed: bool, now: float) -> None:
        """Tell the host of its audience, and each part of it how good the best of all is, when it is time."""
        count, wanted, told, told_slow = self._told
        rate, slow = whole.rate, whole.slow
        differs = (
            (count, wanted) != (whole.count, whole.tracks)
            or abs(rate - told) > told // 20
            or abs(slow - told_slow) > told_slow // 20
        )
        fell = rate < FALLEN * told or 0 < slow < FALLEN * told_slow
        due = now - self._told_at >= RATE_INTERVAL or fell or changed
        if whole.hold_ms or (differs and due):
            self._told, self._told_at = (whole.count, whole.tracks, rate, slow), now
            self._audience(whole.count, whole.tracks, rate, whole.hold_ms, slow)
            for branch in self._branches:
                branch.tell(whole)

    def _choose(self, watching: Sequence[Subscription], now: float) -> None:
        """Let each viewer have the pictures that its hop carries. With fewer bits they begin with what is kept of them,
        or a key object of their own; with all their bits with the next key object that anybody needs."""
        flows = {track: flow.rate(now) for track, flow in self._flows.items()}
        for subscription in watching:
            for track in subscription.choose(flows, now):
                if track in self._rungs:
                    self._catch_up(subscription, track, now)
                if subscription.changes_over(track):
                    self._coalesced(track, 0, T_KEY_SPACING if track in self._rungs else SLOW_RECOVERY, now)


def _nothing(count: int, now: float) -> Sequence[bytes]:
    return ()
