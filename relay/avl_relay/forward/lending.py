"""Lending: hosts that are registered here and have viewers at other workers of this relay.

To a viewer's worker the host looks as if it were registered there: it has a hop (`HopServer.lent`) on which everything
is said as a host says it. Here is the other end of that hop (`HopServer.borrows`). Sessions are the other worker's; it
numbers them, and no two workers use the same numbers, so that what it and the host say to each other passes unchanged.
What has to be counted for a host as a whole is counted here: handshakes, and its audience.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from avl_protocol.session.handshakelimits import HandshakeLimits
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.hop.stream import StreamHeader, channel_header
from avl_protocol.wire.channels import is_bulk
from avl_protocol.wire.messages import (
    Accept,
    Admit,
    Detach,
    Evict,
    HopMessage,
    Incoming,
    Recover,
    Reject,
    Tracks,
    Viewers,
)
from avl_protocol.wire.registry import CloseCode
from avl_relay.forward.branch import Branch
from avl_relay.forward.splice import Splices
from avl_relay.forward.table import Publisher


@dataclass(slots=True, kw_only=True)
class _Elsewhere:
    """One session of a viewer at another worker."""

    session: bytes
    source: bytes
    moves: bool
    admitted: bool = False


@dataclass(slots=True, kw_only=True)
class _Loan:
    """A host, the worker that it is lent to, and the sessions there by handle."""

    publisher: Publisher
    branch: Branch
    knows_tracks: bool = False
    sessions: dict[int, _Elsewhere] = field(default_factory=dict)


class Lending:
    """All loans of a router. `allowed(device, incoming, now)` judges one more session of a host; `admitted(device,
    session, source, now)` is told when the host has let it in; `close(peer, code, now)` ends a hop."""

    def __init__(
        self,
        *,
        splices: Splices,
        limits: HandshakeLimits,
        allowed: Callable[[int, Incoming, float], bool],
        admitted: Callable[[int, bytes, bytes, float], None],
        close: Callable[[HopServer, CloseCode, float], None],
    ) -> None:
        self._splices, self._limits = splices, limits
        self._allowed, self._admitted, self._close = allowed, admitted, close
        self._loans: dict[HopServer, _Loan] = {}
        #: By host, its loans; by handle of a session, the worker that it is at.
        self._of_host: dict[HopServer, dict[HopServer, _Loan]] = {}
        self._sessions: dict[int, HopServer] = {}

    def __contains__(self, peer: HopServer) -> bool:
        """Whether a neighbour is another worker that has a host of ours on loan."""
        return peer in self._loans

    def __len__(self) -> int:
        """Loans there are."""
        return len(self._loans)

    @property
    def sessions(self) -> int:
        """Sessions of viewers elsewhere at hosts here."""
        return len(self._sessions)

    def lend(self, peer: HopServer, publisher: Publisher) -> None:
        """Let another worker have a host. It begins by saying what its viewers take: nothing."""
        loan = _Loan(publisher=publisher, branch=Branch(peer))
        self._loans[peer] = loan
        self._of_host.setdefault(publisher.peer, {})[peer] = loan

    def said(self, peer: HopServer, message: HopMessage, now: float) -> None:
        """What another worker says to a host of ours."""
        loan = self._loans[peer]
        host, fanout = loan.publisher.peer, loan.publisher.fanout
        if isinstance(message, Viewers):
            if not loan.knows_tracks:
                loan.knows_tracks = True
                if loan.publisher.tracks is not None:
                    peer.send(loan.publisher.tracks)
            fanout.branch(loan.branch, message, now)
        elif isinstance(message, Recover):
            fanout.branch_recover(message.track, message.object, now)
        elif isinstance(message, Incoming):
            if not self._allowed(loan.publisher.device, message, now):
                peer.send(Reject(message.handle, CloseCode.LIMIT))
                return
            self._sessions[message.handle] = peer
            loan.sessions[message.handle] = _Elsewhere(
                session=message.session, source=message.source, moves=bool(message.moves)
            )
            host.send(message)
        elif isinstance(message, Detach) and loan.sessions.pop(message.handle, None) is not None:
            del self._sessions[message.handle]
            host.send(message)

    def from_host(self, host: HopServer, handle: int, message: HopMessage, now: float) -> None:
        """What a host says of a session that is not ours: it is another worker's, or has just ended."""
        peer = self._sessions.get(handle)
        loan = None if peer is None else self._loans[peer]
        if peer is None or loan is None or loan.publisher.peer is not host:
            return
        session = loan.sessions[handle]
        if isinstance(message, Accept) and session.moves:
            self._limits.admitted(loan.publisher.device, session.source, now)
        if isinstance(message, Admit) and not session.admitted:
            session.admitted = True
            self._admitted(loan.publisher.device, session.session, session.source, now)
        if isinstance(message, Admit):
            loan.publisher.fanout.admitted_elsewhere()
        elif isinstance(message, (Reject, Evict, Detach)):
            del self._sessions[handle], loan.sessions[handle]
        peer.send(message)

    def published(self, host: HopServer, tracks: Tracks) -> None:
        """A host describes its tracks anew."""
        for peer, loan in self._of_host.get(host, {}).items():
            if loan.knows_tracks:
                peer.send(tracks)

    def opened(self, peer: HopServer, stream: int, header: StreamHeader) -> None:
        """Another worker opened a channel of a session of its: it has decided that it may; carry it to the host."""
        loan = self._loans[peer]
        if header.handle not in loan.sessions:
            peer.abandon(stream, CloseCode.FORBIDDEN)
            return
        host = loan.publisher.peer
        twin = host.carrier.open_stream()
        host.adopt(twin)
        host.carrier.send_stream(twin, channel_header(header.handle, header.channel))
        bulk = is_bulk(header.channel)
        if bulk:
            host.carrier.set_stream_bulk(twin)
            peer.carrier.set_stream_bulk(stream)
        self._splices.join(peer, stream, host, twin, bulk=bulk)

    def gone(self, peer: HopServer, now: float) -> None:
        """A worker's hop is over, and with it all sessions there: the host is told, if it is still there."""
        loan = self._loans.pop(peer, None)
        if loan is None:
            return
        host = loan.publisher.peer
        for handle in loan.sessions:
            del self._sessions[handle]
            host.send(Detach(handle, CloseCode.SESSION_LOST))
        loans = self._of_host.get(host, {})
        loans.pop(peer, None)
        if not loans:
            self._of_host.pop(host, None)
        loan.publisher.fanout.cut(loan.branch, now)

    def offline(self, host: HopServer, now: float) -> None:
        """A host is not registered here any more: nobody has it on loan."""
        for peer in list(self._of_host.get(host, {})):
            self._close(peer, CloseCode.SESSION_LOST, now)
