"""ViewerFeed: which objects one viewer gets, decided by the clear header alone (spec 05-media, 5.5).

A viewer whose link is behind loses whole objects, never fragments of them, and goes on at the next key object; at most
one frame waits for it. A relay keeps one for each viewer, a host for who came directly.
"""

from __future__ import annotations

from avl_protocol.session.carrier import PRIORITY_VIDEO, Carrier
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.registry import ObjectFlag

#: Bytes beyond one frame that may wait for a viewer when the next frame begins.
SLACK = 32 * 1024
#: Seconds of its rate that may wait for the viewer whom the host's encoder follows.
PATIENCE = 0.5


class ViewerFeed:
    """What one viewer gets of one host's tracks. `since`: for each track the first object it may get (ADMIT)."""

    __slots__ = (
        "_at_key",
        "_current",
        "_largest",
        "_newest",
        "_since",
        "carrier",
        "followed",
        "handle",
        "skipped",
        "tracks",
        "wanted",
    )

    def __init__(self, handle: int, carrier: Carrier, tracks: tuple[int, ...], since: tuple[int, ...] = ()) -> None:
        self.handle = handle
        self.carrier = carrier
        self.tracks = frozenset(tracks)
        #: The first object of each track that this viewer may get: of what is older it has no key.
        self._since = dict(zip(tracks, since, strict=False))
        self.wanted = True
        self.skipped = 0
        #: The host encodes for this viewer: what waits for it is on its way out, not a reason to break its pictures.
        self.followed = False
        self._newest: dict[int, int] = {}
        self._current: dict[int, bool] = {}
        self._at_key: dict[int, bool] = {}
        self._largest = 0

    def takes(self, header: MediaHeader) -> bool:
        """Whether this viewer gets the datagram; decided once an object, when its first fragment passes."""
        track = header.track
        if track not in self.tracks or not self.wanted or header.object < self._since.get(track, 0):
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
        slack = SLACK
        if self.followed:
            slack = max(SLACK, int((self.carrier.rate or 0.0) / 8 * PATIENCE))
        behind = self.carrier.datagram_backlog > self._largest + slack
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

    def go_on(self) -> None:
        """The viewer has got all objects so far by another way: no key object is needed."""
        for track in self.tracks:
            self._at_key[track] = False

    def begin_anew(self) -> None:
        """After a pause nothing but a key object will do."""
        self._at_key.clear()

    def waits_for_key(self) -> bool:
        """Whether it can't go on without a key object."""
        return self.wanted and any(self._at_key.get(track, True) for track in self.tracks)
