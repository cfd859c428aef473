"""Fan-out: one upload of a host, one feed a viewer, and no viewer in another's way (spec 05-media, 5.5).

The relay decides by the clear header alone. A viewer whose link is behind loses whole objects, never fragments of
them, and goes on at the
next key object; at most one frame waits for it.
"""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.session.carrier import PRIORITY_VIDEO, Carrier
from avl_protocol.session.mediaout import LIFETIME, SentFragment
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import T_KEY_SPACING, DatagramType, ObjectFlag

#: Bytes beyond one frame that may wait for a viewer when the next frame begins.
SLACK = 32 * 1024
#: Seconds between key objects asked for on behalf of viewers that are merely slow.
SLOW_RECOVERY = 2.0
#: Seconds between looks at what the audience can take.
RATE_INTERVAL = 0.2


class ViewerFeed:
    """What one viewer gets of one host's tracks."""

    __slots__ = ("_at_key", "_current", "_largest", "_newest", "carrier", "handle", "skipped", "tracks", "wanted")

    def __init__(self, handle: int, carrier: Carrier, tracks: tuple[int, ...]) -> None:
        self.handle = handle
        self.carrier = carrier
        self.tracks = frozenset(tracks)
        self.wanted = True
        self.skipped = 0
        self._newest: dict[int, int] = {}
        self._current: dict[int, bool] = {}
        self._at_key: dict[int, bool] = {}
        self._largest = 0

    def takes(self, header: MediaHeader) -> bool:
        """Whether this viewer gets the datagram; decided once an object, when its first fragment passes."""
        track = header.track
        if track not in self.tracks or not self.wanted:
            return False
        newest = self._newest.get(track, -1)
        if header.object < newest:
            return not self._at_key.get(track, True)  # late or repaired fragments of what it did get
        if header.object > newest:
            self._newest[track] = header.object
            self._current[track] = self._begin(track, header)
        return self._current[track]

    def _begin(self, track: int, header: MediaHeader) -> bool:
        key = bool(header.flags & ObjectFlag.KEY)
        behind = self.carrier.datagram_backlog > self._largest + SLACK
        self._largest = max(header.length, self._largest * 7 // 8)
        if key:
            if behind:
                self.carrier.drop_datagrams(PRIORITY_VIDEO)  # all older than this key object is useless now
            self._at_key[track] = False
            return True
        if behind or self._at_key.get(track, True):
            self._at_key[track] = True
            self.skipped += 1
            return False
        return True

    def waits_for_key(self) -> bool:
        """Whether it can't go on without a key object."""
        return self.wanted and any(self._at_key.get(track, True) for track in self.tracks)


class Fanout:
    """One host's media: its audience, and what the audience needs of the host."""

    def __init__(self, recover: Callable[[int, int], None], audience: Callable[[int, int], None]) -> None:
        self._recover = recover
        self._audience = audience
        self._feeds: dict[int, ViewerFeed] = {}
        self._recovered: dict[int, float] = {}
        self._rate_at = float("-inf")
        self._reported = (-1, 0)

    def admit(self, feed: ViewerFeed, now: float) -> None:
        """A viewer joins the audience. The host sends a key object for it by itself."""
        self._feeds[feed.handle] = feed
        self._report(now)

    def remove(self, handle: int, now: float) -> None:
        """A viewer leaves."""
        if self._feeds.pop(handle, None) is not None:
            self._report(now)

    def subscribe(self, handle: int, wanted: bool, now: float) -> None:
        """A viewer does (not) want to see; after a pause it needs a key object."""
        feed = self._feeds.get(handle)
        if feed is None or feed.wanted == wanted:
            return
        feed.wanted = wanted
        if wanted:
            feed._at_key.clear()
            for track in feed.tracks:
                self.recover(track, 0, now)
        self._report(now)

    def datagram(self, data: bytes, handle: int, now: float) -> None:
        """Pass on one datagram of the host; only those of its own handle."""
        try:
            header, _ = datagram.decode(data)
        except RemoteProtocolError:
            return
        if header.handle != handle or not (header.type <= DatagramType.REPAIR or header.type >= 0x80):
            return
        sent = SentFragment(data, now)
        for feed in self._feeds.values():
            if feed.takes(header):
                feed.carrier.send_datagrams((data,), PRIORITY_VIDEO, now + LIFETIME, (sent,))
            elif feed.waits_for_key():
                self._coalesced(header.track, header.object, SLOW_RECOVERY, now)
        if now - self._rate_at >= RATE_INTERVAL:
            self._report(now)

    def recover(self, track: int, number: int, now: float) -> None:
        """A viewer can't decode a track: ask the host, at most once per 300 ms."""
        self._coalesced(track, number, T_KEY_SPACING, now)

    def _coalesced(self, track: int, number: int, spacing: float, now: float) -> None:
        if now - self._recovered.get(track, float("-inf")) >= spacing:
            self._recovered[track] = now
            self._recover(track, number)

    def _report(self, now: float) -> None:
        """Tell the host how many watch, and what the best of their links can take."""
        self._rate_at = now
        watching = [feed for feed in self._feeds.values() if feed.wanted]
        rates = [feed.carrier.rate for feed in watching]
        # A link that has not met its limit yet is the best one, and how good it is nobody knows.
        rate = 0 if None in rates else max((round(rate) for rate in rates if rate is not None), default=0)
        count, told = self._reported
        if count != len(watching) or abs(rate - told) > told // 10:
            self._reported = (len(watching), rate)
            self._audience(len(watching), rate)
