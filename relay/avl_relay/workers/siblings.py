"""Siblings: the other workers of a relay, which of them has which host, and how a host is borrowed from there.

Each worker tells every other what registers at it, on a link of its own (a feed), and takes what they hand over of its
datagrams. A host that is asked for and is elsewhere is borrowed: a second kind of link, one for each host, is a hop
like that of a host (forward/lending.py). So `Siblings` is a directory of the whole relay, for one of its workers.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol

from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.rate.limits import DEFAULT, Allowance
from avl_protocol.session.hop.server import HopServer, RelayIdentity
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.websocket.carrier import WebSocketCarrier
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.onethread import guard
from avl_relay.directory import Place, WhereIs
from avl_relay.forward.table import Publisher
from avl_relay.workers.link import Link
from avl_relay.workers.worker import Worker

#: What a message on a link is, by its first byte.
FEED, ARRIVED, LEFT, PACKET, BORROW, LENT, NEWS, COMPLETE = range(8)
_ARRIVED, _PACKET, _LENT = struct.Struct(f"!{NUMBER_BYTES}sd"), struct.Struct("!HB"), struct.Struct("!QH")
#: Between workers nobody is a stranger, and one hop carries what hundreds of viewers say.
_ENOUGH = Allowance(1e9, 1e9)
BETWEEN = replace(DEFAULT, stranger_messages=_ENOUGH, friend_messages=_ENOUGH, hop_unread=16 << 20)
STREAMS = 1 << 16
#: Bytes of datagrams that may wait for another worker: more are lost, as on any full link.
MOST_WAITING = 1 << 20
#: Nothing is proved on a hop between workers.
_NOBODY = RelayIdentity(public=b"", certificate=b"", endorsement=b"", name="", page="")


class Lends(Protocol):
    """What is asked of the router (forward/router.py)."""

    def lend(self, peer: HopServer, device: int, now: float) -> Publisher | None:
        """Let another worker have a host."""

    def borrow(self, peer: HopServer, device: int, media_handle: int, now: float) -> None:
        """Have a host of another worker."""

    def has(self, device: int) -> bool:
        """Whether a host is here, or borrowed."""

    def give_up(self, device: int, now: float) -> None:
        """A host has registered at another worker since."""

    def located(self, question: WhereIs, place: Place, now: float) -> None:
        """A late answer."""

    def take(self, peer: HopServer, now: float) -> None:
        """Something has happened on a hop."""


class Readers(Protocol):
    """Who reads what workers tell each other beside where hosts are (live.py)."""

    def told(self, worker: int, news: bytes) -> None:
        """What another worker says."""

    def all_news(self) -> list[bytes]:
        """What a worker that has just begun has to be told."""

    def lost(self, worker: int) -> None:
        """A worker is gone: what it said holds no more."""


class Siblings:
    """A Directory (directory.py). `packet(data, source)` takes a datagram of ours that another worker has received;
    `settled()` is called after anything that may have changed the router's timers. `readers` read the news of other
    workers (`tell_all`)."""

    def __init__(
        self,
        worker: Worker,
        *,
        clock: Clock,
        faults: Faults,
        packet: Callable[[bytes, Address], None],
        settled: Callable[[], None],
        readers: Readers | None = None,
    ) -> None:
        self._readers = readers
        self._worker, self._clock, self._faults = worker, clock, faults
        self._packet, self._settled = packet, settled
        self._router: Lends
        self._server: asyncio.Server | None = None
        self._links: dict[Link, None] = {}
        #: Our feeds, and those that we hear, by worker.
        self._feeds: dict[int, Link] = {}
        self._heard: dict[int, Link] = {}
        #: Devices that are here and since when; devices elsewhere and at which worker.
        self._own: dict[int, float] = {}
        self._elsewhere: dict[int, int] = {}
        #: Workers that ran when this one began and have not told yet all that is there, and who asks meanwhile for a
        #: device of which nothing is known: it may be at one of them.
        self._untold: set[int] = set()
        self._early: dict[int, WhereIs] = {}
        #: Who waits for a device that is being borrowed.
        self._waiting: dict[int, dict[int, WhereIs]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- Directory

    def find(self, question: WhereIs, now: float) -> Place | None:
        """See Directory."""
        device = question.device
        if self._router.has(device):
            return Place.HERE
        worker = self._elsewhere.get(device)
        if worker is None and self._untold:
            self._early[question.id] = question
            return None
        if worker is None:
            return Place.NOWHERE
        waiting = self._waiting.setdefault(device, {})
        waiting[question.id] = question
        if len(waiting) == 1:
            self._start(self._borrow(worker, device))
        return None

    def forget(self, question: WhereIs) -> None:
        """See Directory."""
        self._early.pop(question.id, None)
        self._waiting.get(question.device, {}).pop(question.id, None)

    def elsewhere(self, device: int) -> bool:
        """See Directory."""
        return device in self._elsewhere

    def arrived(self, device: int, now: float) -> None:
        """See Directory."""
        self._own[device] = now
        self._tell(_arrived(device, now))

    def left(self, device: int, now: float) -> None:
        """See Directory."""
        if self._own.pop(device, None) is not None:
            self._tell(bytes((LEFT,)) + device.to_bytes(NUMBER_BYTES, "big"))

    # ---- what the worker calls

    async def start(self, router: Lends) -> None:
        """Be found by the others, and find them. Raises OSError."""
        self._router = router
        path = self._path(self._worker.number)
        with contextlib.suppress(FileNotFoundError):  # of one that has crashed
            (self._worker.folder / str(self._worker.number)).unlink()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: self._link(self._accepted), path)
        for other in range(self._worker.of):
            if other != self._worker.number:
                await self._feed(other)
                if other in self._feeds:
                    self._untold.add(other)

    def hand_over(self, worker: int, data: bytes, source: Address) -> None:
        """A datagram that has come here is for another worker."""
        feed = self._feeds.get(worker)
        if feed is not None and feed.waiting < MOST_WAITING:
            host = source[0].encode()
            feed.send(bytes((PACKET,)) + _PACKET.pack(source[1], len(host)) + host + data)

    def tell_all(self, news: bytes) -> None:
        """Have the readers of all other workers told."""
        self._tell(bytes((NEWS,)) + news)

    def snapshot(self) -> Snapshot:
        """What is known of the others, by number."""
        counts = {
            "feeds": len(self._feeds),
            "heard": len(self._heard),
            "links": len(self._links),
            "hosts here": len(self._own),
            "hosts elsewhere": len(self._elsewhere),
            "hosts waited for": len(self._waiting),
            "asked early": len(self._early),
        }
        return Snapshot("siblings", counts)

    async def close(self) -> None:
        """Leave."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        for link in list(self._links):
            link.close()

    # ---- links

    def _path(self, worker: int) -> str:
        return str(self._worker.folder / str(worker))

    def _link(self, on_message: Callable[[Link, bytes], None], on_gone: Callable[[Link], None] | None = None) -> Link:
        def gone(link: Link) -> None:
            self._links.pop(link, None)
            if on_gone is not None:
                on_gone(link)

        link = Link(loop=asyncio.get_running_loop(), clock=self._clock, on_message=on_message, on_gone=gone)
        self._links[link] = None
        return link

    async def _dial(
        self, worker: int, on_message: Callable[[Link, bytes], None], on_gone: Callable[[Link], None]
    ) -> Link | None:
        """A link to another worker; None where it is not running."""
        link = self._link(on_message, on_gone)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: link, self._path(worker))
        except OSError:
            self._links.pop(link, None)
            return None
        return link

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._faults.task_done)

    def _accepted(self, link: Link, message: bytes) -> None:
        """What another worker's link says first, and all that comes on its feed."""
        kind, body, now = message[0], message[1:], self._clock.monotonic()
        if kind == FEED:
            self._hear(link, body[0])
        elif kind == BORROW:
            self._lend(link, int.from_bytes(body, "big"), now)

    # ---- feeds

    async def _feed(self, worker: int) -> None:
        """Tell another worker what is here; one that is not running yet comes by itself."""

        def gone(link: Link) -> None:
            if self._feeds.get(worker) is link:
                del self._feeds[worker]
                self._told(worker)

        link = await self._dial(worker, _deaf, gone)
        if link is not None:
            self._feeds[worker] = link
            link.send(bytes((FEED, self._worker.number)))
            for device, since in self._own.items():
                link.send(_arrived(device, since))
            link.send(bytes((COMPLETE,)))
            for news in () if self._readers is None else self._readers.all_news():
                link.send(bytes((NEWS,)) + news)

    def _told(self, worker: int) -> None:
        """A worker has told all that is there, or is gone: what waited for the last such one is looked for again."""
        self._untold.discard(worker)
        if self._untold or not self._early:
            return
        now, early, self._early = self._clock.monotonic(), self._early, {}
        for question in early.values():
            place = self.find(question, now)
            if place is not None:
                self._router.located(question, place, now)
        self._settled()

    def _tell(self, message: bytes) -> None:
        for feed in self._feeds.values():
            feed.send(message)

    def _hear(self, link: Link, worker: int) -> None:
        """Another worker has begun: what it said before it crashed counts no more, and it is told what is here."""

        def heard(link: Link, message: bytes) -> None:
            if self._heard.get(worker) is link:
                self._message(worker, message)

        def gone(link: Link) -> None:
            if self._heard.get(worker) is link:
                del self._heard[worker]
                self._forget_all(worker)

        self._forget_all(worker)
        self._heard[worker] = link
        link.turn_to(heard, gone)
        if worker not in self._feeds:
            self._start(self._feed(worker))

    def _forget_all(self, worker: int) -> None:
        self._elsewhere = {device: at for device, at in self._elsewhere.items() if at != worker}
        if self._readers is not None:
            self._readers.lost(worker)

    def _message(self, worker: int, message: bytes) -> None:
        kind = message[0]
        if kind == PACKET:
            port, size = _PACKET.unpack_from(message, 1)
            start = 1 + _PACKET.size
            self._packet(message[start + size :], (message[start : start + size].decode(), port))
        elif kind == ARRIVED:
            number, since = _ARRIVED.unpack_from(message, 1)
            device = int.from_bytes(number, "big")
            self._elsewhere[device] = worker
            here = self._own.get(device)
            if here is not None and (here, self._worker.number) < (since, worker):
                self._router.give_up(device, self._clock.monotonic())
                self._settled()
        elif kind == LEFT:
            device = int.from_bytes(message[1:], "big")
            if self._elsewhere.get(device) == worker:
                del self._elsewhere[device]
        elif kind == COMPLETE:
            self._told(worker)
        elif kind == NEWS and self._readers is not None:
            self._readers.told(worker, message[1:])

    # ---- hosts on loan

    def _hop(self, link: Link, carrier: WebSocketCarrier) -> HopServer:
        """The hop on a link, driven like any other."""
        now = self._clock.monotonic()
        peer = HopServer(_NOBODY, nonce=b"", wall_ms=0, now=now, limits=BETWEEN)
        guard(peer).attach_carrier(carrier)

        def after() -> None:
            self._router.take(peer, self._clock.monotonic())
            self._settled()

        carrier.receiver = Driven(peer, after, self._faults, carrier.close)
        return peer

    def _lend(self, link: Link, device: int, now: float) -> None:
        carrier = WebSocketCarrier(is_client=False, now=now, peer_address=("", 0), streams=STREAMS)
        peer = self._hop(link, carrier)
        peer.borrows()
        publisher = self._router.lend(peer, device, now)
        if publisher is None:
            link.close()
            return
        host, port = publisher.peer.carrier.peer_address
        link.send(bytes((LENT,)) + _LENT.pack(publisher.media_handle, port) + host.encode())
        link.become(carrier)

    async def _borrow(self, worker: int, device: int) -> None:
        """Ask another worker for a host."""

        def lent(link: Link, message: bytes) -> None:
            media_handle, port = _LENT.unpack_from(message, 1)
            address = (message[1 + _LENT.size :].decode(), port)
            now = self._clock.monotonic()
            carrier = WebSocketCarrier(is_client=True, now=now, peer_address=address, streams=STREAMS)
            peer = self._hop(link, carrier)
            peer.lent(device)
            link.become(carrier)
            self._router.borrow(peer, device, media_handle, now)
            self._answer(device, Place.HERE)

        def gone(link: Link) -> None:
            self._answer(device, Place.NOWHERE)

        link = await self._dial(worker, lent, gone)
        if link is None:
            self._answer(device, Place.NOWHERE)
        else:
            link.send(bytes((BORROW,)) + device.to_bytes(NUMBER_BYTES, "big"))

    def _answer(self, device: int, place: Place) -> None:
        """Tell all that wait for a device."""
        for question in self._waiting.pop(device, {}).values():
            self._router.located(question, place, self._clock.monotonic())
        self._settled()


def _arrived(device: int, since: float) -> bytes:
    return bytes((ARRIVED,)) + _ARRIVED.pack(device.to_bytes(NUMBER_BYTES, "big"), since)


def _deaf(link: Link, message: bytes) -> None:
    """On our own feed nothing is said to us."""
