"""Channels: the streams of sessions, on their way between a viewer's connection and its host's (spec 04-session, 4.3).

Whether a session may have a channel is its host's word (ADMIT). What a viewer opens ahead of that waits (parking.py);
the rest is byte for byte (splice.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.hop.serverevents import ChannelReceived, ChannelReset
from avl_protocol.session.hop.stream import channel_header
from avl_protocol.wire.channels import is_bulk
from avl_protocol.wire.registry import Channel, CloseCode
from avl_relay.forward.parking import Parking
from avl_relay.forward.splice import Splices
from avl_relay.forward.table import Session


class Channels:
    """All streams that a relay carries. `splices` are shared with who carries those of other workers."""

    def __init__(self) -> None:
        self.splices = Splices()
        self._parking = Parking()

    @property
    def held(self) -> int:
        """Streams that wait for the first ADMIT of their session."""
        return len(self._parking)

    @property
    def held_bytes(self) -> int:
        """Bytes of them that have come."""
        return self._parking.size

    @property
    def waiting(self) -> int:
        """Bytes that wait here: for an ADMIT, or to leave."""
        return self._parking.size + self.splices.waiting

    def opened(self, peer: HopServer, stream: int, session: Session | None, channel: int) -> None:
        """A viewer opened a channel of a session: carry it to the host if the host lets this session have it. A channel
        that comes back here from another path leaves its older stream."""
        if session is None or session.viewer is not peer or not session.accepted:
            peer.abandon(stream, CloseCode.FORBIDDEN)
            return
        if not session.admitted and channel != Channel.CONTROL:
            self._parking.park(session.handle, channel, peer, stream)
            return
        if channel not in session.channels:
            peer.abandon(stream, CloseCode.FORBIDDEN)
            return
        if (older := session.streams.pop(channel, None)) is not None:
            self.splices.cut(peer, older, CloseCode.NO_ERROR)
        self._join(session, channel, stream)

    def admit(self, session: Session, channels: Sequence[int], now: float) -> None:
        """The host lets a session have these channels, and no others but the first."""
        session.channels = frozenset((int(Channel.CONTROL), *channels))
        for channel, stream in list(session.streams.items()):
            if channel not in session.channels:
                self.splices.cut(session.viewer, stream, CloseCode.FORBIDDEN)
                del session.streams[channel]
        for channel, parked in self._parking.release(session.handle, session.viewer).items():
            if channel in session.channels:
                self._join(session, channel, parked.stream)
                self.splices.received(session.viewer, parked.stream, bytes(parked.data), parked.end, now)
            else:
                session.viewer.abandon(parked.stream, CloseCode.FORBIDDEN)

    def end(self, session: Session, code: CloseCode) -> None:
        """A session is over: nothing of it waits any more. What is spliced ends with its source."""
        for parked in self._parking.release(session.handle, session.viewer).values():
            session.viewer.abandon(parked.stream, code)

    def _join(self, session: Session, channel: int, stream: int) -> None:
        """Open a channel's twin towards the host and carry bytes both ways."""
        peer, host = session.viewer, session.host.peer
        twin = host.carrier.open_stream()
        host.adopt(twin)
        host.carrier.send_stream(twin, channel_header(session.handle, channel))
        if is_bulk(channel):
            host.carrier.set_stream_bulk(twin)
            peer.carrier.set_stream_bulk(stream)
        session.streams[channel] = stream
        self.splices.join(peer, stream, host, twin, caps=session.caps, bulk=is_bulk(channel))

    def received(self, peer: HopServer, event: ChannelReceived, now: float) -> None:
        """Bytes of a channel, which may be held."""
        if not self._parking.received(peer, event.stream, event.data, event.end):
            self.splices.received(peer, event.stream, event.data, event.end, now)

    def reset(self, peer: HopServer, event: ChannelReset) -> None:
        """A channel was abandoned."""
        self._parking.forget(peer, event.stream)
        self.splices.reset(peer, event.stream, event.code)
