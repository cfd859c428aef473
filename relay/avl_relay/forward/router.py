"""Router: who is online, who meets whom, and whose bytes go where (spec 04-session, 4.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from avl_protocol.endpoint.admission import source
from avl_protocol.endpoint.sources import same_source, source_tag
from avl_protocol.media.track import tracks_of
from avl_protocol.session.handshakelimits import HandshakeLimits
from avl_protocol.session.hopstream import StreamHeader, channel_header
from avl_protocol.session.mediaout import repair
from avl_protocol.session.relay import RelayPeer
from avl_protocol.wire.channels import is_bulk
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.messages import (
    Accept,
    Admit,
    Attach,
    Attached,
    Close,
    Detach,
    Evict,
    HopMessage,
    HopRate,
    Incoming,
    NatTest,
    Recover,
    Reject,
    Subscribe,
    Tracks,
    Viewers,
)
from avl_protocol.wire.registry import T_CONSENT, T_UNADMITTED, Channel, CloseCode
from avl_relay.forward.fanout import Fanout
from avl_relay.forward.limits import Buckets
from avl_relay.forward.splice import Splices

#: Sessions of one host that it has not admitted: more than a host keeps, so that the host says who makes room.
UNADMITTED = 512
#: Sessions that were admitted and are known again when they come back.
CARRIED = 16_384
#: Seconds that a session may stay unadmitted, a person's thinking included.
LIFE = T_UNADMITTED + T_CONSENT
#: Seconds between two words to a viewer about its hop's rate, while pictures change.
RATE_INTERVAL = 1.0
#: Channels that a session may open before its host's first ADMIT has come.
PARKED = 4
#: Sessions one viewer connection may have.
SESSIONS_PER_PEER = 8


@dataclass(slots=True)
class Parked:
    """A stream that is carried nowhere yet."""

    stream: int
    data: bytearray = field(default_factory=bytearray)
    end: bool = False


@dataclass(slots=True)
class Session:
    """One viewer at one host."""

    handle: int
    session_id: bytes
    viewer: RelayPeer
    host: Hosted
    source: bytes
    begun: float
    rate_told: float = float("-inf")
    accepted: bool = False
    admitted: bool = False
    channels: frozenset[int] = frozenset((int(Channel.CONTROL),))
    streams: dict[int, int] = field(default_factory=dict)
    moves: bool = False
    #: Streams by channel that were opened before the host's first ADMIT: GRANT is sealed and takes another stream, so
    #: that a viewer may know of its admission before we do.
    parked: dict[int, Parked] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether the host has admitted it, or knows it from elsewhere: it is no stranger's, and may wait here."""
        return self.admitted or (self.moves and self.accepted)

    @property
    def near(self) -> bool:
        """Whether both ends are seen at one address."""
        return same_source(self.viewer.carrier.peer_address[0], self.host.peer.carrier.peer_address[0])


@dataclass(slots=True)
class Hosted:
    """One registered host."""

    device: int
    peer: RelayPeer
    media_handle: int
    fanout: Fanout
    sessions: dict[int, Session] = field(default_factory=dict)


class Router:
    """The PeerOwner of all connections of a relay. `secret` hides source addresses from hosts; `nat_test(peer, token)`
    answers NAT_TEST, which takes another socket."""

    def __init__(
        self,
        secret: bytes,
        log: Callable[[str, dict[str, object]], None],
        nat_test: Callable[[RelayPeer, bytes], None] = lambda peer, token: None,
    ) -> None:
        self._nat_test = nat_test
        self._secret = secret
        self._log = log
        self._hosts: dict[int, Hosted] = {}
        self._by_peer: dict[RelayPeer, Hosted] = {}
        self._sessions: dict[int, Session] = {}
        self._splices = Splices()
        self._limits = HandshakeLimits()
        #: Ids of sessions that were admitted, and the device of each.
        self._carried: dict[bytes, int] = {}
        self._replaced = Buckets(rate=6 / 60, burst=10)
        self._tests = Buckets(rate=6 / 60, burst=4)
        #: Session and channel of each stream that is held until its host's first ADMIT.
        self._parked: dict[tuple[RelayPeer, int], tuple[Session, int]] = {}
        #: The admitted sessions of each viewer's connection.
        self._watched: dict[RelayPeer, list[Session]] = {}
        self._last_handle = 0

    @property
    def hosts(self) -> int:
        """Hosts online."""
        return len(self._hosts)

    @property
    def sessions(self) -> int:
        """Sessions known, admitted or not."""
        return len(self._sessions)

    @property
    def strays(self) -> int:
        """Wishes for tracks that came to nothing, of hosts that are online."""
        return sum(hosted.fanout.strays for hosted in self._hosts.values())

    @property
    def holding(self) -> int:
        """Streams that wait for the first ADMIT of their session."""
        return len(self._parked)

    def _handle(self) -> int:
        self._last_handle += 1
        return self._last_handle

    # hosts

    def peer_registered(self, peer: RelayPeer, device: int, now: float) -> int:
        """A host is online. An older connection of the same device gives way, unless the new one yields: it is the same
        key, so the same host."""
        old = self._hosts.get(device)
        if old is not None:
            if peer.yields:
                raise Refused(CloseCode.TAKEN)
            if not self._replaced.take(device, now):
                raise Refused(CloseCode.LIMIT)
            old.peer.close(CloseCode.REPLACED, now)
        handle = self._handle()
        hosted = Hosted(
            device,
            peer,
            handle,
            Fanout(
                lambda track, number: peer.send(Recover(0, track, number)),
                lambda count, tracks, rate, hold: peer.send(Viewers(count, tracks, rate, hold)),
            ),
        )
        self._hosts[device] = self._by_peer[peer] = hosted
        self._log("host online", {"device": device})
        return handle

    def peer_message(self, peer: RelayPeer, message: HopMessage, now: float) -> None:
        """Route one hop message."""
        if isinstance(message, Attach):
            self._attach(peer, message, now)
            return
        if isinstance(message, NatTest):
            if self._tests.take(source(peer.carrier.peer_address[0]), now):
                self._nat_test(peer, message.token)
            return
        if isinstance(message, Tracks):
            self._by_peer[peer].fanout.publish(tracks_of(message.tracks, CloseCode.PROTOCOL_ERROR))
            return
        session = self._sessions.get(getattr(message, "handle", 0))
        if session is None or peer not in (session.viewer, session.host.peer):
            return  # a session that has just ended: its last messages cross
        if peer is session.host.peer:
            self._from_host(session, message, now)
        elif isinstance(message, Detach):
            self._end(session, CloseCode.ENDED, now)
        elif session.accepted and isinstance(message, Subscribe):
            session.host.fanout.subscribe(session.handle, session.viewer.carrier, message.track, message.wish != 0, now)
        elif session.admitted and isinstance(message, Recover):
            session.host.fanout.recover(session.handle, message.track, message.object, now)

    def _from_host(self, session: Session, message: HopMessage, now: float) -> None:
        if isinstance(message, Accept) and not session.accepted:
            session.accepted = True
            if session.moves:  # the host knows it from elsewhere
                self._limits.admitted(session.host.device, session.source, now)
            attached = Attached(session.session_id, session.handle, session.host.media_handle, int(session.near))
            session.viewer.send(attached)
        elif isinstance(message, Reject):
            self._end(session, _known(message.code), now)
        elif isinstance(message, Admit) and session.accepted:
            self._admit(session, message, now)
        elif isinstance(message, (Evict, Detach)):
            self._end(session, _known(message.code), now)

    # sessions

    def _attach(self, viewer: RelayPeer, message: Attach, now: float) -> None:
        if len(message.device) != NUMBER_BYTES or len(message.session) != 16:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "malformed ATTACH")
        if sum(1 for s in self._sessions.values() if s.viewer is viewer) >= SESSIONS_PER_PEER:
            raise Refused(CloseCode.LIMIT)
        address = viewer.carrier.peer_address[0]
        hosted = self._hosts.get(int.from_bytes(message.device, "big"))
        if hosted is None:
            raise Refused(CloseCode.UNAVAILABLE)
        tag = source_tag(self._secret, address)
        moves = bool(message.moves)
        comes_back = moves and self._carried.get(message.session) == hosted.device
        allowed = comes_back or self._limits.take(hosted.device, tag, now)
        if not allowed or not self._make_room(hosted, now):
            raise Refused(CloseCode.LIMIT)
        session = Session(self._handle(), message.session, viewer, hosted, tag, now, moves=moves)
        self._sessions[session.handle] = hosted.sessions[session.handle] = session
        hosted.peer.send(Incoming(message.session, session.handle, tag, message.moves, int(session.near)))

    def _make_room(self, hosted: Hosted, now: float) -> bool:
        """Whether there is room for one more session that is not admitted, at the expense of another if need be."""
        waiting = [(session.source, session) for session in hosted.sessions.values() if not session.known]
        if len(waiting) < UNADMITTED:
            return True
        crowded_out = self._limits.crowded_out(hosted.device, waiting)
        if crowded_out is not None:
            self._end(crowded_out, CloseCode.LIMIT, now)
        return crowded_out is not None

    def _admit(self, session: Session, message: Admit, now: float) -> None:
        if not session.admitted:
            self._limits.admitted(session.host.device, session.source, now)
            self._carried.pop(session.session_id, None)
            self._carried[session.session_id] = session.host.device
            while len(self._carried) > CARRIED:
                del self._carried[next(iter(self._carried))]
            self._log("session admitted", {"device": session.host.device, "session": session.handle})
        session.admitted = True
        session.viewer.trust()
        session.channels = frozenset((int(Channel.CONTROL), *message.channels))
        for channel, stream in list(session.streams.items()):
            if channel not in session.channels:
                self._splices.cut(session.viewer, stream, CloseCode.FORBIDDEN)
                del session.streams[channel]
        for channel, parked in self._unpark(session).items():
            if channel in session.channels:
                self._join(session, channel, parked.stream)
                self._splices.received(session.viewer, parked.stream, bytes(parked.data), parked.end)
            else:
                session.viewer.abandon(parked.stream, CloseCode.FORBIDDEN)
        watched = self._watched.setdefault(session.viewer, [])
        if session not in watched:
            watched.append(session)
        fanout = session.host.fanout
        fanout.admit(session.handle, session.viewer.carrier, message.tracks, message.since, now)

    def _end(self, session: Session, code: CloseCode, now: float) -> None:
        if self._sessions.pop(session.handle, None) is None:
            return
        session.host.sessions.pop(session.handle, None)
        session.host.fanout.remove(session.handle, now)
        watched = self._watched.get(session.viewer, [])
        if session in watched:
            watched.remove(session)
        for parked in self._unpark(session).values():
            session.viewer.abandon(parked.stream, code)
        if not session.accepted:
            session.viewer.send(Close(code))
        session.viewer.send(Detach(session.handle, code))
        session.host.peer.send(Detach(session.handle, code))

    # streams

    def peer_channel(self, peer: RelayPeer, stream: int, header: StreamHeader, now: float) -> None:
        """A viewer opened a channel: carry it to the host if the host lets this session have it. A channel that comes
        back here from another way leaves its older stream."""
        session = self._sessions.get(header.handle)
        if session is None or session.viewer is not peer or not session.accepted:
            peer.abandon(stream, CloseCode.FORBIDDEN)
            return
        if not session.admitted and header.channel != Channel.CONTROL:
            self._park(session, header.channel, stream)
            return
        if header.channel not in session.channels:
            peer.abandon(stream, CloseCode.FORBIDDEN)
            return
        if (older := session.streams.pop(header.channel, None)) is not None:
            self._splices.cut(peer, older, CloseCode.NO_ERROR)
        self._join(session, header.channel, stream)

    def _park(self, session: Session, channel: int, stream: int) -> None:
        """Hold a channel until the host's first ADMIT decides about it."""
        if (older := session.parked.pop(channel, None)) is not None:
            self._parked.pop((session.viewer, older.stream), None)
            session.viewer.abandon(older.stream, CloseCode.NO_ERROR)
        if len(session.parked) >= PARKED:
            session.viewer.abandon(stream, CloseCode.FORBIDDEN)
            return
        session.parked[channel] = Parked(stream)
        self._parked[session.viewer, stream] = (session, channel)

    def _unpark(self, session: Session) -> dict[int, Parked]:
        """What a session has held, which waits no longer."""
        held, session.parked = session.parked, {}
        for parked in held.values():
            del self._parked[session.viewer, parked.stream]
        return held

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
        self._splices.join(peer, stream, host, twin)

    def peer_stream(self, peer: RelayPeer, stream: int, data: bytes, end: bool, now: float) -> None:
        """Bytes of a channel. Those of one that is held are kept, as far as a stranger's window reaches."""
        found = self._parked.get((peer, stream))
        if found is None:
            self._splices.received(peer, stream, data, end)
            return
        session, channel = found
        parked = session.parked[channel]
        parked.data += data
        parked.end = parked.end or end

    def peer_stream_reset(self, peer: RelayPeer, stream: int, code: int, now: float) -> None:
        """A channel was abandoned."""
        if (found := self._parked.pop((peer, stream), None)) is not None:
            session, channel = found
            del session.parked[channel]
        self._splices.reset(peer, stream, code)

    def peer_stream_writable(self, peer: RelayPeer, stream: int, now: float) -> None:
        """A channel has drained."""
        self._splices.writable(peer, stream)

    # media

    def peer_datagram(self, peer: RelayPeer, data: bytes, now: float) -> None:
        """One datagram of a host."""
        hosted = self._by_peer.get(peer)
        if hosted is not None:
            hosted.fanout.datagram(data, hosted.media_handle, now)

    def peer_fate(self, peer: RelayPeer, cookie: object, acked: bool, now: float) -> None:
        """A fragment towards a viewer was lost: send it again while that helps."""
        repair(cookie, acked, peer.carrier, now)
        for session in self._watched.get(peer, ()):
            session.host.fanout.answered(now)
            if now - session.rate_told >= RATE_INTERVAL:
                session.rate_told = now
                state = peer.carrier.rate_state(now)
                figures = state.figures(session.host.fanout.skipped(session.handle))
                peer.send(HopRate(session.handle, state.state, state.reason, figures))

    # time and end

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return min((s.begun + LIFE for s in self._sessions.values() if not s.known), default=None)

    def handle_timer(self, now: float) -> None:
        """End sessions that were not admitted in time."""
        for session in [s for s in self._sessions.values() if not s.known and s.begun + LIFE <= now]:
            self._end(session, CloseCode.TIMEOUT, now)

    def peer_gone(self, peer: RelayPeer, now: float) -> None:
        """A connection is over: its sessions end, a host is offline."""
        self._splices.forget(peer)
        self._watched.pop(peer, None)
        for session in [s for s in self._sessions.values() if s.viewer is peer or s.host.peer is peer]:
            self._end(session, CloseCode.SESSION_LOST, now)
        hosted = self._by_peer.pop(peer, None)
        if hosted is not None and self._hosts.get(hosted.device) is hosted:
            del self._hosts[hosted.device]
            self._log("host offline", {"device": hosted.device})


def _known(code: int) -> CloseCode:
    return CloseCode(code) if code in CloseCode._value2member_map_ else CloseCode.ENDED
