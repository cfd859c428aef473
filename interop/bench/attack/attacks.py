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

from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.tcp.websocket import SUBPROTOCOL
from avl_protocol.endpoint.tls import TrustPinned, client_context
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.quic.connection import Connection
from avl_protocol.quic.options import CID_LENGTH, ConnectionOptions, configuration
from avl_protocol.session.hop.stream import hop_bytes
from avl_protocol.wire.messages import Attach, Ping
from avl_protocol.wire.registry import ALPN
from avl_protocol.wire.target import parse_address, parse_pin
from interop.bench.attack.hops import CLOCK, FAILURES, Hop, endpoint_at, host, viewer

#: The address of whoever has one; of whoever has many, the first bytes.
ONE, MANY = "127.66.0.1", "127.67"
#: Connections that one attacker process may hold, whatever the attack: it must not run out of descriptors itself.
MOST = 1600
#: Times a second that a flood is sent, and Initials that are made beforehand.
TICKS, MADE = 200, 600
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
    settings = configuration(is_client=True, alpn=[ALPN], idle_timeout=30)
    TrustPinned().apply(settings)
    now = CLOCK.monotonic()
    client = Connection(
        configuration=settings,
        options=ConnectionOptions(),
        new_connection_id=lambda: entropy(CID_LENGTH),
        reset_key=entropy(32),
        now=now,
    )
    client.connect(("127.0.0.1", 1), now)
    return client.datagrams_to_send(now)[0][0]


async def initials(aim: Aim) -> None:
    """16,000 first packets a second, each from another of 200 addresses, none followed by a second."""
    await throw(aim, list(aim.packets), 16_000, 200)


async def garbage(aim: Aim) -> None:
    """15,000 datagrams a second that are nothing, half of them in the form of packets."""
    chance = random.Random(1)
    made = [
        bytes([chance.choice((0x40, 0xC0, 0x00))]) + chance.randbytes(chance.randrange(20, 1200)) for _ in range(MADE)
    ]
    await throw(aim, made, 15_000, 200)


# hops


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
    "hops": hops,
    "hops of many": hops_of_many,
    "registrations": registrations,
    "page sockets": page_sockets,
    "half requests": half_requests,
    "bodies": bodies,
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
