"""Several workers behind one address, as real processes on loopback: hosts and viewers at the same and at different
ones, and what happens when one of them is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.udp import steering
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.track import video
from avl_protocol.session.hop.stream import channel_header
from avl_protocol.wire import datagram
from avl_protocol.wire.messages import (
    Accept,
    Admit,
    Attach,
    Attached,
    Close,
    Detach,
    Goaway,
    HopMessage,
    Incoming,
    Observed,
    Tracks,
    Viewers,
)
from avl_protocol.wire.registry import Channel, CloseCode, DatagramType, ObjectFlag, RawType
from avl_protocol.wire.target import parse_address, parse_pin, show_pin
from interop.bench.attack.hops import CLOCK, Hop, endpoint_at, host, viewer
from interop.programs import Programs
from interop.stage import BIN, READY, kept
from tests.tools import without

HERE = "127.0.0.1"
CARD = video(1)
WORKERS = 2


async def until(what: str, true: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait for something that other processes do."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


class Client:
    """One hop of a socket of its own, at the worker that it chose, and what it was told."""

    def __init__(self, relay: Relay, hop: Hop) -> None:
        self.relay, self.hop = relay, hop
        self.heard: list[HopMessage] = []
        self.channels: dict[tuple[int, int], bytes] = {}
        self.pictures: list[bytes] = []
        self.endpoint: Endpoint
        hop.on_message = self.heard.append
        hop.on_channel = self._channel
        hop.on_media = self.pictures.append

    def _channel(self, handle: int, channel: int, stream: int, data: bytes) -> None:
        self.channels[handle, channel] = self.channels.get((handle, channel), b"") + data

    async def dial(self, worker: int, at: tuple[str, int] | None = None) -> Client:
        self.endpoint = await endpoint_at(HERE)
        self.relay.sockets.append(self.endpoint)
        name = bytes((worker,)) + entropy(7)
        await self.hop.dial(at or self.relay.address, self.endpoint, READY, destination=name)
        return self

    def is_seen_at(self, place: tuple[str, int]) -> bool:
        """Whether the relay has said that it is seen there."""
        return any(told.address == f"{place[0]} {place[1]}" for told in self.of(Observed))

    def of(self, kind: type[HopMessage]) -> list[Any]:
        return [message for message in self.heard if isinstance(message, kind)]


class Desk(Client):
    """A synthetic host that lets everybody in."""

    def __init__(self, relay: Relay, identity: Identity) -> None:
        super().__init__(relay, host(relay.pin, identity))
        self.identity = identity
        self.hop.on_message = self._message
        self.sent = 0

    def _message(self, message: HopMessage) -> None:
        self.heard.append(message)
        if isinstance(message, Incoming):
            self.hop.hop.send(Accept(message.handle))
            self.hop.hop.send(Admit(message.handle, (CARD.id,), (int(Channel.CONTROL),)))

    async def dial(self, worker: int, at: tuple[str, int] | None = None) -> Desk:
        await super().dial(worker, at)
        self.hop.hop.send(Tracks((CARD.row,)))
        return self

    def has_read(self, handle: int, text: bytes) -> bool:
        """Whether this is what came on a session's control channel."""
        return self.channels.get((handle, Channel.CONTROL)) == text

    def picture(self, number: int) -> list[bytes]:
        """A key picture, in several datagrams."""
        return packetize(bytes(3000), self.hop.hop.media_handle, CARD.id, number, int(ObjectFlag.KEY))

    def show(self) -> None:
        """The next picture."""
        self.hop.hop.carrier.send_datagrams(self.picture(self.sent), CARD.priority, CLOCK.monotonic() + CARD.lifetime)
        self.sent += 1

    async def lets_in(self, guest: Client) -> bool:
        """Whether a viewer that asks for this host is let in; else its connection ends."""
        before = len(guest.of(Attached))
        guest.hop.hop.send(Attach(self.identity.number.to_bytes(17, "big"), entropy(16)))
        await until("an answer", lambda: len(guest.of(Attached)) > before or guest.of(Close) or guest.hop.lost.done())
        return len(guest.of(Attached)) > before

    async def attach(self, guest: Client) -> int:
        """Let a viewer ask for this host, until it is in; its handle."""
        assert await self.lets_in(guest), (guest.heard, guest.hop.lost)
        return int(guest.of(Attached)[-1].handle)

    async def known_at(self, worker: int) -> None:
        """Wait until viewers at a worker are let in: of a host at one that has just started it hears a moment later."""
        while not await self.lets_in(await self.relay.guest(worker)):
            await asyncio.sleep(0.05)

    async def seen_by(self, *guests: Client) -> None:
        """Show pictures until each of these has got another one."""
        before = [len(guest.pictures) for guest in guests]
        async with asyncio.timeout(15):
            while any(len(guest.pictures) <= had for guest, had in zip(guests, before, strict=True)):
                self.show()
                await asyncio.sleep(0.03)


class Relay:
    """A relay of two workers, and what this test has opened at it."""

    def __init__(self, ready: dict[str, Any], supervisor: int) -> None:
        self.address, self.pin = parse_address(ready["quic"]), parse_pin(ready["pin"])
        self.page = parse_address(ready["http"])[1]
        self.supervisor = supervisor
        self.sockets: list[Endpoint] = []

    async def desk(self, worker: int, identity: Identity | None = None) -> Desk:
        return await Desk(self, identity or Identity(entropy(32))).dial(worker)

    async def guest(self, worker: int) -> Client:
        return await Client(self, viewer(self.pin)).dial(worker)

    def workers(self) -> list[int]:
        """Process ids of the workers, in no order."""
        children = Path(f"/proc/{self.supervisor}/task/{self.supervisor}/children").read_text().split()
        return [int(pid) for pid in children]

    def worker_of(self, number: int) -> int:
        """The process of a worker: they were started in order."""
        return sorted(self.workers())[number]


@asynccontextmanager
async def relay(folder: Path, *more: str, ends: bool = False) -> AsyncIterator[Relay]:
    """With options; `ends`: the test ends it itself."""
    if (why := steering.unable()) is not None:
        without(why)
    programs = Programs(folder)
    made = None
    try:
        ports = ["--listen", f"{HERE}:0", "--http", f"{HERE}:0", "--public", HERE, "--workers", str(WORKERS)]
        started = programs.start("relay", [BIN / "avl-relay", "serve", *ports, *kept(folder, "relay"), *more])
        ready = await programs.ready_file(folder / "relay.json", READY)
        made = Relay(ready, started.process.pid)
        yield made
        if not ends:
            programs.check()
    finally:
        for endpoint in made.sockets if made is not None else ():
            await endpoint.close()
        programs.end()


async def test_a_host_is_seen_from_every_worker(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        desk = await running.desk(0)
        guests = [await running.guest(worker) for worker in (0, 1, 1, 0, 1)]
        handles = [await desk.attach(guest) for guest in guests]
        assert len(set(handles)) == len(guests)
        assert {handle % WORKERS for handle in handles} == {0, 1}
        await desk.seen_by(*guests)
        for guest in guests:
            pictures = {data for data in guest.pictures if datagram.decode(data)[0].type == DatagramType.MEDIA}
            assert pictures <= {piece for number in range(desk.sent) for piece in desk.picture(number)}
        await until("all are counted", lambda: desk.of(Viewers) and desk.of(Viewers)[-1].count == len(guests))
        for guest, handle in zip(guests, handles, strict=True):
            carrier = guest.hop.hop.carrier
            stream = carrier.open_stream()
            carrier.send_stream(stream, channel_header(handle, Channel.CONTROL) + b"%d says this" % handle)
        for handle in handles:
            await until("what it says", partial(desk.has_read, handle, b"%d says this" % handle))


async def test_who_leaves_a_host_elsewhere_is_missed_by_it(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        desk = await running.desk(1)
        stays, goes = await running.guest(0), await running.guest(0)
        first, second = await desk.attach(stays), await desk.attach(goes)
        await goes.endpoint.close()
        await until("the host is told", lambda: [one.handle for one in desk.of(Detach)] == [second])
        await desk.seen_by(stays)
        desk.hop.hop.send(Detach(first, CloseCode.ENDED))
        await until("the viewer is told", lambda: [one.handle for one in stays.of(Detach)] == [first])


async def test_a_host_that_comes_back_to_another_worker_takes_its_own_place(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        identity = Identity(entropy(32))
        old = await running.desk(0, identity)
        guest = await running.guest(0)
        await old.attach(guest)
        new = await running.desk(1, identity)
        async with asyncio.timeout(10):
            assert (await old.hop.lost).code is CloseCode.REPLACED
        await until("the session's end", lambda: guest.of(Detach))
        await new.attach(guest)
        await new.seen_by(guest)


async def test_a_killed_worker_is_started_anew_and_its_sessions_go_on(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        desk = await running.desk(0)
        near, far = await running.guest(0), await running.guest(1)
        await desk.attach(near)
        await desk.attach(far)
        await desk.seen_by(near, far)
        before = set(running.workers())
        os.kill(running.worker_of(1), signal.SIGKILL)
        far.hop.hop.send(Attach(bytes(17), bytes(16)))  # anything: what answers it is the next worker's reset
        async with asyncio.timeout(10):
            await far.hop.lost
        assert len(desk.of(Detach)) == 1 and not desk.hop.lost.done() and not near.hop.lost.done()
        await desk.seen_by(near)
        again = await running.guest(1)
        await desk.attach(again)
        await desk.seen_by(near, again)
        assert len(before & set(running.workers())) == WORKERS - 1


async def test_when_the_hosts_worker_is_killed_viewers_elsewhere_keep_their_connection(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        identity = Identity(entropy(32))
        desk = await running.desk(1, identity)
        guest = await running.guest(0)
        await desk.attach(guest)
        os.kill(running.worker_of(1), signal.SIGKILL)
        await until("the session's end", lambda: guest.of(Detach))
        assert guest.of(Detach)[0].code == CloseCode.SESSION_LOST and not guest.hop.lost.done()
        desk.hop.hop.send(Tracks((CARD.row,)))
        async with asyncio.timeout(10):
            await desk.hop.lost
        again = await running.desk(1, identity)
        async with asyncio.timeout(10):
            await again.known_at(0)
        await again.attach(guest)
        await again.seen_by(guest)


class Nat(asyncio.DatagramProtocol):
    """A NAT of one client: `rebind` gives it another port."""

    def __init__(self, relay: tuple[str, int]) -> None:
        self._relay = relay
        self._client: tuple[str, int] | None = None
        self._inside: asyncio.DatagramTransport
        self._outside: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inside = cast(asyncio.DatagramTransport, transport)  # by shape alone

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._client = address
        assert self._outside is not None
        self._outside.sendto(data, self._relay)

    async def rebind(self) -> tuple[str, int]:
        nat = self

        class Outside(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, address: Any) -> None:
                if nat._client is not None:
                    nat._inside.sendto(data, nat._client)

        before = self._outside
        self._outside, _ = await asyncio.get_running_loop().create_datagram_endpoint(Outside, local_addr=(HERE, 0))
        if before is not None:
            before.close()
        place = self._outside.get_extra_info("sockname")
        return str(place[0]), int(place[1])

    def close(self) -> None:
        self._inside.close()
        if self._outside is not None:
            self._outside.close()


async def test_a_connection_whose_address_changes_keeps_its_worker(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        transport, nat = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Nat(running.address), local_addr=(HERE, 0)
        )
        try:
            await nat.rebind()
            desk = await running.desk(0)
            place = transport.get_extra_info("sockname")
            guest = await Client(running, viewer(running.pin)).dial(1, (str(place[0]), int(place[1])))
            await desk.attach(guest)
            for _ in range(6):  # by address the kernel would have sent half of these elsewhere
                place = await nat.rebind()
                guest.hop.hop.carrier.ping(CLOCK.monotonic())
                await desk.seen_by(guest)
                await until("its new address", partial(guest.is_seen_at, place))
            assert not guest.hop.lost.done()
        finally:
            nat.close()


async def test_where_a_client_is_seen_is_answered_by_its_own_worker(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        for worker in range(WORKERS):
            guest = await running.guest(worker)
            welcome = await guest.hop.up
            assert welcome.nonce[0] % WORKERS == worker
            told = len(guest.of(Observed))
            guest.endpoint.send_raw(bytes((RawType.LOCATE,)) + welcome.nonce, running.address)
            await until("an answer", partial(lambda guest, told: len(guest.of(Observed)) > told, guest, told))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_all_workers_say_goodbye_and_end_with_the_supervisor(number: int, tmp_path: Path) -> None:
    async with relay(tmp_path, ends=True) as running:
        guest = await running.guest(1)
        workers = running.workers()
        os.kill(running.supervisor, number)
        async with asyncio.timeout(10):
            assert (await guest.hop.lost).code is CloseCode.GOING_AWAY
        await until("their end", lambda: not any(Path(f"/proc/{pid}/task").exists() for pid in workers))


async def test_while_workers_drain_a_session_across_them_goes_on_until_it_has_left(tmp_path: Path) -> None:
    async with relay(tmp_path, "--drain", "60", ends=True) as running:
        desk = await running.desk(0)
        guest = await running.guest(1)
        await desk.attach(guest)
        await desk.seen_by(guest)
        os.kill(running.supervisor, signal.SIGTERM)
        await until("they are told", lambda: guest.of(Goaway) and desk.of(Goaway))
        await desk.seen_by(guest)
        await guest.endpoint.close()
        async with asyncio.timeout(10):
            assert (await desk.hop.lost).code is CloseCode.GOING_AWAY


async def test_the_status_is_that_of_all_workers_together(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        desk, other = await running.desk(0), await running.desk(1)
        guests = [await running.guest(worker) for worker in (0, 1, 1)]
        for guest in guests:
            await desk.attach(guest)
            await desk.seen_by(guest)
        await other.attach(guests[0])
        await other.seen_by(guests[0])
        expected = {"processes": 2, "hosts": 2, "sessions": 4, "viewers": 3}
        counted: dict[str, int] = {}
        for _ in range(5):  # on a busy machine a worker's count may be that of a moment ago
            asked = await asyncio.create_subprocess_exec(
                BIN / "avl-relay", "status", *kept(tmp_path, "relay")[:2], "--json", stdout=asyncio.subprocess.PIPE
            )
            told = json.loads((await asked.communicate())[0])
            counted = {name: told[name] for name in expected}
            if counted == expected:
                break
        assert counted == expected
        assert told["rates"]["datagrams_in"] > 0 and sum(told["connections"].values()) == 5


async def test_the_first_worker_has_the_metrics_of_all(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind((HERE, 0))
        port = int(free.getsockname()[1])
    async with relay(tmp_path, "--metrics", f"{HERE}:{port}") as running:
        await running.desk(1)
        reader, writer = await asyncio.open_connection(HERE, port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        told = (await reader.read()).decode()
        writer.close()
        assert "\navl_relay_processes 2.0\n" in told and "\navl_relay_hosts 1.0\n" in told


async def test_all_workers_present_one_certificate_also_who_was_started_anew(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        certificates = {(await running.guest(worker)).hop.hop.carrier.peer_certificate for worker in (0, 1)}
        os.kill(running.worker_of(1), signal.SIGKILL)
        certificates.add((await running.guest(1)).hop.hop.carrier.peer_certificate)
        assert len(certificates) == 1
        told = set()
        for _ in range(8):  # the system spreads them
            reader, writer = await asyncio.open_connection("127.0.0.1", running.page)
            writer.write(
                b"GET /.well-known/avl.json HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n" % running.page
            )
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
            assert head.startswith(b"HTTP/1.1 200")
            told.add(tuple(json.loads(body)["hashes"]))
        (hashes,) = told
        assert hashes[0] == show_pin(sha256(certificates.pop() or b"").digest())


async def test_who_has_no_udp_finds_hosts_at_every_worker(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        desks = [await running.desk(worker) for worker in (0, 1)]
        for _ in range(3):
            guest = Client(running, viewer(running.pin))
            await guest.hop.dial(running.address, None, READY)
            for desk in desks:
                await desk.attach(guest)
                await desk.seen_by(guest)
            guest.hop.hop.carrier.close(0, "")
