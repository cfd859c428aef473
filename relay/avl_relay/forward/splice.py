"""Splices: an end-to-end stream of a viewer and its twin towards the host, byte for byte and with back-pressure
(spec 04-session, 4.3). What is beyond a session's caps waits at its
source, which gets no credit."""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.session.deadlines import Deadlines
from avl_protocol.session.hop.server import HopServer
from avl_protocol.wire.registry import CloseCode
from avl_relay.forward.caps import FREE, Caps

#: Bytes that may wait towards the slower side before the faster one gets no more credit; from here on a carrier
#: tells when it has drained.
BACKLOG = 512 * 1024
#: Seconds that may be owed to a session's caps before what is no bulk waits: pictures shall not hold up what is typed.
URGENT = 1.0


@dataclass(slots=True, kw_only=True)
class _End:
    """The source of one direction: its stream, the stream that its bytes go to, and the credit held back."""

    peer: HopServer
    stream: int
    other_peer: HopServer
    other_stream: int
    caps: Caps
    patience: float
    held: int = 0
    capped: bool = False
    ended: bool = False


class Splices:
    """All spliced streams of a relay."""

    def __init__(self) -> None:
        self._ends: dict[HopServer, dict[int, _End]] = {}
        #: Sources whose caps hold back their credit, and until when.
        self._capped: Deadlines[tuple[HopServer, int]] = Deadlines()

    def __len__(self) -> int:
        """Ends of streams that are spliced: two a splice."""
        return sum(len(ends) for ends in self._ends.values())

    @property
    def waiting(self) -> int:
        """Bytes that wait to leave."""
        return sum(
            end.other_peer.carrier.stream_backlog(end.other_stream)
            for ends in self._ends.values()
            for end in ends.values()
        )

    def _end(self, peer: HopServer, stream: int) -> _End | None:
        return self._ends.get(peer, {}).get(stream)

    def _pop(self, peer: HopServer, stream: int) -> _End | None:
        ends = self._ends.get(peer, {})
        popped = ends.pop(stream, None)
        self._capped.drop((peer, stream))
        if not ends:
            self._ends.pop(peer, None)
        return popped

    def join(
        self,
        peer: HopServer,
        stream: int,
        other: HopServer,
        other_stream: int,
        *,
        caps: Caps = FREE,
        bulk: bool = False,
    ) -> None:
        """Carry two streams' bytes to each other."""
        patience = 0.0 if bulk else URGENT
        self._ends.setdefault(peer, {})[stream] = _End(
            peer=peer, stream=stream, other_peer=other, other_stream=other_stream, caps=caps, patience=patience
        )
        self._ends.setdefault(other, {})[other_stream] = _End(
            peer=other, stream=other_stream, other_peer=peer, other_stream=stream, caps=caps, patience=patience
        )

    def received(self, peer: HopServer, stream: int, data: bytes, end: bool, now: float) -> None:
        """Carry bytes to the other side; give credit back only while that side keeps up."""
        source = self._end(peer, stream)
        if source is None:
            peer.carrier.consume(stream, len(data))
            return
        source.other_peer.carrier.send_stream(source.other_stream, data, end)
        if source.caps:
            source.caps.charge(len(data), now)
            if (wait := source.caps.owed(now, source.patience)) > 0:
                source.capped = True
                self._capped.set((peer, stream), now + wait)
        if source.capped or source.other_peer.carrier.stream_backlog(source.other_stream) > BACKLOG:
            source.held += len(data)
        else:
            peer.carrier.consume(stream, len(data))
        if end:
            source.ended = True
            self._forget_if_done(source)

    def writable(self, peer: HopServer, stream: int) -> None:
        """A side has caught up: the other gets its credit."""
        sink = self._end(peer, stream)
        source = self._end(sink.other_peer, sink.other_stream) if sink else None
        if source is not None and not source.capped:
            self._give(source)

    def _give(self, source: _End) -> None:
        if source.held:
            source.peer.carrier.consume(source.stream, source.held)
            source.held = 0

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._capped.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Who waited for its caps gets its credit, unless the other side is behind or others have used them up."""
        for (peer, stream), _ in self._capped.expired(now):
            source = self._end(peer, stream)
            if source is None:
                continue
            if (wait := source.caps.owed(now, source.patience)) > 0:
                self._capped.set((peer, stream), now + wait)
                continue
            source.capped = False
            if source.other_peer.carrier.stream_backlog(source.other_stream) <= BACKLOG:
                self._give(source)

    def reset(self, peer: HopServer, stream: int, code: int) -> None:
        """A side abandoned its stream: so does the other."""
        source = self._pop(peer, stream)
        if source is not None:
            self._pop(source.other_peer, source.other_stream)
            source.other_peer.abandon(source.other_stream, code)

    def cut(self, peer: HopServer, stream: int, code: CloseCode) -> None:
        """Abandon both streams of a splice."""
        source = self._pop(peer, stream)
        if source is not None:
            self._pop(source.other_peer, source.other_stream)
            source.peer.abandon(source.stream, code)
            source.other_peer.abandon(source.other_stream, code)

    def forget(self, peer: HopServer) -> None:
        """A neighbour is gone: its streams' twins are abandoned, save those whose end it had sent: that may still be on
        its way, and the other side ends or resets them."""
        for source in list(self._ends.get(peer, {}).values()):
            if not source.ended:
                self._pop(peer, source.stream)
                self._pop(source.other_peer, source.other_stream)
                source.other_peer.abandon(source.other_stream, CloseCode.SESSION_LOST)

    def _forget_if_done(self, source: _End) -> None:
        other = self._end(source.other_peer, source.other_stream)
        if other is not None and other.ended:
            self._pop(source.peer, source.stream)
            self._pop(other.peer, other.stream)
            source.peer.forget(source.stream)
            other.peer.forget(other.stream)
