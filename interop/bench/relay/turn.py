"""The same bytes through coturn, a TURN server in C (RFC 8656): `python -m interop.bench.relay.turn ROLE FOLDER ..`.

TURN has no fan-out: every viewer has an allocation of its own, and the host sends to each of them, so that its upload
grows with the audience. The server neither encrypts nor paces nor repairs.
Each viewer binds a channel to the host, the form with the least overhead.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import socket
import struct
from collections.abc import Callable

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.runtime import run
from interop.bench.relay.part import CLOCK, HERE, Film, Part, Receipt, part

SERVER = "turnserver"
#: RFC 8489, section 5, and RFC 8656, sections 17 and 18.
COOKIE = 0x2112A442
ALLOCATE, CHANNEL_BIND, ANSWERED = 0x0003, 0x0009, 0x0100
REQUESTED_TRANSPORT, XOR_PEER_ADDRESS, XOR_RELAYED_ADDRESS, CHANNEL_NUMBER = 0x0019, 0x0012, 0x0016, 0x000C
UDP, CHANNEL = 17, 0x4000
_HEADER, _ATTRIBUTE, _FRAME = struct.Struct(">HHI12s"), struct.Struct(">HH"), struct.Struct(">HH")
#: Seconds until a request is sent again.
AGAIN = 0.25
Address = tuple[str, int]


def possible() -> bool:
    """Whether the server is on this machine."""
    return shutil.which(SERVER) is not None


def request(method: int, transaction: bytes, *attributes: tuple[int, bytes]) -> bytes:
    """A STUN request; values have a multiple of four bytes."""
    body = b"".join(_ATTRIBUTE.pack(kind, len(value)) + value for kind, value in attributes)
    return _HEADER.pack(method, len(body), COOKIE, transaction) + body


def crossed(address: Address) -> bytes:
    """An IPv4 address as attributes have it."""
    number = int(ipaddress.IPv4Address(address[0])) ^ COOKIE
    return struct.pack(">xBHI", 1, address[1] ^ COOKIE >> 16, number)


def relayed(answer: bytes) -> Address:
    """Where an allocation is reached. Raises ValueError."""
    at = _HEADER.size
    while at < len(answer):
        kind, length = _ATTRIBUTE.unpack_from(answer, at)
        if kind == XOR_RELAYED_ADDRESS:
            port, number = struct.unpack_from(">HI", answer, at + 6)
            return str(ipaddress.IPv4Address(number ^ COOKIE)), port ^ COOKIE >> 16
        at += _ATTRIBUTE.size + (length + 3) // 4 * 4
    raise ValueError("the server gave no address")


class Viewer(asyncio.DatagramProtocol):
    """One allocation."""

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt
        self._answers: dict[bytes, asyncio.Future[bytes]] = {}
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """See asyncio.DatagramProtocol."""
        self._transport = transport

    def datagram_received(self, data: bytes, address: Address) -> None:
        """Media in a channel, or an answer."""
        if data[0] & 0xC0 == 0x40:
            self._receipt.take(data[_FRAME.size : _FRAME.size + _FRAME.unpack_from(data)[1]])
        elif (waiting := self._answers.pop(data[8:20], None)) is not None and not waiting.done():
            waiting.set_result(data)

    def error_received(self, error: Exception) -> None:
        """The server is not there yet: it is asked again."""

    async def ask(self, method: int, *attributes: tuple[int, bytes]) -> bytes:
        """A request's answer. Raises ConnectionRefusedError."""
        while True:
            transaction = entropy(12)
            self._answers[transaction] = asyncio.get_running_loop().create_future()
            self._transport.sendto(request(method, transaction, *attributes))
            try:
                answer = await asyncio.wait_for(self._answers[transaction], AGAIN)
            except TimeoutError:
                continue
            if int.from_bytes(answer[:2]) != method | ANSWERED:
                raise ConnectionRefusedError(f"the server refuses method {method}")
            return answer


def serve(mine: Part) -> None:
    """Become the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((HERE, 0))
        port = bound.getsockname()[1]
    mine.tell("relay", port=port)
    addresses = [f"--listening-ip={HERE}", f"--relay-ip={HERE}", f"--listening-port={port}", "--allow-loopback-peers"]
    without = ["--no-auth", "--no-cli", "--no-tcp", "--no-tls", "--no-dtls", "--no-rfc5780"]
    kept = [f"--userdb={mine.folder / 'turn.db'}", f"--pidfile={mine.folder / 'turn.pid'}", "--log-file=stdout"]
    os.execvp(SERVER, [SERVER, "-n", *addresses, *without, *kept])


async def source(mine: Part) -> None:
    """The host, until all was sent to everybody."""
    marks, film = mine.marks(), Film(mine.rate, mine.pace)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((HERE, 0))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        mine.tell("source", port=bound.getsockname()[1])
        targets = [(HERE, port) for port in (await mine.told("audience"))["ports"]]

        def send(number: int) -> None:
            pieces = film.pieces(number, 1)
            marks.due[number] = CLOCK.monotonic()
            for target in targets:
                for piece in pieces:
                    bound.sendto(piece, target)
            marks.leave(number, number + 1, CLOCK.monotonic())

        await film.show(send)


async def watch(mine: Part) -> None:
    """The viewers, until the process is ended."""
    server, host, marks = await mine.told("relay"), await mine.told("source"), mine.marks()
    loop = asyncio.get_running_loop()

    def made(place: int) -> Callable[[], Viewer]:
        return lambda: Viewer(Receipt(marks, place))

    ports = []
    peer, channel = (XOR_PEER_ADDRESS, crossed((HERE, host["port"]))), (CHANNEL_NUMBER, struct.pack(">HH", CHANNEL, 0))
    for place in range(mine.viewers):
        _, viewer = await loop.create_datagram_endpoint(made(place), remote_addr=(HERE, server["port"]))
        answer = await viewer.ask(ALLOCATE, (REQUESTED_TRANSPORT, bytes((UDP, 0, 0, 0))))
        ports.append(relayed(answer)[1])
        await viewer.ask(CHANNEL_BIND, channel, peer)
    mine.tell("audience", ports=ports)
    await loop.create_future()


if __name__ == "__main__":
    role, mine = part(__doc__, "serve", "source", "watch")
    if role == "serve":
        serve(mine)
    else:
        run({"source": source, "watch": watch}[role](mine))
