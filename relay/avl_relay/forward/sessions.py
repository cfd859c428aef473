"""Sessions: the viewers that are at hosts, from ATTACH to DETACH (spec 04-session, 4.3).

Which of them may be asked for is limited by source (06-security, 6.6); whether one is let in is its host's word.
"""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.endpoint.accept.sources import source_tag
from avl_protocol.rate.limits import Allowance
from avl_protocol.session.deadlines import Deadlines
from avl_protocol.session.handshakelimits import HandshakeLimits
from avl_protocol.session.hop.mediaevents import MediaFates
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.media.sender import repair
from avl_protocol.wire.messages import Admit, Attach, Attached, Close, Detach, HopRate, Incoming
from avl_protocol.wire.registry import T_CONSENT, T_UNADMITTED, CloseCode
from avl_relay.forward.caps import Cap, Caps, cap
from avl_relay.forward.channels import Channels
from avl_relay.forward.hosts import Hosts
from avl_relay.forward.table import Publisher, Session
from avl_relay.forward.tally import Tally
from avl_relay.forward.viewertime import ViewerTime
from avl_relay.onlooker import Begun, Onlooker

#: Sessions of one host that it has not admitted: more than a host keeps, so that the host says who makes room.
UNADMITTED = 512
#: Sessions that were admitted and are known again when they come back.
CARRIED = 16_384
#: Seconds that a session may stay unadmitted, a person's thinking included.
LIFE = T_UNADMITTED + T_CONSENT
#: Seconds between two words to a viewer about its hop's rate, while pictures change.
RATE_INTERVAL = 1.0


class Sessions:
    """The table of sessions. `secret` hides source addresses from hosts; `total` bounds what all together may take."""

    def __init__(
        self,
        *,
        hosts: Hosts,
        channels: Channels,
        limits: HandshakeLimits,
        total: Cap | None,
        secret: bytes,
        onlooker: Onlooker,
        tally: Tally,
        log: Callable[[str, dict[str, object]], None],
    ) -> None:
        self._hosts, self._channels, self._limits, self._total = hosts, channels, limits, total
        self._secret, self._onlooker, self._tally, self._log = secret, onlooker, tally, log
        self._rows: dict[int, Session] = {}
        #: The sessions of each viewer's connection, and those of them that were admitted.
        self._attached: dict[HopServer, dict[int, Session]] = {}
        self._watched: dict[HopServer, list[Session]] = {}
        #: Ids of sessions that were admitted, and the device of each.
        self._carried: dict[bytes, int] = {}
        #: When sessions that nobody knows end.
        self._unadmitted: Deadlines[int] = Deadlines()
        self._watching = ViewerTime()
        #: Whether none may be asked for that this relay does not carry already.
        self.full = False

    def __len__(self) -> int:
        """Sessions known, admitted or not."""
        return len(self._rows)

    @property
    def admitted(self) -> int:
        """Those that their hosts have let in."""
        return sum(len(watched) for watched in self._watched.values())

    @property
    def viewers(self) -> int:
        """Connections of viewers that have one."""
        return len(self._attached)

    @property
    def remembered(self) -> int:
        """Those that are known again when they come back."""
        return len(self._carried)

    @property
    def timers(self) -> int:
        """Those that end unless they are admitted."""
        return len(self._unadmitted)

    def viewer_seconds(self, now: float) -> float:
        """For how many seconds admitted sessions have been served, all together."""
        return self._watching.seconds(now)

    def get(self, handle: int) -> Session | None:
        """A session by its handle."""
        return self._rows.get(handle)

    def carried(self) -> list[Session]:
        """Those that their hosts have let in."""
        return [session for watched in self._watched.values() for session in watched]

    def of(self, viewer: HopServer) -> list[Session]:
        """Those of a viewer's connection."""
        return list(self._attached.get(viewer, {}).values())

    # who may ask

    def _comes_back(self, device: int, session: bytes, moves: int) -> bool:
        """Whether a session was admitted before."""
        return bool(moves) and self._carried.get(session) == device

    def allowed(self, device: int, incoming: Incoming, now: float) -> bool:
        """Whether one more session may ask for a host: one that comes back, or that has handshakes left."""
        known = self._comes_back(device, incoming.session, incoming.moves)
        return known or self._limits.take(device, incoming.source, now)

    def let_in(self, device: int, session: bytes, source: bytes, now: float) -> None:
        """A host has admitted a session: it is known again when it comes back."""
        self._limits.admitted(device, source, now)
        self._carried.pop(session, None)
        self._carried[session] = device
        while len(self._carried) > CARRIED:
            del self._carried[next(iter(self._carried))]

    def _make_room(self, publisher: Publisher, now: float) -> bool:
        """Whether there is room for one more session that is not admitted, at the expense of another if need be."""
        waiting = [(session.source, session) for session in publisher.sessions.values() if not session.known]
        if len(waiting) < UNADMITTED:
            return True
        crowded_out = self._limits.crowded_out(publisher.device, waiting)
        if crowded_out is not None:
            self._tally.hit("sessions that are not admitted", crowded_out.viewer.carrier.peer_address[0])
            self.end(crowded_out, CloseCode.LIMIT, now)
        return crowded_out is not None

    # from attach to end

    def attach(
        self,
        viewer: HopServer,
        publisher: Publisher,
        message: Attach,
        handle: int,
        forwards: Allowance | None,
        now: float,
    ) -> None:
        """A viewer asks for a host: pass it on. Raises Refused beyond a limit."""
        address = viewer.carrier.peer_address[0]
        if self.full and not self._comes_back(publisher.device, message.session, message.moves):
            raise self._tally.beyond("sessions while memory is short", address)
        session = Session(
            handle=handle,
            session_id=message.session,
            viewer=viewer,
            host=publisher,
            source=source_tag(self._secret, address),
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
        allowed = publisher.borrowed or self.allowed(publisher.device, incoming, now)
        if not allowed:
            raise self._tally.beyond("sessions that a source asks for", address)
        if not self._make_room(publisher, now):
            raise self._tally.beyond("sessions that are not admitted", address)
        self._hosts.used(publisher)
        self._rows[session.handle] = publisher.sessions[session.handle] = session
        self._attached.setdefault(viewer, {})[session.handle] = session
        self._unadmitted.set(session.handle, now + LIFE)
        publisher.peer.send(incoming)

    def accept(self, session: Session, now: float) -> None:
        """The host takes a session, once: its viewer may begin."""
        if session.accepted:
            return
        session.accepted = True
        if session.moves:  # the host knows it from elsewhere
            self._unadmitted.drop(session.handle)
            self._limits.admitted(session.host.device, session.source, now)
        session.viewer.send(Attached(session.session_id, session.handle, session.host.media_handle, int(session.near)))

    def admit(self, session: Session, message: Admit, now: float) -> None:
        """The host says what a session may have from now on."""
        if not session.admitted:
            self.let_in(session.host.device, session.session_id, session.source, now)
            self._tally.happened["sessions"] += 1
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
        self._channels.admit(session, message.channels, now)
        watched = self._watched.setdefault(session.viewer, [])
        if session not in watched:
            watched.append(session)
        fanout = session.host.fanout
        fanout.cap(session.handle, session.viewer.carrier, session.caps, self._left_out)
        self._share(session.host)
        fanout.admit(session.handle, session.viewer.carrier, message.tracks, message.since, now)

    def _left_out(self) -> None:
        self._tally.hit("bandwidth caps")

    def _share(self, publisher: Publisher) -> None:
        """So many watch this host now, and so many in all: each is told of its part of what they share."""
        if publisher.cap is not None:
            publisher.cap.shared = sum(session.admitted for session in publisher.sessions.values())
        if self._total is not None:
            self._total.shared = self.admitted

    def end(self, session: Session, code: CloseCode, now: float) -> None:
        """A session is over, for whichever reason; both ends are told."""
        if self._rows.pop(session.handle, None) is None:
            return
        self._unadmitted.drop(session.handle)
        session.host.sessions.pop(session.handle, None)
        skipped = session.host.fanout.skipped(session.handle)
        session.host.fanout.remove(session.handle, now)
        self._hosts.left(session.host, now)
        if session.admitted:
            self._watching.left(now)
            self._onlooker.session_ended(session.handle, code, now)
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
        self._channels.end(session, code)
        if not session.accepted:
            session.viewer.send(Close(code))
        session.viewer.send(Detach(session.handle, code))
        session.host.peer.send(Detach(session.handle, code))

    # media

    def settled(self, peer: HopServer, event: MediaFates, now: float) -> None:
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

    # time

    def next_timeout(self) -> float | None:
        """When `expire` wants to be called."""
        return self._unadmitted.next_timeout()

    def expire(self, now: float) -> None:
        """End those that were not admitted in time."""
        for handle, _ in self._unadmitted.expired(now):
            self.end(self._rows[handle], CloseCode.TIMEOUT, now)
