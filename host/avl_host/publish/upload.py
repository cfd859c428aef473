"""Uploads: the hops on which pictures leave a host, one for a relay's whole audience or one for a single viewer (spec
05-media, 5.5; 08-paths, 8.8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.session.media.sender import MediaSender
from avl_protocol.session.media.subscription import Subscription
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.registry import ObjectFlag

#: The longest that an audience may make us wait at a time, seconds.
LONGEST_HOLD = 0.5


class Upload:
    """One carrier that pictures leave on. `subscription`: of the one viewer at its end; None where a relay feeds
    many."""

    def __init__(self, carrier: Carrier, handle: int, subscription: Subscription | None = None) -> None:
        self.carrier = carrier
        self.handle = handle
        self.subscription = subscription
        #: Sessions that get their tracks here.
        self.sessions = 0
        #: The tracks that a relay's audience wants; None before it has said so.
        self._wanted: frozenset[int] | None = None
        #: What was sent here last.
        self._last: MediaSender | None = None
        self._wanted_rate = 0
        #: The tracks of it that were named last, and what the slowest of those takes who cannot follow.
        self._named: frozenset[int] = frozenset()
        #: Those that nobody gets before a relay has said that somebody is to: pictures with fewer bits, and sound.
        self._on_word: frozenset[int] = frozenset()
        self._slow_rate = 0
        self.hold_until = 0.0

    def watches(self, track: int | None = None) -> bool:
        """Whether anybody gets a track here (None: any); a relay may know better than we do. Nobody gets pictures with
        fewer bits before somebody needed them, nor sound that not everybody may hear."""
        if self.sessions == 0:
            return False
        if track is not None and track in self._on_word and self.subscription is None:
            return track in self._named
        wanted = self._wanted if self.subscription is None else self.subscription.wanted
        return wanted is None or (bool(wanted) if track is None else track in wanted)

    def arrange(self, rungs: Mapping[int, int], sounds: Iterable[int] = ()) -> None:
        """These tracks, by number, are lower rungs of those; `sounds`: the tracks of sound."""
        self._on_word = frozenset((*rungs, *sounds))
        if self.subscription is not None:
            self.subscription.arrange(rungs)

    def begin(self) -> None:
        """One more session gets its tracks here. Until the relay says what its viewer wants, that is everything."""
        self.sessions += 1
        self._wanted = None

    def audience(self, wanted: Iterable[int], rate: int, hold: float, now: float, slow: int = 0) -> None:
        """A relay reports the tracks that its audience wants, what their hops can take, for how many seconds to take no
        picture, and what the slowest takes of those who cannot follow."""
        self._wanted = self._named = frozenset(wanted)
        self._wanted_rate, self._slow_rate = rate, slow
        self.hold_until = now + min(hold, LONGEST_HOLD) if hold > 0 else 0.0

    @property
    def rate(self) -> float | None:
        """Bits per second that an encoder may use for who watches here; None while nothing is known."""
        rates = [rate for rate in (self.carrier.rate, self._wanted_rate) if rate]
        return min(rates) if rates else None

    def slow_rate(self, now: float) -> int:
        """Bits per second that the slowest of those takes who cannot follow; 0: all can."""
        if self.subscription is None:
            return self._slow_rate
        return round(self.carrier.rate or 0.0) if self.subscription.slow(now) else 0

    def held(self, now: float) -> bool:
        """Whether the next picture would only wait here."""
        return now < self.hold_until or self.carrier.hold(now)

    def send(self, sender: MediaSender, sealed: tuple[int, int, bytes], now: float) -> bool:
        """Send an object, or leave it out where its only viewer is behind; False when that one needs a key object."""
        number, flags, data = sealed
        if self.subscription is not None:
            header = MediaHeader(
                handle=self.handle,
                type=0,
                track=sender.track.id,
                object=number,
                flags=flags,
                fragment=0,
                length=len(data),
            )
            if not self.subscription.takes(sender.track, header):
                return bool(flags & ObjectFlag.KEY) or not self.subscription.waits_for_key(sender.track)
        self._last = sender
        sender.send(sealed, self.carrier, self.handle, now)
        return True

    def offer_spare(self) -> None:
        """Let probes of this carrier be parity of what it carried last."""
        self.carrier.offer_spare(self._spare)

    def _spare(self, count: int, now: float) -> Sequence[bytes]:
        return [] if self._last is None else self._last.spare(count, self.handle)
