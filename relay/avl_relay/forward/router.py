"""Router: what each neighbour of a relay tells, given to whom it is about (spec 04-session, 4.3).

The tables are those of hosts (`hosts.py`), of sessions (`sessions.py`) and of their streams (`channels.py`); hosts that
other workers have on loan are in `lending.py`. Whether a host may register and a viewer attach, and where a device is,
it asks (`access.py`, `directory.py`), and goes on with others until it is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from avl_protocol.crypto.hpke import KEY_BYTES
from avl_protocol.endpoint.accept.hits import limits_hit
from avl_protocol.endpoint.accept.sources import source
from avl_protocol.media.track import tracks_of
from avl_protocol.rate.limits import DEFAULT, Allowance, Limits
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
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.messages import (
    About,
    Accept,
    Admit,
    Attach,
    Detach,
    Evict,
    HeadKnown,
    HopMessage,
    LastPicture,
    Logged,
    NatTest,
    OperatorSays,
    Recover,
    Reject,
    Subscribe,
    Tracks,
    Viewers,
)
from avl_protocol.wire.registry import MAX_LAST_PICTURE, MAX_READERS, T_ASKED, T_LAST_PICTURE, CloseCode
from avl_relay.access import Access, Decision, MayAttach, MayRegister, OpenAccess
from avl_relay.directory import Directory, LocalDirectory, Place, WhereIs
from avl_relay.forward.asking import Asked, Asking, Question
from avl_relay.forward.caps import cap
from avl_relay.forward.channels import Channels
from avl_relay.forward.hosts import Hosts
from avl_relay.forward.lending import Lending
from avl_relay.forward.limits import Buckets
from avl_relay.forward.sessions import Sessions
from avl_relay.forward.table import Publisher, Session
from avl_relay.forward.tally import Tally
from avl_relay.onlooker import Blind, Onlooker

#: Sessions one viewer connection may have.
SESSIONS_PER_PEER = 8


class Router:
    """The owner of all connections of a relay: `take` applies what one of them tells.

    `secret` hides source addresses from hosts; `nat_test(peer, token)` answers NAT_TEST, which takes another socket.
    Answers of `access` and `directory` that come later are told with `decided` and `located`. `handles`: the first
    handle and the distance to the next, so that several workers of a relay use different ones. `about(device, what)` is
    told what a host says of itself: a stranger's words; `head_known(peer, size)` which head of the audit log a
    neighbour keeps, and `logged(peer, device, message)` which sessions a host's own log has;
    `pictured(device, picture)` which picture of itself it leaves for somebody.
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
        head_known: Callable[[HopServer, int], None] = lambda peer, size: None,
        logged: Callable[[HopServer, int, Logged], None] = lambda peer, device, message: None,
        pictured: Callable[[int, LastPicture], None] = lambda device, picture: None,
    ) -> None:
        self._pictured = pictured
        self._head_known, self._logged = head_known, logged
        self._bounds = limits
        self._nat_test = nat_test
        self._about = about
        self._access = access or OpenAccess()
        self._directory = directory or LocalDirectory()
        onlooker = onlooker or Blind()
        self._asking = Asking()
        self._tests = Buckets(rate=6 / 60, burst=4)
        self._pictures = Buckets(rate=MAX_READERS / T_LAST_PICTURE, burst=2 * MAX_READERS)
        self._peers = HopServers(self._apply)
        self._tally = tally = Tally()
        self._next_handle, self._between_handles = handles
        self._channels = Channels()
        handshakes = HandshakeLimits()
        self._lending = Lending(
            splices=self._channels.splices,
            limits=handshakes,
            allowed=lambda device, incoming, now: self._sessions.allowed(device, incoming, now),
            admitted=lambda device, session, tag, now: self._sessions.let_in(device, session, tag, now),
            close=self._peers.close,
        )
        self._hosts = Hosts(
            peers=self._peers,
            lending=self._lending,
            directory=self._directory,
            onlooker=onlooker,
            tally=tally,
            log=log,
            end=lambda session, code, now: self._sessions.end(session, code, now),
        )
        self._sessions = Sessions(
            hosts=self._hosts,
            channels=self._channels,
            limits=handshakes,
            total=cap(limits.forward_total, 0.0),
            secret=secret,
            onlooker=onlooker,
            tally=tally,
            log=log,
        )

    @property
    def hosts(self) -> int:
        """Hosts online; those of other workers are counted there."""
        return len(self._hosts) - self._hosts.borrowed

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
        return sum(publisher.fanout.strays for publisher in self._hosts)

    @property
    def holding(self) -> int:
        """Streams that wait for the first ADMIT of their session."""
        return self._channels.held

    def snapshot(self) -> Snapshot:
        """Everything that is kept, by number; one part for each host."""
        hosts, sessions, channels = self._hosts, self._sessions, self._channels
        counts = {
            "hosts": self.hosts,
            "peers of hosts": hosts.peers,
            "sessions": len(sessions),
            "admitted": sessions.admitted,
            "viewers": sessions.viewers,
            "questions": len(self._asking),
            "held streams": channels.held,
            "held bytes": channels.held_bytes,
            "spliced ends": len(channels.splices),
            "loans": len(self._lending),
            "sessions of other workers": self._lending.sessions,
            "borrowed": hosts.borrowed,
            "remembered sessions": sessions.remembered,
            "timers": sessions.timers + self._peers.timers + hosts.timers,
            "sources of NAT tests": len(self._tests),
            "sources of pictures": len(self._pictures),
        }
        happened = Counter({"hosts": 0, "sessions": 0, "skipped objects": hosts.skipped_so_far})
        happened.update(self._tally.happened)
        so_far = (
            Snapshot("happened so far", dict(happened)),
            *limits_hit(self._tally.limits),
            hosts.delay,
        )
        fanouts = (publisher.fanout.snapshot() for publisher in hosts)
        return Snapshot("router", counts, (*so_far, *fanouts))

    @property
    def waiting(self) -> int:
        """Bytes that wait here: for viewers, for hosts, and for who comes late."""
        return self._hosts.waiting + self._channels.waiting

    def be_lean(self, lean: bool) -> None:
        """Memory is (not) short: caches are small and no parity is made."""
        self._hosts.be_lean(lean)

    def take_newcomers(self, taken: bool) -> None:
        """Whether sessions may be asked for that this relay does not carry already."""
        self._sessions.full = not taken

    def drop_slowest(self, share: float) -> int:
        """Forget what waits for the viewers for whom most waits, this share of those for whom anything does; how many
        there were."""
        return self._hosts.drop_slowest(share)

    def viewer_seconds(self, now: float) -> float:
        """For how many seconds admitted sessions have been served, all together."""
        return self._sessions.viewer_seconds(now)

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
            self._sessions.settled(peer, event, now)
        elif isinstance(event, MediaReceived):
            if (publisher := self._hosts.of(peer)) is not None:
                publisher.fanout.datagrams(event.datagrams, publisher.media_handle, now)
        elif isinstance(event, ChannelReceived):
            self._channels.received(peer, event, now)
        elif isinstance(event, Said):
            if peer in self._lending:
                self._lending.said(peer, event.message, now)
            else:
                self._message(peer, event.message, now)
        elif isinstance(event, ChannelWritable):
            self._channels.splices.writable(peer, event.stream)
        elif isinstance(event, ChannelOpened):
            if peer in self._lending:
                self._lending.opened(peer, event.stream, event.header)
            else:
                self._channels.opened(peer, event.stream, self._sessions.get(event.header.handle), event.header.channel)
        elif isinstance(event, ChannelReset):
            self._channels.reset(peer, event)
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
            self._sessions.attach(asked.peer, publisher, asked.wish, self._handle(), asked.forwards, now)

    def _forget(self, asked: Asked) -> None:
        """Nobody waits for an answer any more."""
        self._asking.answered(asked.question)
        if isinstance(asked.question, WhereIs):
            self._directory.forget(asked.question)
        else:
            self._access.forget(asked.question)

    # hosts

    def _register(self, asked: Asked, wish: Registering, forwards: Allowance | None, now: float) -> None:
        """A host may be online; older connections of the same device give way, and those that only ask too."""
        peer, device, number = asked.peer, wish.device, asked.question.id
        if peer.state is not HopServerState.ASKED:
            return
        self._hosts.make_room(peer, device, wish.yields, now)
        for older in self._asking.registrations(device, number):
            self._forget(older)
            self._peers.close(older.peer, CloseCode.REPLACED, now)
        self._hosts.register(peer, device, number, self._handle(), forwards, now)

    def lend(self, peer: HopServer, device: int, now: float) -> Publisher | None:
        """Another worker's hop (`peer`, which borrows) is for a host of ours: its row, None where we have no such
        host."""
        publisher = self._hosts.lend(peer, device)
        if publisher is not None:
            self._peers.take(peer, now)
        return publisher

    def borrow(self, peer: HopServer, device: int, media_handle: int, now: float) -> None:
        """A host that is registered at another worker is here too from now on, behind `peer`; one that has come here by
        itself stays."""
        self._hosts.borrow(peer, device, self._asking.number(), media_handle, self._bounds.forward_device, now)
        self._peers.take(peer, now)

    def has(self, device: int) -> bool:
        """Whether a host is registered here, or borrowed."""
        return self._hosts.get(device) is not None

    def address_of(self, device: int) -> str:
        """From where a host that is here has registered; "" where it is not here."""
        publisher = self._hosts.get(device)
        return "" if publisher is None else publisher.peer.carrier.peer_address[0]

    def give_up(self, device: int, now: float) -> None:
        """A host of ours has registered at another worker since: here its older connection gives way."""
        self._hosts.send_away(device, CloseCode.REPLACED, now)
        self._peers.settle(now)

    def carried(self) -> Sequence[Session]:
        """The sessions of viewers that are here which their hosts have let in."""
        return self._sessions.carried()

    # what people decide

    def end_session(self, handle: int, code: CloseCode, now: float) -> bool:
        """Somebody who may has ended a session (ENDED_AT_RELAY): its host ends it wherever it runs (4.3); whether a
        viewer here had it."""
        session = self._sessions.get(handle)
        if session is not None:
            self._sessions.end(session, code, now)
            self._peers.settle(now)
        return session is not None

    def tell_session(self, handle: int, text: str) -> bool:
        """Who may says something to a session (14.8); whether a viewer here has it."""
        session = self._sessions.get(handle)
        if session is None or not session.admitted:
            return False
        session.viewer.send(OperatorSays(handle, text))
        return True

    def send_away(self, device: int, now: float) -> bool:
        """A host of ours may not be registered any more: it and its sessions end; whether it was here."""
        gone = self._hosts.send_away(device, CloseCode.FORBIDDEN, now)
        self._peers.settle(now)
        return gone

    def hand_on(self, device: int, tokens: Sequence[str]) -> bool:
        """Hand statements on to a host that is registered here (spec 11, 11.6); False where it is not."""
        return self._hosts.hand_on(device, tokens)

    def tell_readers(self, device: int, readers: Sequence[str]) -> None:
        """Tell a host that is registered here for whom it may leave pictures (spec 11, 11.9)."""
        self._hosts.tell_readers(device, readers)

    # messages

    def _message(self, peer: HopServer, message: HopMessage, now: float) -> None:
        """Route one hop message."""
        if isinstance(message, Attach):
            self._ask_to_attach(peer, message, now)
            return
        if isinstance(message, NatTest):
            address = peer.carrier.peer_address[0]
            if self._tests.take(source(address), now):
                self._nat_test(peer, message.token)
            else:
                self._tally.hit("NAT tests", address)
            return
        if isinstance(message, Tracks):
            if (publisher := self._hosts.of(peer)) is not None:
                publisher.fanout.publish(tracks_of(message.tracks, CloseCode.PROTOCOL_ERROR))
                publisher.tracks = message
                self._lending.published(peer, message)
            return
        if isinstance(message, HeadKnown):
            self._head_known(peer, message.size)
            return
        if isinstance(message, Logged):
            if (publisher := self._hosts.of(peer)) is not None:
                self._logged(peer, publisher.device, message)
            return
        if isinstance(message, About):
            if (publisher := self._hosts.of(peer)) is not None:
                self._about(publisher.device, message)
            return
        if isinstance(message, LastPicture):
            self._take_picture(peer, message, now)
            return
        if isinstance(message, Viewers):
            if (publisher := self._hosts.of(peer)) is not None:
                publisher.fanout.best_anywhere = float(message.rate) or (inf if message.count else 0.0)
            return
        handle = getattr(message, "handle", 0)
        session = self._sessions.get(handle)
        if session is None and self._hosts.of(peer) is not None:
            self._lending.from_host(peer, handle, message, now)
        if session is None or peer not in (session.viewer, session.host.peer):
            return  # a session that has just ended: its last messages cross
        if peer is session.host.peer:
            self._from_host(session, message, now)
        elif isinstance(message, Detach):
            self._sessions.end(session, CloseCode.ENDED, now)
        elif session.accepted and isinstance(message, Subscribe):
            session.host.fanout.subscribe(session.handle, session.viewer.carrier, message.track, message.wish != 0, now)
        elif session.admitted and isinstance(message, Recover):
            session.host.fanout.recover(session.handle, message.track, message.object, now)

    def _take_picture(self, peer: HopServer, picture: LastPicture, now: float) -> None:
        """A host leaves a picture for somebody (spec 11, 11.9). Raises RemoteProtocolError."""
        publisher = self._hosts.of(peer)
        if publisher is None:
            return
        sized = len(picture.key) == KEY_BYTES and 0 < len(picture.sealed) <= MAX_LAST_PICTURE
        if not sized or not 0 <= picture.taken < 1 << 53:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "malformed LAST_PICTURE")
        if self._pictures.take(publisher.device, now):
            self._pictured(publisher.device, picture)
        else:
            self._tally.hit("last pictures", peer.carrier.peer_address[0])

    def _from_host(self, session: Session, message: HopMessage, now: float) -> None:
        if isinstance(message, Accept):
            self._sessions.accept(session, now)
        elif isinstance(message, Reject):
            self._sessions.end(session, _known(message.code), now)
        elif isinstance(message, Admit) and session.accepted:
            self._sessions.admit(session, message, now)
        elif isinstance(message, (Evict, Detach)):
            self._sessions.end(session, _known(message.code), now)

    def _ask_to_attach(self, viewer: HopServer, message: Attach, now: float) -> None:
        if len(message.device) != NUMBER_BYTES or len(message.session) != 16:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "malformed ATTACH")
        if len(self._sessions.of(viewer)) + self._asking.waiting(viewer) >= SESSIONS_PER_PEER:
            raise self._tally.beyond("sessions of a connection", viewer.carrier.peer_address[0])
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

    # time and end

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        waiting = (self._sessions, self._asking, self._peers, self._channels.splices, self._hosts)
        times = [machine.next_timeout() for machine in waiting]
        return min((at for at in times if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """End sessions that were not admitted, and connections about which nobody answered, in time."""
        self._sessions.expire(now)
        for asked in self._asking.expired(now):
            self._forget(asked)
            self._peers.close(asked.peer, CloseCode.UNAVAILABLE, now)
        self._hosts.expire(now)
        self._channels.splices.handle_timer(now)
        self._peers.handle_timer(now)

    def _gone(self, peer: HopServer, now: float) -> None:
        """A connection is over: its sessions end, a host is offline, and nothing is asked about it any more."""
        self._channels.splices.forget(peer)
        self._lending.gone(peer, now)
        for asked in self._asking.about(peer):
            self._forget(asked)
        for session in self._sessions.of(peer):
            self._sessions.end(session, CloseCode.SESSION_LOST, now)
        if (publisher := self._hosts.of(peer)) is not None:
            self._hosts.offline(publisher, now)


def _known(code: int) -> CloseCode:
    return CloseCode(code) if code in CloseCode._value2member_map_ else CloseCode.ENDED
