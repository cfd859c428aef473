"""The same load through aioquic's own server: the least program that passes one client's datagrams on to all others.

`python -m interop.bench.relay.stock serve|swift|source|watch FOLDER ..`. Everything below the datagrams is aioquic's as
it comes, its congestion control included. `serve` runs on asyncio's own event loop, `swift` on the faster one that ours
takes too. Passing on is done with care: what came in one turn of the event loop leaves in one `transmit` for each
viewer. Nothing is repaired, protected or dropped.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import DatagramFrameReceived, HandshakeCompleted, QuicEvent

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.tls import self_signed
from interop.bench.relay.part import CLOCK, HERE, Film, Part, Receipt, part

#: What a client says it is, as the protocol that it asks for.
SOURCE, WATCH = "source", "watch"
LARGEST = 65536


def settings(client: bool, *protocols: str) -> QuicConfiguration:
    """What both sides begin with."""
    made = QuicConfiguration(is_client=client, alpn_protocols=list(protocols), max_datagram_frame_size=LARGEST)
    made.verify_mode = ssl.CERT_NONE
    return made


class Passing(QuicConnectionProtocol):
    """The server's side of one connection."""

    def __init__(self, *given: Any, viewers: list[Passing], **named: Any) -> None:
        super().__init__(*given, **named)
        self._viewers = viewers
        self._leaving = False

    def quic_event_received(self, event: QuicEvent) -> None:
        """A viewer has come, or the source has sent something."""
        if isinstance(event, HandshakeCompleted) and event.alpn_protocol == WATCH:
            self._viewers.append(self)
        elif isinstance(event, DatagramFrameReceived):
            for viewer in self._viewers:
                viewer.pass_on(event.data)

    def pass_on(self, data: bytes) -> None:
        """Send a datagram, with all others of this turn."""
        self._quic.send_datagram_frame(data)
        if not self._leaving:
            self._leaving = True
            self._loop.call_soon(self._leave)

    def _leave(self) -> None:
        self._leaving = False
        self.transmit()


class Sending(QuicConnectionProtocol):
    """The source's side."""

    def send(self, pieces: list[bytes]) -> None:
        """Send datagrams."""
        for piece in pieces:
            self._quic.send_datagram_frame(piece)
        self.transmit()


class Watching(QuicConnectionProtocol):
    """A viewer's side."""

    def __init__(self, *given: Any, receipt: Receipt, **named: Any) -> None:
        super().__init__(*given, **named)
        self._receipt = receipt

    def quic_event_received(self, event: QuicEvent) -> None:
        """Something came."""
        if isinstance(event, DatagramFrameReceived):
            self._receipt.take(event.data)


async def serve_all(mine: Part) -> None:
    """The server, until the process is ended."""
    configuration = settings(False, SOURCE, WATCH)
    self_signed([HERE], now=CLOCK.wall(), entropy=entropy).apply(configuration)
    viewers: list[Passing] = []

    def passing(*given: Any, **named: Any) -> Passing:
        return Passing(*given, viewers=viewers, **named)

    # It does not say where it is bound: a free port is found first.
    loop = asyncio.get_running_loop()
    found, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(HERE, 0))
    port = found.get_extra_info("sockname")[1]
    found.close()
    await asyncio.sleep(0.1)
    await serve(HERE, port, configuration=configuration, create_protocol=passing)
    mine.tell("relay", port=port)
    await loop.create_future()


async def source(mine: Part) -> None:
    """The host, until all was sent."""
    relay, marks, film = await mine.told("relay"), mine.marks(), Film(mine.rate, mine.pace)
    async with connect(
        HERE, relay["port"], configuration=settings(True, SOURCE), create_protocol=Sending
    ) as connection:
        assert isinstance(connection, Sending)
        mine.tell("source", rate=mine.rate)

        def send(number: int) -> None:
            marks.due[number] = CLOCK.monotonic()
            connection.send(film.pieces(number, 1))
            marks.leave(number, number + 1, CLOCK.monotonic())

        await film.show(send)


async def watch(mine: Part) -> None:
    """The viewers, until the process is ended."""
    relay, marks = await mine.told("relay"), mine.marks()

    async def one(place: int, came: asyncio.Event) -> None:
        receipt = Receipt(marks, place)

        def watching(*given: Any, **named: Any) -> Watching:
            return Watching(*given, receipt=receipt, **named)

        async with connect(HERE, relay["port"], configuration=settings(True, WATCH), create_protocol=watching):
            came.set()
            await asyncio.get_running_loop().create_future()

    async with asyncio.TaskGroup() as group:
        for place in range(mine.viewers):
            came = asyncio.Event()
            group.create_task(one(place, came))
            await came.wait()
        mine.tell("audience", viewers=mine.viewers)


if __name__ == "__main__":
    role, mine = part(__doc__, "serve", "swift", SOURCE, WATCH)
    if role == "serve":
        asyncio.run(serve_all(mine))
    else:
        run({"swift": serve_all, SOURCE: source, WATCH: watch}[role](mine))
