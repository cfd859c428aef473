"""Outlets: where pictures leave a host, one upload for a relay's whole audience or one for a viewer alone (spec
05-media, 5.5; 08-paths, 8.8)."""

from __future__ import annotations

from collections.abc import Sequence

from avl_protocol.session.carrier import Carrier
from avl_protocol.session.feed import ViewerFeed
from avl_protocol.session.mediaout import MediaSender
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.registry import ObjectFlag

#: The longest that an audience may make us wait at a time, seconds.
LONGEST_HOLD = 0.5


class Outlet:
    """One carrier that pictures leave on. `feed`: of the one viewer at its end; None where a relay feeds many."""

    def __init__(self, carrier: Carrier, handle: int, feed: ViewerFeed | None = None) -> None:
        self.carrier = carrier
        self.handle = handle
        self.feed = feed
        #: Sessions that get their pictures here.
        self.sessions = 0
        self._count: int | None = None
        self._wanted_rate = 0
        self.hold_until = 0.0

    @property
    def watched(self) -> bool:
        """Whether anybody gets pictures here; a relay may know better than we do."""
        return self.sessions > 0 and self._count != 0 and (self.feed is None or self.feed.wanted)

    def audience(self, count: int, rate: int, hold: float, now: float) -> None:
        """A relay says how many watch, what their hops can take, and for how many seconds to take no picture."""
        self._count = count
        self._wanted_rate = rate
        self.hold_until = now + min(hold, LONGEST_HOLD) if hold > 0 else 0.0

    @property
    def rate(self) -> float | None:
        """Bits per second that an encoder may use for who watches here; None while nothing is known."""
        rates = [rate for rate in (self.carrier.rate, self._wanted_rate) if rate]
        return min(rates) if rates else None

    def held(self, now: float) -> bool:
        """Whether the next picture would only wait here."""
        return now < self.hold_until or self.carrier.hold(now)

    def send(self, sender: MediaSender, sealed: tuple[int, int, bytes], track: int, now: float) -> bool:
        """Send an object, or leave it out where its only viewer is behind; False when that one needs a key object."""
        number, flags, data = sealed
        if self.feed is not None:
            header = MediaHeader(self.handle, 0, track, number, flags, 0, len(data))
            if not self.feed.takes(header):
                return bool(flags & ObjectFlag.KEY) or not self.feed.waits_for_key()
        sender.send(sealed, self.carrier, self.handle, now)
        return True

    def offer(self, sender: MediaSender) -> None:
        """Let probes of this carrier be parity of what it carries."""

        def spare(count: int, now: float) -> Sequence[bytes]:
            return sender.spare(count, self.handle)

        self.carrier.offer_spare(spare)
