"""Hosts: those that are registered at a relay, and those of its other workers that are borrowed (spec 04-session, 4.2).

One device has one row. An older connection of the same device gives way, unless the new one yields: it is the same key,
so the same host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import nlargest
from math import ceil
from operator import itemgetter

from avl_protocol.rate.limits import Allowance
from avl_protocol.session.deadlines import Deadlines
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.hop.servers import HopServers
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import Readers, Recover, Statements, Viewers
from avl_protocol.wire.registry import MAX_HOP_MESSAGE, MAX_STATEMENTS, CloseCode
from avl_relay.directory import Directory
from avl_relay.forward.caps import cap
from avl_relay.forward.fanout import Fanout
from avl_relay.forward.lending import Lending
from avl_relay.forward.limits import Buckets
from avl_relay.forward.queuedelay import QueueDelay
from avl_relay.forward.table import Publisher, Session
from avl_relay.forward.tally import Tally
from avl_relay.onlooker import Onlooker

#: Seconds that a host of another worker stays borrowed without a session: what is on its way still arrives.
LINGER = 10.0
#: Bytes of a STATEMENTS beside its tokens, at most.
_HEAD = 256


class Hosts:
    """The table of hosts. `end(session, code, now)` ends a session of one that leaves."""

    def __init__(
        self,
        *,
        peers: HopServers,
        lending: Lending,
        directory: Directory,
        onlooker: Onlooker,
        tally: Tally,
        log: Callable[[str, dict[str, object]], None],
        end: Callable[[Session, CloseCode, float], None],
    ) -> None:
        self._peers, self._lending, self._directory, self._onlooker = peers, lending, directory, onlooker
        self._tally, self._log, self._end = tally, log, end
        self._rows: dict[int, Publisher] = {}
        self._by_peer: dict[HopServer, Publisher] = {}
        self._replaced = Buckets(rate=6 / 60, burst=10)
        #: Borrowed hosts without a session, and when they are given back.
        self._idle: Deadlines[HopServer] = Deadlines()
        self._delay = QueueDelay()
        self._lean = False

    def __iter__(self) -> Iterator[Publisher]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        """Hosts that are here, borrowed ones included."""
        return len(self._rows)

    @property
    def borrowed(self) -> int:
        """Those of other workers."""
        return sum(publisher.borrowed for publisher in self)

    @property
    def peers(self) -> int:
        """Connections of hosts."""
        return len(self._by_peer)

    @property
    def timers(self) -> int:
        """Borrowed hosts that are about to be given back."""
        return len(self._idle)

    @property
    def delay(self) -> Snapshot:
        """How long pictures wait for viewers."""
        return self._delay.snapshot()

    @property
    def skipped_so_far(self) -> int:
        """Objects that viewers of those who are here did not get."""
        return sum(publisher.fanout.skipped_so_far for publisher in self)

    def get(self, device: int) -> Publisher | None:
        """A host by its device."""
        return self._rows.get(device)

    def of(self, peer: HopServer) -> Publisher | None:
        """The host at the other end of a connection."""
        return self._by_peer.get(peer)

    # coming and going

    def make_room(self, peer: HopServer, device: int, yields: bool, now: float) -> None:
        """A host registers: an older connection of it ends. Raises Refused where the new one has to give way."""
        old = self._rows.get(device)
        if yields and (old is not None or self._directory.elsewhere(device)):
            raise Refused(CloseCode.TAKEN)
        if old is not None:
            if not self._replaced.take(device, now):
                raise self._tally.beyond("registrations that replace another", peer.carrier.peer_address[0])
            self._peers.close(old.peer, CloseCode.REPLACED, now)
            self.offline(old, now)

    def register(
        self, peer: HopServer, device: int, number: int, handle: int, forwards: Allowance | None, now: float
    ) -> None:
        """A host is online; `number`: of the question whether it may; `handle`: of its media."""
        publisher = self._publish(peer, device, number, handle, forwards, now)
        self._tally.happened["hosts"] += 1
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
        """A new row."""
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
        self._rows[device] = self._by_peer[peer] = publisher
        return publisher

    def offline(self, publisher: Publisher, now: float) -> None:
        """A host is not registered any more, and its sessions end."""
        self._by_peer.pop(publisher.peer, None)
        for session in list(publisher.sessions.values()):
            self._end(session, CloseCode.SESSION_LOST, now)
        del self._rows[publisher.device]
        self._idle.drop(publisher.peer)
        self._lending.offline(publisher.peer, now)
        if not publisher.borrowed:
            self._directory.left(publisher.device, now)
            self._onlooker.host_left(publisher.device, now)
            self._log("host offline", {"device": publisher.device})
        self._tally.happened["skipped objects"] += publisher.fanout.skipped_so_far

    def _ours(self, device: int) -> Publisher | None:
        """A host that is registered here, and not borrowed."""
        publisher = self._rows.get(device)
        return None if publisher is None or publisher.borrowed else publisher

    def send_away(self, device: int, code: CloseCode, now: float) -> bool:
        """A host of ours may not be registered here any more: it and its sessions end; whether it was here."""
        publisher = self._ours(device)
        if publisher is not None:
            self._peers.close(publisher.peer, code, now)
            self.offline(publisher, now)
        return publisher is not None

    def hand_on(self, device: int, tokens: Sequence[str]) -> bool:
        """Hand statements on to a host that is registered here (spec 11, 11.6); False where it is not."""
        publisher = self._ours(device)
        if publisher is None:
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

    def tell_readers(self, device: int, readers: Sequence[str]) -> None:
        """Tell a host that is registered here for whom it may leave pictures (spec 11, 11.9)."""
        publisher = self._ours(device)
        if publisher is not None:
            publisher.peer.send(Readers(tuple(readers)))

    # other workers

    def lend(self, peer: HopServer, device: int) -> Publisher | None:
        """Another worker's hop (`peer`, which borrows) is for a host of ours: its row, None where we have no such
        host."""
        publisher = self._ours(device)
        if publisher is not None:
            self._lending.lend(peer, publisher)
        return publisher

    def borrow(
        self, peer: HopServer, device: int, number: int, handle: int, forwards: Allowance | None, now: float
    ) -> None:
        """A host that is registered at another worker is here too from now on, behind `peer`; one that has come here by
        itself stays."""
        if device in self._rows:
            self._peers.close(peer, CloseCode.REPLACED, now)
            return
        publisher = self._publish(peer, device, number, handle, forwards, now)
        publisher.borrowed = True
        self._idle.set(peer, now + LINGER)
        peer.send(Viewers(0))

    def used(self, publisher: Publisher) -> None:
        """A session begins: it is kept, if it is borrowed."""
        self._idle.drop(publisher.peer)

    def left(self, publisher: Publisher, now: float) -> None:
        """A session has ended: without another it is given back after a while, if it is borrowed."""
        if publisher.borrowed and not publisher.sessions:
            self._idle.set(publisher.peer, now + LINGER)

    def next_timeout(self) -> float | None:
        """When `expire` wants to be called."""
        return self._idle.next_timeout()

    def expire(self, now: float) -> None:
        """Give back those that nobody needs any more."""
        for peer, _ in self._idle.expired(now):
            self._peers.close(peer, CloseCode.NO_ERROR, now)

    # memory

    @property
    def waiting(self) -> int:
        """Bytes of media that wait: for viewers, and for who comes late."""
        return sum(one.fanout.held + sum(size for size, _ in one.fanout.backlogs()) for one in self)

    def be_lean(self, lean: bool) -> None:
        """Memory is (not) short: caches are small and no parity is made."""
        self._lean = lean
        for publisher in self:
            publisher.fanout.be_lean(lean)

    def drop_slowest(self, share: float) -> int:
        """Forget what waits for the viewers for whom most waits, this share of those for whom anything does; how many
        there were."""
        waiting = [
            (size, handle, publisher.fanout)
            for publisher in self
            for size, handle in publisher.fanout.backlogs()
            if size
        ]
        slowest = nlargest(ceil(share * len(waiting)), waiting, key=itemgetter(0))
        for _, handle, fanout in slowest:
            fanout.drop_waiting(handle)
        return len(slowest)
