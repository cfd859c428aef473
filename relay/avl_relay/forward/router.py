"""Router: the table of hosts and sessions, and the forwarding of their bytes (spec 04-session, 4.3).

It takes the events of all neighbours. Whether a host may register and a viewer attach, and where a device is, it asks
(`access.py`, `directory.py`), and goes on with others until it is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from heapq import nlargest
from math import ceil, inf
from operator import itemgetter
from typing import Any

from avl_protocol.endpoint.accept.sources import source, source_tag
from avl_protocol.media.track import tracks_of
from avl_protocol.rate.limits import DEFAULT, Allowance, Limits
from avl_protocol.session.deadlines import Deadlines
from avl_protocol.session.handshakelimits import HandshakeLimits
from avl_protocol.session.hop.mediaevents import MediaFates, MediaReceived
from avl_protocol.session.hop.server import HopServer, HopServerState
from avl_protocol.session.hop.serverevents import (
    ChannelOpened,
    ChannelReceived,
    ChannelReset,
    ChannelWritable,
    HopServerEvent,
    Registering,
    Said,
)
from avl_protocol.session.hop.servers import HopServers
from avl_protocol.session.hop.stream import StreamHeader, channel_header
from avl_protocol.session.media.sender import repair
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.channels import is_bulk
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.messages import (
    About,
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
    Statements,
    Subscribe,
    Tracks,
    Viewers,
)
from avl_protocol.wire.registry import (
    MAX_HOP_MESSAGE,
    MAX_STATEMENTS,
    T_ASKED,
    T_CONSENT,
    T_UNADMITTED,
    Channel,
    CloseCode,
)
from avl_relay.access import Access, Decision, MayAttach, MayRegister, OpenAccess
from avl_relay.directory import Directory, LocalDirectory, Place, WhereIs
from avl_relay.forward.asking import Asked, Asking, Question
from avl_relay.forward.caps import Caps, cap
from avl_relay.forward.fanout import Fanout
from avl_relay.forward.lending import Lending
from avl_relay.forward.limits import Buckets
from avl_relay.forward.parking import Parking
from avl_relay.forward.queuedelay import QueueDelay
from avl_relay.forward.splice import Splices
from avl_relay.forward.table import Publisher, Session
from avl_relay.forward.viewertime import ViewerTime
from avl_relay.onlooker import Begun, Blind, Onlooker

#: Sessions of one host that it has not admitted: more than a host keeps, so that the host says who makes room.
UNADMITTED = 512
#: Sessions that were admitted and are known again when they come back.
CARRIED = 16_384
#: Seconds that a session may stay unadmitted, a person's thinking included.
LIFE = T_UNADMITTED + T_CONSENT
#: Seconds between two words to a viewer about its hop's rate, while pictures change.
RATE_INTERVAL = 1.0
#: Bytes of a STATEMENTS beside its tokens, at most.
_HEAD = 256
#: Sessions one viewer connection may have.
SESSIONS_PER_PEER = 8
#: Seconds that a host of another worker stays borrowed without a session: what is on its way still arrives.
LINGER = 10.0


class Router:
    """The owner of all connections of a relay: `take` applies what one of them tells.

    `secret` hides source addresses from hosts; `nat_test(peer, token)` answers NAT_TEST, which takes another socket.
    Answers of `access` and `directory` that come later are told with `decided` and `located`. `handles`: the first
    handle and the distance to the next, so that several workers of a relay use different ones. `about(device, what)` is
    told what a host says of itself: a stranger's words.
    """

    def __init__(
        self,
        *,
        secret: bytes,
        log: Callable[[str, dict[str, object]], None],
        nat_test: Callable[[HopServer, bytes], None] = lambda peer, token: None,
        access: Access | None = None,
        directory: Directory | None = None,
        onlooker: Onlooker | None = None,
        limits: Limits = DEFAULT,
        handles: tuple[int, int] = (1, 1),
        about: Callable[[int, About], None] = lambda device, about: None,
    ) -> None:
        self._bounds = limits
        self._lean = self._full = False
        #: What bounds all sessions together.
        self._total = cap(limits.forward_total, 0.0)
        self._nat_test = nat_test
        self._about = about
        self._secret = secret
        self._log = log
        self._access = access or OpenAccess()
        self._directory = directory or LocalDirectory()
        self._onlooker = onlooker or Blind()
        self._asking = Asking()
        self._hosts: dict[int, Publisher] = {}
        self._by_peer: dict[HopServer, Publisher] = {}
        self._sessions: dict[int, Session] = {}
        #: The sessions of each viewer's connection, and those of them that were admitted.
        self._attached: dict[HopServer, dict[int, Session]] = {}
        self._watched: dict[HopServer, list[Session]] = {}
        self._splices = Splices()
        self._limits = HandshakeLimits()
        #: Ids of sessions that were admitted, and the device of each.
        self._carried: dict[bytes, int] = {}
        self._replaced = Buckets(rate=6 / 60, burst=10)
        self._tests = Buckets(rate=6 / 60, burst=4)
        self._parking = Parking()
        #: When sessions that nobody knows end.
        self._unadmitted: Deadlines[int] = Deadlines()
        self._peers = HopServers(self._apply)
        self._delay = QueueDelay()
        self._watching = ViewerTime()
        #: Since the start: what happened, by name, and which limits were hit.
        self._happened: Counter[str] = Counter()
        self._limits_hit: Counter[str] = Counter()
        self._next_handle, self._between_handles = handles
        self._lending = Lending(
            splices=self._splices,
            limits=self._limits,
            allowed=self._allowed,
            admitted=self._let_in,
            close=self._peers.close,
        )
        #: Borrowed hosts without a session, and when they are given back.
        self._idle: Deadlines[HopServer] = Deadlines()

    @property
    def hosts(self) -> int:
        """Hosts online; those of other workers are counted there."""
        return len(self._hosts) - self._borrowed

    @property
    def _borrowed(self) -> int:
        return sum(publisher.borrowed for publisher in self._hosts.values())

    @property
    def lent(self) -> int:
        """Sessions of viewers at other workers with hosts that are here."""
        return self._lending.sessions

    @property
    def sessions(self) -> int:
        """Sessions known, admitted or not."""
        return len(self._sessions)

    @property
    def strays(self) -> int:
        """Wishes for tracks that came to nothing, of hosts that are online."""
        return sum(publisher.fanout.strays for publisher in self._hosts.values())

    @property
    def holding(self) -> int:
        """Streams that wait for the first ADMIT of their session."""
        return len(self._parking)

    def snapshot(self) -> Snapshot:
        """Everything that is kept, by number; one part for each host."""
        counts = {
            "hosts": self.hosts,
            "peers of hosts": len(self._by_peer),
            "sessions": len(self._sessions),
            "admitted": sum(len(watched) for watched in self._watched.values()),
            "viewers": len(self._attached),
            "questions": len(self._asking),
            "held streams": len(self._parking),
            "held bytes": self._parking.size,
            "spliced ends": len(self._splices),
            "loans": len(self._lending),
            "sessions of other workers": self._lending.sessions,
            "borrowed": self._borrowed,
            "remembered sessions": len(self._carried),
            "timers": len(self._unadmitted) + self._peers.timers + len(self._idle),
            "sources of NAT tests": len(self._tests),
        }
        skipped = sum(publisher.fanout.skipped_so_far for publisher in self._hosts.values())
        happened = Counter({"hosts": 0, "sessions": 0, "skipped objects": skipped})
        happened.update(self._happened)
        so_far = (
            Snapshot("happened so far", dict(happened)),
            Snapshot("limits hit so far", dict(self._limits_hit)),
            self._delay.snapshot(),
        )
        fanouts = (publisher.fanout.snapshot() for publisher in self._hosts.values())
        return Snapshot("router", counts, (*so_far, *fanouts))

    @property
    def waiting(self) -> int:
        """Bytes that wait here: for viewers, for hosts, and for who comes late."""
        fanouts = [publisher.fanout for publisher in self._hosts.values()]
        media = sum(fanout.held + sum(size for size, _ in fanout.backlogs()) for fanout in fanouts)
        return media + self._parking.size + self._splices.waiting

    def be_lean(self, lean: bool) -> None:
        """Memory is (not) short: caches are small and no parity is made."""
        self._lean = lean
        for publisher in self._hosts.values():
            publisher.fanout.be_lean(lean)

    def take_newcomers(self, taken: bool) -> None:
        """Whether sessions may be asked for that this relay does not carry already."""
        self._full = not taken

    def drop_slowest(self, share: float) -> int:
        """Forget what waits for the viewers for whom most waits, this share of those for whom anything does; how many
        there were."""
        waiting = [
            (size, handle, publisher.fanout)
            for publisher in self._hosts.values()
            for size, handle in publisher.fanout.backlogs()
            if size
        ]
        slowest = nlargest(ceil(share * len(waiting)), waiting, key=itemgetter(0))
        for _, handle, fanout in slowest:
            fanout.drop_waiting(handle)
        return len(slowest)

    def viewer_seconds(self, now: float) -> float:
        """For how many seconds admitted sessions have been served, all together."""
        return self._watching.seconds(now)

    def _handle(self) -> int:
        handle = self._next_handle
        self._next_handle += self._between_handles
        return handle

    # events

    def take(self, peer: HopServer, now: float) -> None:
        """Apply what a neighbour tells, and whatever follows from it at others."""
        self._peers.take(peer, now)

    def _apply(self, peer: HopServer, event: HopServerEvent, now: float) -> None:
        if isinstance(event, MediaFates):
            self._settled(peer, event, now)
        elif isinstance(event, MediaReceived):
            if (publisher := self._by_peer.get(peer)) is not None:
                publisher.fanout.datagrams(event.datagrams, publisher.media_handle, now)
        elif isinstance(event, ChannelReceived):
            self._received(peer, event, now)
        elif isinstance(event, Said):
            if peer in self._lending:
                self._lending.said(peer, event.message, now)
            else:
                self._message(peer, event.message, now)
        elif isinstance(event, ChannelWritable):
            self._splices.writable(peer, event.stream)
        elif isinstance(event, ChannelOpened):
            if peer in self._lending:
                self._lending.opened(peer, event.stream, event.header)
            else:
                self._opened(peer, event.stream, event.header)
        elif isinstance(event, ChannelReset):
            self._reset(peer, event)
        elif isinstance(event, Registering):
            question = MayRegister(self._asking.number(), event.device, peer.carrier.peer_address[0])
            self._ask_access(Asked(question, peer, event, now + T_ASKED), question, now)
        else:
            self._gone(peer, now)

    # questions

    def _ask_access(self, asked: Asked, question: MayRegister | MayAttach, now: float) -> None:
        self._asking.add(asked)
        if (decision := self._access.ask(question, now)) is not None:
            self._decided(question, decision, now)

    def decided(self, question: MayRegister | MayAttach, decision: Decision, now: float) -> None:
        """The answer of `access` to a question that it did not answer at once."""
        self._answer(self._decided, question, decision, now)

    def located(self, question: WhereIs, place: Place, now: float) -> None:
        """The answer of `directory` to a question that it did not answer at once."""
        self._answer(self._located, question, place, now)

    def _answer(self, apply: Callable[[Any, Any, float], None], question: Question, answer: object, now: float) -> None:
        """Apply a late answer. Who waits for it may be refused for it."""
        peer = self._asking.peer(question)
        try:
            apply(question, answer, now)
        except (Refused, RemoteProtocolError) as error:
            assert peer is not None
            self._peers.close(peer, error.code, now)
        self._peers.settle(now)

    def _decided(self, question: MayRegister | MayAttach, decision: Decision, now: float) -> None:
        asked = self._asking.answered(question)
        if asked is None:
            return
        if decision.refused is not None:
            raise Refused(decision.refused)
        if isinstance(asked.wish, Registering):
            self._register(asked, asked.wish, decision.forwards or self._bounds.forward_device, now)
        else:
            where = WhereIs(self._asking.number(), question.device)
            allowance = decision.forwards or self._bounds.forward_session
            self._asking.add(replace(asked, question=where, forwards=allowance))
            if (place := self._directory.find(where, now)) is not None:
                self._located(where, place, now)

    def _located(self, question: WhereIs, place: Place, now: float) -> None:
        asked = self._asking.answered(question)
        if asked is not None and isinstance(asked.wish, Attach):
            publisher = self._hosts.get(question.device)  # it may have come or gone while we asked
            if place is not Place.HERE or publisher is None:
                raise Refused(CloseCode.UNAVAILABLE)
            self._attach(asked.peer, publisher, asked.wish, asked.forwards, now)

    def _forget(self, asked: Asked) -> None:
        """Nobody waits for an answer any more."""
        self._asking.answered(asked.question)
        if isinstance(asked.question, WhereIs):
            self._directory.forget(asked.question)
        else:
            self._access.forget(asked.question)

    # hosts

    def _register(self, asked: Asked, wish: Registering, forwards: Allowance | None, now: float) -> None:
        """A host is online. An older connection of the same device gives way, unless the new one yields: it is the same
        key, so the same host."""
        peer, device, number = asked.peer, wish.device, asked.question.id
        if peer.state is not HopServerState.ASKED:
            return
        old = self._hosts.get(device)
        if wish.yields and (old is not None or self._directory.elsewhere(device)):
            raise Refused(CloseCode.TAKEN)
        if old is not None:
            if not self._replaced.take(device, now):
                raise self._beyond("registrations that replace another")
            self._peers.close(old.peer, CloseCode.REPLACED, now)
            self._offline(old, now)
        for older in self._asking.registrations(device, number):
            self._forget(older)
            self._peers.close(older.peer, CloseCode.REPLACED, now)
        publisher = self._publish(peer, device, number, self._handle(), forwards, now)
        self._happened["hosts"] += 1
        self._directory.arrived(device, now)
        self._onlooker.host_came(device, now)
        self._log("host online", {"device": device})
        peer.registered(publisher.media_handle)
        self._peers.look_again(peer)

    def _publish(
        self,
        peer: HopServer,
        device: int,
        number: int,
        media_handle: int,
        forwards: Allowance | None,
        now: float,
    ) -> Publisher:
        """A new row of the table of hosts."""
        publisher = Publisher(
            device=device,
            peer=peer,
            number=number,
            media_handle=media_handle,
            fanout=Fanout(
                lambda track, number: peer.send(Recover(0, track, number)),
                lambda count, tracks, rate, hold, slow: peer.send(Viewers(count, tracks, rate, hold, slow)),
                delay=self._delay,
            ),
            cap=cap(forwards, now),
        )
        publisher.fanout.be_lean(self._lean)
        self._hosts[device] = self._by_peer[peer] = publisher
        return publisher

    def _offline(self, publisher: Publisher, now: float) -> None:
        """A host is not registered any more, and its sessions end."""
        self._by_peer.pop(publisher.peer, None)
        for session in list(publisher.sessions.values()):
            self._end(session, CloseCode.SESSION_LOST, now)
        del self._hosts[publisher.device]
        self._idle.drop(publisher.peer)
        self._lending.offline(publisher.peer, now)
        if not publisher.borrowed:
            self._directory.left(publisher.device, now)
            self._onlooker.host_left(publisher.device, now)
            self._log("host offline", {"device": publisher.device})
        self._happened["skipped objects"] += publisher.fanout.skipped_so_far

    # other workers

    def lend(self, peer: HopServer, device: int, now: float) -> Publisher | None:
        """Another worker's hop (`peer`, which borrows) is for a host of ours: its row, None where we have no such
        host."""
        publisher = self._hosts.get(device)
        if publisher is None or publisher.borrowed:
            return None
        self._lending.lend(peer, publisher)
        self._peers.take(peer, now)
        return publisher

    def borrow(self, peer: HopServer, device: int, media_handle: int, now: float) -> None:
        """A host that is registered at another worker is here too from now on, behind `peer`; one that has come here by
        itself stays."""
        if device in self._hosts:
            self._peers.close(peer, CloseCode.REPLACED, now)
        else:
            publisher = self._publish(
                peer, device, self._asking.number(), media_handle, self._bounds.forward_device, now
            )
            publisher.borrowed = True
            self._idle.set(peer, now + LINGER)
            peer.send(Viewers(0))
        self._peers.take(peer, now)

    def hand_on(self, device: int, tokens: Sequence[str]) -> bool:
        """Hand statements on to a host that is registered here (spec 11, 11.6); False where it is not."""
        publisher = self._hosts.get(device)
        if publisher is None or publisher.borrowed:
            return False
        part: list[str] = []
        for token in tokens:
            if part and (len(part) == MAX_STATEMENTS or sum(map(len, part)) + len(token) > MAX_HOP_MESSAGE - _HEAD):
                publisher.peer.send(Statements(tuple(part)))
                part = []
            part.append(token)
        if part:
            publisher.peer.send(Statements(tuple(part)))
        return True

    def has(self, device: int) -> bool:
        """Whether a host is registered here, or borrowed."""
        return device in self._hosts

    def give_up(self, device: int, now: float) -> None:
        """A host of ours has registered at another worker since: here its older connection gives way."""
        publisher = self._hosts.get(device)
        if publisher is not None and not publisher.borrowed:
            self._peers.close(publisher.peer, CloseCode.REPLACED, now)
            self._offline(publisher, now)
            self._peers.settle(now)

    def _comes_back(self, device: int, session: bytes, moves: int) -> bool:
        """Whether a session was admitted before."""
        return bool(moves) and self._carried.get(session) == device

    def _allowed(self, device: int, incoming: Incoming, now: float) -> bool:
        """Whether one more session may ask for a host: one that comes back, or that has handshakes left."""
        known = self._comes_back(device, incoming.session, incoming.moves)
        return known or self._limits.take(device, incoming.source, now)

    def _let_in(self, device: int, session: bytes, source: bytes, now: float) -> None:
        """A host has admitted a session: it is known again when it comes back."""
        self._limits.admitted(device, source, now)
        self._carried.pop(session, None)
        self._carried[session] = device
        while len(self._carried) > CARRIED:
            del self._carried[next(iter(self._carried))]

    def _message(self, peer: HopServer, message: HopMessage, now: float) -> None:
        """Route one hop message."""
        if isinstance(message, Attach):
            self._ask_to_attach(peer, message, now)
            return
        if isinstance(message, NatTest):
            if self._tests.take(source(peer.carrier.peer_address[0]), now):
                self._nat_test(peer, message.token)
            else:
                self._limits_hit["NAT tests"] += 1
            return
        if isinstance(message, Tracks):
            if (publisher := self._by_peer.get(peer)) is not None:
                publisher.fanout.publish(tracks_of(message.tracks, CloseCode.PROTOCOL_ERROR))
                publisher.tracks = message
                self._lending.published(peer, message)
            return
        if isinstance(message, About):
            if (publisher := self._by_peer.get(peer)) is not None:
                self._about(publisher.device, message)
            return
        if isinstance(message, Viewers):
            if (publisher := self._by_peer.get(peer)) is not None:
                publisher.fanout.best_anywhere = float(message.rate) or (inf if message.count else 0.0)
            return
        handle = getattr(message, "handle", 0)
        session = self._sessions.get(handle)
        if session is None and peer in self._by_peer:
            self._lending.from_host(peer, handle, message, now)
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
                self._unadmitted.drop(session.handle)
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

    def _ask_to_attach(self, viewer: HopServer, message: Attach, now: float) -> None:
        if len(message.device) != NUMBER_BYTES or len(message.session) != 16:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "malformed ATTACH")
        if len(self._attached.get(viewer, ())) + self._asking.waiting(viewer) >= SESSIONS_PER_PEER:
            raise self._beyond("sessions of a connection")
        device, address = int.from_bytes(message.device, "big"), viewer.carrier.peer_address[0]
        question = MayAttach(
            id=self._asking.number(),
            device=device,
            session=message.session,
            address=address,
            moves=bool(message.moves),
            access_pass=message.access_pass,
        )
        self._ask_access(Asked(question, viewer, message, now + T_ASKED), question, now)

    def _attach(
        self, viewer: HopServer, publisher: Publisher, message: Attach, forwards: Allowance | None, now: float
    ) -> None:
        if self._full and not self._comes_back(publisher.device, message.session, message.moves):
            raise self._beyond("sessions while memory is short")
        session = Session(
            handle=self._handle(),
            session_id=message.session,
            viewer=viewer,
            host=publisher,
            source=source_tag(self._secret, viewer.carrier.peer_address[0]),
            begun=now,
            moves=bool(message.moves),
            caps=Caps((cap(forwards, now), publisher.cap, self._total)),
        )
        incoming = Incoming(
            session=message.session,
            handle=session.handle,
            source=session.source,
            moves=message.moves,
            near=int(session.near),
        )
        # Of a borrowed host its own worker counts the handshakes, for all workers.
        allowed = publisher.borrowed or self._allowed(publisher.device, incoming, now)
        if not allowed:
            raise self._beyond("sessions that a source asks for")
        if not self._make_room(publisher, now):
            raise self._beyond("sessions that are not admitted")
        self._idle.drop(publisher.peer)
        self._sessions[session.handle] = publisher.sessions[session.handle] = session
        self._attached.setdefault(viewer, {})[session.handle] = session
        self._unadmitted.set(session.handle, now + LIFE)
        publisher.peer.send(incoming)

    def _beyond(self, limit: str) -> Refused:
        """The refusal of what is beyond a limit, which is counted."""
        self._limits_hit[limit] += 1
        return Refused(CloseCode.LIMIT)

    def end_session(self, handle: int, now: float) -> bool:
        """Somebody who may has ended a session; whether a viewer here had it."""
        session = self._sessions.get(handle)
        if session is not None:
            self._end(session, CloseCode.ENDED, now)
            self._peers.settle(now)
        return session is not None

    def send_away(self, device: int, now: float) -> bool:
        """A host of ours may not be registered any more: it and its sessions end; whether it was here."""
        publisher = self._hosts.get(device)
        if publisher is None or publisher.borrowed:
            return False
        self._peers.close(publisher.peer, CloseCode.FORBIDDEN, now)
        self._offline(publisher, now)
        self._peers.settle(now)
        return True

    def _make_room(self, publisher: Publisher, now: float) -> bool:
        """Whether there is room for one more session that is not admitted, at the expense of another if need be."""
        waiting = [(session.source, session) for session in publisher.sessions.values() if not session.known]
        if len(waiting) < UNADMITTED:
            return True
        crowded_out = self._limits.crowded_out(publisher.device, waiting)
        if crowded_out is not None:
            self._limits_hit["sessions that are not admitted"] += 1
            self._end(crowded_out, CloseCode.LIMIT, now)
        return crowded_out is not None

    def _admit(self, session: Session, message: Admit, now: float) -> None:
        if not session.admitted:
            self._let_in(session.host.device, session.session_id, session.source, now)
            self._happened["sessions"] += 1
            self._watching.came(now)
            self._log("session admitted", {"device": session.host.device, "session": session.handle})
            begun = Begun(
                handle=session.handle,
                device=session.host.device,
                session=session.session_id,
                address=session.viewer.carrier.peer_address[0],
            )
            self._onlooker.session_began(begun, now)
        session.admitted = True
        self._unadmitted.drop(session.handle)
        session.viewer.trust()
        session.channels = frozenset((int(Channel.CONTROL), *message.channels))
        for channel, stream in list(session.streams.items()):
            if channel not in session.channels:
                self._splices.cut(session.viewer, stream, CloseCode.FORBIDDEN)
                del session.streams[channel]
        for channel, parked in self._parking.release(session.handle, session.viewer).items():
            if channel in session.channels:
                self._join(session, channel, parked.stream)
                self._splices.received(session.viewer, parked.stream, bytes(parked.data), parked.end, now)
            else:
                session.viewer.abandon(parked.stream, CloseCode.FORBIDDEN)
        watched = self._watched.setdefault(session.viewer, [])
        if session not in watched:
            watched.append(session)
        fanout = session.host.fanout
        fanout.cap(session.handle, session.viewer.carrier, session.caps, self._left_out)
        self._share(session.host)
        fanout.admit(session.handle, session.viewer.carrier, message.tracks, message.since, now)

    def _left_out(self) -> None:
        self._limits_hit["bandwidth caps"] += 1

    def _share(self, publisher: Publisher) -> None:
        """So many watch this host now, and so many in all: each is told of its part of what they share."""
        if publisher.cap is not None:
            publisher.cap.shared = sum(session.admitted for session in publisher.sessions.values())
        if self._total is not None:
            self._total.shared = sum(map(len, self._watched.values()))

    def _end(self, session: Session, code: CloseCode, now: float) -> None:
        if self._sessions.pop(session.handle, None) is None:
            return
        self._unadmitted.drop(session.handle)
        session.host.sessions.pop(session.handle, None)
        skipped = session.host.fanout.skipped(session.handle)
        session.host.fanout.remove(session.handle, now)
        if session.host.borrowed and not session.host.sessions:
            self._idle.set(session.host.peer, now + LINGER)
        if session.admitted:
            self._watching.left(now)
            self._onlooker.session_ended(session.handle, now)
            about: dict[str, object] = {"device": session.host.device, "session": session.handle}
            lasted = round(now - session.begun, 1)
            self._log("session ended", {**about, "why": code.name.lower(), "seconds": lasted, "skipped": skipped})
        attached, watched = self._attached.get(session.viewer, {}), self._watched.get(session.viewer, [])
        attached.pop(session.handle, None)
        if not attached:
            self._attached.pop(session.viewer, None)
        if session in watched:
            watched.remove(session)
            self._share(session.host)
        if not watched:
            self._watched.pop(session.viewer, None)
        for parked in self._parking.release(session.handle, session.viewer).values():
            session.viewer.abandon(parked.stream, code)
        if not session.accepted:
            session.viewer.send(Close(code))
        session.viewer.send(Detach(session.handle, code))
        session.host.peer.send(Detach(session.handle, code))

    # streams

    def _opened(self, peer: HopServer, stream: int, header: StreamHeader) -> None:
        """A viewer opened a channel: carry it to the host if the host lets this session have it. A channel that comes
        back here from another path leaves its older stream."""
        session = self._sessions.get(header.handle)
        if session is None or session.viewer is not peer or not session.accepted:
            peer.abandon(stream, CloseCode.FORBIDDEN)
            return
        if not session.admitted and header.channel != Channel.CONTROL:
            self._parking.park(session.handle, header.channel, peer, stream)
            return
        if header.channel not in session.channels:
            peer.abandon(stream, CloseCode.FORBIDDEN)
            return
        if (older := session.streams.pop(header.channel, None)) is not None:
            self._splices.cut(peer, older, CloseCode.NO_ERROR)
        self._join(session, header.channel, stream)

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
        self._splices.join(peer, stream, host, twin, caps=session.caps, bulk=is_bulk(channel))

    def _received(self, peer: HopServer, event: ChannelReceived, now: float) -> None:
        """Bytes of a channel, which may be held."""
        if not self._parking.received(peer, event.stream, event.data, event.end):
            self._splices.received(peer, event.stream, event.data, event.end, now)

    def _reset(self, peer: HopServer, event: ChannelReset) -> None:
        """A channel was abandoned."""
        self._parking.forget(peer, event.stream)
        self._splices.reset(peer, event.stream, event.code)

    # media

    def _settled(self, peer: HopServer, event: MediaFates, now: float) -> None:
        """Fragments towards a viewer arrived, or were lost: send these again while that helps."""
        for cookie, acked in event.fates:
            if not acked:
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
        waiting = (self._unadmitted, self._asking, self._peers, self._splices, self._idle)
        times = [machine.next_timeout() for machine in waiting]
        return min((at for at in times if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """End sessions that were not admitted, and connections about which nobody answered, in time."""
        for handle, _ in self._unadmitted.expired(now):
            self._end(self._sessions[handle], CloseCode.TIMEOUT, now)
        for asked in self._asking.expired(now):
            self._forget(asked)
            self._peers.close(asked.peer, CloseCode.UNAVAILABLE, now)
        for peer, _ in self._idle.expired(now):
            self._peers.close(peer, CloseCode.NO_ERROR, now)
        self._splices.handle_timer(now)
        self._peers.handle_timer(now)

    def _gone(self, peer: HopServer, now: float) -> None:
        """A connection is over: its sessions end, a host is offline, and nothing is asked about it any more."""
        self._splices.forget(peer)
        self._lending.gone(peer, now)
        for asked in self._asking.about(peer):
            self._forget(asked)
        for session in list(self._attached.get(peer, {}).values()):
            self._end(session, CloseCode.SESSION_LOST, now)
        if (publisher := self._by_peer.get(peer)) is not None:
            self._offline(publisher, now)


def _known(code: int) -> CloseCode:
    return CloseCode(code) if code in CloseCode._value2member_map_ else CloseCode.ENDED
