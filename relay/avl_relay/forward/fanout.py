"""Fan-out: one upload of a host, one feed a viewer, and no viewer in another's way (spec 05-media, 5.5; 07-rate,
7.5).

The relay decides by the clear header alone. It fills gaps of the upload from parity, passes every fragment on once, and
adds the parity that each viewer's own hop is worth. A viewer whose link is behind loses whole objects, never fragments
of them, and goes on at the next key object; at most one frame waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from avl_protocol.media import parity
from avl_protocol.media.cache import ObjectCache
from avl_protocol.session.carrier import PRIORITY_VIDEO
from avl_protocol.session.feed import ViewerFeed
from avl_protocol.session.mediaout import LIFETIME, SentFragment
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, T_KEY_SPACING, DatagramType

#: Seconds between key objects asked for on behalf of viewers that are merely slow.
SLOW_RECOVERY = 2.0
#: Seconds between looks at what the audience can take, and between two words to the host about it.
LOOK_INTERVAL, RATE_INTERVAL = 0.02, 0.1
#: A rate that fell below this share of what the host was told is told at once.
FALLEN = 0.9
#: Seconds for which a full hop makes the host wait before the next look: a round trip of feedback or two.
HOLD = 0.04
#: First row of the parity that is sent as a probe, beyond what protects an object.
SPARE_ROW = 64


class Fanout:
    """One host's media: its audience, and what the audience needs of the host.

    `recover(track, object)` asks the host for a key object; `audience(count, rate, hold)` tells it how many watch, the
    best rate among their hops in bit/s, and for how many milliseconds to take no picture.
    """

    def __init__(self, recover: Callable[[int, int], None], audience: Callable[[int, int, int], None]) -> None:
        self._recover = recover
        self._audience = audience
        self._feeds: dict[int, ViewerFeed] = {}
        self._recovered: dict[int, float] = {}
        self._cache = ObjectCache()
        self._protected: dict[int, int] = {}
        self._media_handle = 0
        self._looked = self._told_at = float("-inf")
        self._told = (-1, 0)

    def admit(self, feed: ViewerFeed, now: float) -> None:
        """A viewer joins the audience. The host sends a key object for it by itself, which may have come already; it
        gets nothing that is older than its admission."""
        self._feeds[feed.handle] = feed
        for track in feed.tracks:
            for data in self._cache.since_key(track, self._media_handle):
                if feed.takes(datagram.decode(data)[0]):
                    feed.carrier.send_datagrams((data,), PRIORITY_VIDEO, now + LIFETIME, (SentFragment(data, now),))
        feed.carrier.offer_spare(self._spare)
        self._look(now, True)

    def remove(self, handle: int, now: float) -> None:
        """A viewer leaves."""
        feed = self._feeds.pop(handle, None)
        if feed is not None:
            feed.carrier.offer_spare(_nothing)
            self._look(now, True)

    def subscribe(self, handle: int, wanted: bool, now: float) -> None:
        """A viewer does (not) want to see; after a pause it needs a key object."""
        feed = self._feeds.get(handle)
        if feed is None or feed.wanted == wanted:
            return
        feed.wanted = wanted
        if wanted:
            feed.begin_anew()
            for track in feed.tracks:
                self.recover(track, 0, now)
        self._look(now, True)

    def datagram(self, data: bytes, handle: int, now: float) -> None:
        """Pass on one datagram of the host; only those of its own handle."""
        try:
            header, payload = datagram.decode(data)
        except RemoteProtocolError:
            return
        if header.handle != handle:
            return
        self._media_handle = handle
        if header.type <= DatagramType.REPAIR:
            for new in self._cache.add(data, header, payload, now):
                self._pass(new, header, now)
            self._protect(header, now)
        elif header.type >= 0x80:
            self._pass(data, header, now)
        if now - self._looked >= LOOK_INTERVAL:
            self._look(now, False)

    def _pass(self, data: bytes, header: MediaHeader, now: float) -> None:
        sent = SentFragment(data, now)
        for feed in self._feeds.values():
            if feed.takes(header):
                feed.carrier.send_datagrams((data,), PRIORITY_VIDEO, now + LIFETIME, (sent,))
            elif feed.waits_for_key():
                spacing = T_KEY_SPACING if feed.followed else SLOW_RECOVERY
                self._coalesced(header.track, header.object, spacing, now)

    def _protect(self, header: MediaHeader, now: float) -> None:
        """Once an object is whole: parity, for each viewer as much as its hop is worth."""
        track, number = header.track, header.object
        if number <= self._protected.get(track, -1) or not self._cache.whole(track, number):
            return
        self._protected[track] = number
        block = min(datagram.fragment_count(header.length), parity.BLOCK)
        wanted = {feed: feed.carrier.parity(block) for feed in self._feeds.values() if feed.takes(header)}
        if not any(wanted.values()):
            return
        sealed = self._cache.sealed(track, number)
        assert sealed is not None
        for feed, rows in wanted.items():
            if rows:
                made = parity.make(sealed, header.handle, track, number, header.flags, range(rows))
                feed.carrier.send_datagrams(made, PRIORITY_VIDEO, now + LIFETIME)

    def _spare(self, count: int, now: float) -> Sequence[bytes]:
        """More parity of the newest object, for a probe."""
        for track in self._protected or (1,):
            newest = self._cache.newest(track)
            if newest is not None and len(newest[1]) > MAX_FRAGMENT_PAYLOAD:
                number, sealed = newest
                flags = self._cache.flags(track, number) or 0
                rows = range(SPARE_ROW, min(parity.BLOCK, SPARE_ROW + count))
                return parity.make(sealed, self._media_handle, track, number, flags, rows)[:count]
        return ()

    def recover(self, track: int, number: int, now: float) -> None:
        """A viewer can't decode a track: ask the host, at most once per 300 ms."""
        self._coalesced(track, number, T_KEY_SPACING, now)

    def _coalesced(self, track: int, number: int, spacing: float, now: float) -> None:
        if now - self._recovered.get(track, float("-inf")) >= spacing:
            self._recovered[track] = now
            self._recover(track, number)

    def skipped(self, handle: int) -> int:
        """Objects that a viewer did not get because its hop was behind."""
        feed = self._feeds.get(handle)
        return 0 if feed is None else feed.skipped

    def answered(self, now: float) -> None:
        """A viewer's hop has news: feedback or acknowledgements."""
        if now - self._looked >= LOOK_INTERVAL:
            self._look(now, False)

    def _look(self, now: float, changed: bool) -> None:
        """Tell the host how many watch and what the best of their hops takes: at once when it became less or its queue
        grew, else now and then."""
        self._looked = now
        watching = [feed for feed in self._feeds.values() if feed.wanted]
        # A hop that has no rate (where nothing is ever lost) is the best one, and how good it is nobody knows.
        best = max(watching, key=lambda feed: (feed.carrier.rate or inf, -feed.carrier.datagram_backlog), default=None)
        for feed in watching:
            feed.followed = feed is best
        rate = 0 if best is None else round(best.carrier.rate or 0.0)
        hold = round(1000 * HOLD) if best is not None and best.carrier.hold(now) else 0
        count, told = self._told
        differs = count != len(watching) or abs(rate - told) > told // 20
        due = now - self._told_at >= RATE_INTERVAL or rate < FALLEN * told or changed
        if hold or (differs and due):
            self._told, self._told_at = (len(watching), rate), now
            self._audience(len(watching), rate, hold)


def _nothing(count: int, now: float) -> Sequence[bytes]:
    return ()
