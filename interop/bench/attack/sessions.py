"""Sessions: a synthetic host and cheap viewers on one relay, and how quickly they hear each other.

`python -m interop.bench.attack.sessions QUIC-ADDRESS PAGE-ADDRESS PIN --viewers N`. The relay can't read what it
carries, so nothing is sealed here: each viewer sends a time on the input channel 10 times a second, the host sends it
back at once, and a film of 10 pictures a second of three fragments goes to all of them. Beside them a new viewer comes
in every second: it asks the page for something, connects, attaches and hears its first word.

One line of JSON an event goes to stdout: `{"at", "delay"}` of a viewer, `{"at", "entered"}` of a newcomer (null: not in
10 s), `{"at", "lost"}` of a viewer that was thrown out; `{"ready"}` with the device's number once all are in. Times are
CLOCK_MONOTONIC's, in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import struct
import time
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.track import video
from avl_protocol.wire.messages import Accept, Admit, Attach, Attached, HopMessage, Incoming, Tracks
from avl_protocol.wire.registry import Channel, ObjectFlag, Priority
from avl_protocol.wire.target import parse_address, parse_pin
from interop.bench.attack.hops import FAILURES, Hop, endpoint_at, host, viewer

#: Where honest people are; attackers come from elsewhere.
HONEST = "127.0.0.1"
#: What the sessions of honest viewers begin with: their handshakes succeed.
HELLO = b"honest"
#: Seconds between two words of a viewer, two pictures, two newcomers; and until a newcomer is given up.
WORD, PICTURE, NEWCOMER, PATIENCE = 0.1, 0.1, 1.0, 10.0
TIME = struct.Struct("!d")


def tell(**event: Any) -> None:
    """One line."""
    print(json.dumps({"at": time.monotonic(), **event}), flush=True)


class Sessions:
    """All of them, with the address of the relay."""

    def __init__(self, relay: Address, page: Address, pin: bytes) -> None:
        self._relay, self._page, self._pin = relay, page, pin
        self.identity = Identity(entropy(32))

    async def share(self) -> Endpoint:
        """Register a host that admits everybody, answers words and shows a film until it is cancelled; its socket, for
        who closes it."""
        hop = host(self._pin, self.identity)

        def message(message: HopMessage) -> None:
            if isinstance(message, Incoming):
                hop.hop.send(Accept(message.handle))
                if message.session.startswith(HELLO):
                    hop.hop.send(Admit(message.handle, (1,), (int(Channel.CONTROL), int(Channel.INPUT))))

        def word(handle: int, channel: int, stream: int, data: bytes) -> None:
            hop.hop.carrier.send_stream(stream, data)

        hop.on_message, hop.on_channel = message, word
        endpoint = await endpoint_at(HONEST)
        await hop.dial(self._relay, endpoint)
        hop.hop.send(Tracks((video(1).row,)))
        asyncio.get_running_loop().create_task(self._show(hop))
        return endpoint

    async def _show(self, hop: Hop) -> None:
        for number in itertools.count():
            flags = int(ObjectFlag.KEY) if number % 20 == 0 else 0
            film = packetize(bytes(3000), hop.hop.media_handle, 1, number, flags)
            hop.hop.carrier.send_datagrams(film, Priority.VIDEO, None)
            await asyncio.sleep(PICTURE)

    async def enter(self, endpoint: Endpoint | None = None) -> tuple[Hop, Endpoint, int]:
        """A viewer comes in and hears its first word back: its hop, its socket (a new one, if it has none) and its
        stream. Raises what a dial raises; the socket is closed then."""
        loop = asyncio.get_running_loop()
        endpoint = endpoint or await endpoint_at(HONEST)
        hop = viewer(self._pin)
        attached: asyncio.Future[int] = loop.create_future()
        heard = asyncio.Event()

        def message(message: HopMessage) -> None:
            if isinstance(message, Attached):
                attached.set_result(message.handle)

        hop.on_message = message
        hop.on_channel = lambda handle, channel, stream, data: heard.set()
        try:
            await hop.dial(self._relay, endpoint)
            hop.hop.send(Attach(self.identity.number.to_bytes(17, "big"), HELLO + entropy(10)))
            stream = hop.hop.open_channel(await attached, int(Channel.INPUT))
            hop.hop.carrier.send_stream(stream, TIME.pack(time.monotonic()))
            await heard.wait()
        except BaseException:
            await endpoint.close()
            raise
        return hop, endpoint, stream

    async def watch(self) -> None:
        """A viewer until it is cancelled or thrown out."""
        hop, _, stream = await self.enter()

        heard = bytearray()

        def word(handle: int, channel: int, stream: int, data: bytes) -> None:
            now = time.monotonic()
            heard.extend(data)
            whole = len(heard) // TIME.size * TIME.size
            for (sent,) in TIME.iter_unpack(bytes(heard[:whole])):
                tell(delay=now - sent)
            del heard[:whole]

        async def talk() -> None:
            hop.on_channel = word
            while not hop.lost.done():
                hop.hop.carrier.send_stream(stream, TIME.pack(time.monotonic()))
                await asyncio.sleep(WORD)
            tell(lost=str(hop.lost.result()))

        asyncio.get_running_loop().create_task(talk())

    async def look(self) -> None:
        """Ask the page for something. Raises OSError."""
        reader, writer = await asyncio.open_connection(*self._page, local_addr=(HONEST, 0))
        try:
            writer.write(f"GET /health HTTP/1.1\r\nHost: {HONEST}:{self._page[1]}\r\n\r\n".encode())
            if b" 200 " not in await reader.readline():
                raise ConnectionRefusedError
        finally:
            writer.transport.abort()

    async def newcomers(self) -> None:
        """One a second, for ever."""
        while True:
            began = time.monotonic()
            entered: float | None = None
            try:
                async with asyncio.timeout(PATIENCE):
                    while entered is None:
                        try:
                            await self.look()
                            _, endpoint, _ = await self.enter()
                            entered = time.monotonic() - began
                            await endpoint.close()
                        except FAILURES:
                            await asyncio.sleep(0.2)  # as a person would try again, only quicker
            except TimeoutError:
                entered = None
            tell(began=began, entered=entered)
            await asyncio.sleep(max(0.0, NEWCOMER - (time.monotonic() - began)))


async def main() -> None:
    """Until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("relay", type=parse_address)
    parser.add_argument("page", type=parse_address)
    parser.add_argument("pin", type=parse_pin)
    parser.add_argument("--viewers", type=int, default=10)
    chosen = parser.parse_args()
    sessions = Sessions(chosen.relay, chosen.page, chosen.pin)
    await sessions.share()
    for _ in range(chosen.viewers):
        await sessions.watch()
    tell(ready=sessions.identity.number)
    await sessions.newcomers()


if __name__ == "__main__":
    run(main())
