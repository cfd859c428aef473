"""Branch: the part of a host's audience that is at another worker of this relay.

Media cross to it once, for all its viewers; it has a fan-out of its own for them. What it says of them is joined with
what is known here, so that the host hears of one audience.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf

from avl_protocol.media.track import Track
from avl_protocol.session.hop.server import HopServer
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.messages import Viewers
from avl_protocol.wire.registry import ObjectFlag

#: Bytes that may wait for another worker when an object begins: a second of 64 Mbit/s, which a worker that runs takes
#: at once.
MOST_WAITING = 8 << 20


class Branch:
    """Another worker, as a host's fan-out knows it. `peer`: the hop between the two workers."""

    def __init__(self, peer: HopServer) -> None:
        self.peer = peer
        self._said = Viewers(0)
        self._carried: frozenset[int] = frozenset()
        self._hold_until = float("-inf")
        self._told = 0
        self._newest: dict[int, int] = {}
        #: Tracks of which objects were left out, and that go on at a key object.
        self._cut: set[int] = set()

    def says(self, audience: Viewers, rungs: Mapping[int, int], now: float) -> frozenset[int]:
        """Hear what its viewers take; the tracks that were not carried to it before. `rungs`: the pictures that each
        lower rung is of, which are carried beside it, so that it is known there what they would take."""
        before, self._said = self._carried, audience
        wanted = audience.tracks
        self._carried = frozenset((*wanted, *(rungs[track] for track in wanted if track in rungs)))
        if audience.hold_ms:
            self._hold_until = now + audience.hold_ms / 1000
        return self._carried - before

    def audience(self, now: float) -> Viewers:
        """Its viewers, as they stand now."""
        said = self._said
        hold = round(1000 * max(0.0, self._hold_until - now))
        return Viewers(said.count, said.tracks, said.rate, hold, said.slow)

    def tell(self, audience: Viewers) -> None:
        """Let it know how good the best of all viewers is: only who is the best is waited for."""
        if audience.rate != self._told:
            self._told = audience.rate
            self.peer.send(audience)

    def carry(self, run: Sequence[bytes], track: Track, header: MediaHeader) -> None:
        """Pass datagrams of one object on, or leave all of it out where the other worker does not keep up."""
        if track.id not in self._carried:
            return
        if header.object > self._newest.get(track.id, -1):
            self._newest[track.id] = header.object
            if self.peer.carrier.datagram_backlog > MOST_WAITING:
                self._cut.add(track.id)
            elif not track.dependent or header.flags & ObjectFlag.KEY:
                self._cut.discard(track.id)
        if track.id not in self._cut:
            self.send(run, track)

    def send(self, run: Sequence[bytes], track: Track) -> None:
        """Pass datagrams on."""
        self.peer.carrier.send_datagrams(run, track.priority, None)


def together(audiences: Iterable[Viewers]) -> Viewers:
    """All of them as one: the best rate among them (0, which nobody has measured, is the best where somebody watches),
    what the best waits for, and the slowest of those who cannot follow."""
    watching = [audience for audience in audiences if audience.count]
    best = max(watching, key=lambda audience: (audience.rate or inf, -audience.hold_ms), default=Viewers(0))
    tracks = tuple(sorted({track for audience in watching for track in audience.tracks}))
    slow = min((audience.slow for audience in watching if audience.slow), default=0)
    return Viewers(sum(audience.count for audience in watching), tracks, best.rate, best.hold_ms, slow)
