"""A synthetic host: objects of one video track, at the pace and size of a film, through a real hop to a relay.

It does what session/media/sender.py does with objects that were sealed: cuts them into datagrams, protects and repairs
them as the hop asks for. It admits everybody, sends a key object when one is asked for, and answers what
viewers report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.media import parity
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.session.media.sender import SentFragment, repair
from avl_protocol.wire.messages import Accept, Admit, HopMessage, Incoming, Recover, Tracks
from avl_protocol.wire.registry import Channel, ObjectFlag
from avl_protocol.wire.target import parse_address, parse_pin
from interop.bench.attack.hops import CLOCK, host
from interop.bench.relay.part import FILM, HERE, Film, Part, part
from interop.bench.relay.sockets import Leaving

#: Bytes that a host tells each viewer when it has reported.
ANSWER = 100


class Source:
    """The host."""

    def __init__(self, pin: bytes, mine: Part) -> None:
        self.identity = Identity(entropy(32))
        self._hop = host(pin, self.identity)
        self._hop.on_message, self._hop.on_channel = self._message, self._report
        self._hop.on_fates = self._settled
        self._marks = mine.marks()
        self._film = Film(mine.rate, mine.pace)
        self._wants_key = True
        #: Objects that were made, and that have left.
        self._made = self._left = 0

    async def dial(self, relay: Address) -> None:
        """Register. Raises what a dial raises."""
        endpoint = Endpoint(
            network=Leaving(self._sent),
            clock=CLOCK,
            entropy=entropy,
            loop=asyncio.get_running_loop(),
            options=ConnectionOptions(ack_delay=0.005, keepalive=5.0),
        )
        await endpoint.bind((HERE, 0))
        await self._hop.dial(relay, endpoint)
        self._hop.hop.send(Tracks((FILM.row,)))

    async def show(self) -> None:
        """Send the film, to its end."""
        await self._film.show(self._send)

    def _send(self, number: int) -> None:
        """Send an object, and what protects it."""
        now = CLOCK.monotonic()
        carrier, handle = self._hop.hop.carrier, self._hop.hop.media_handle
        key, self._wants_key = self._wants_key, False
        pieces = self._film.pieces(number, handle, key)
        cookies: list[object] = [SentFragment(piece, FILM, now) for piece in pieces]
        if rows := carrier.parity(min(len(pieces), parity.BLOCK)):
            flags = int(ObjectFlag.KEY) if key else 0
            pieces += parity.make(self._film.sealed(key), handle, FILM.id, number, flags, range(rows))
            cookies += [None] * (len(pieces) - len(cookies))
        self._marks.due[number] = now
        self._made = number + 1
        carrier.send_datagrams(pieces, FILM.priority, now + FILM.lifetime, cookies)

    def _sent(self, now: float) -> None:
        """The socket was given something: where nothing waits, all that was made has left."""
        if self._left < self._made and not self._hop.hop.carrier.datagram_backlog:
            self._marks.leave(self._left, self._made, now)
            self._left = self._made

    def _message(self, message: HopMessage) -> None:
        if isinstance(message, Incoming):
            self._hop.hop.send(Accept(message.handle))
            self._hop.hop.send(Admit(message.handle, (FILM.id,), (int(Channel.CONTROL),)))
            self._wants_key = True
        elif isinstance(message, Recover):
            self._wants_key = True

    def _settled(self, fates: Sequence[tuple[object, bool]]) -> None:
        for cookie, acked in fates:
            repair(cookie, acked, self._hop.hop.carrier, CLOCK.monotonic())

    def _report(self, handle: int, channel: int, stream: int, data: bytes) -> None:
        self._hop.hop.carrier.send_stream(stream, bytes(ANSWER))


async def main() -> None:
    """Until all was sent, or the process is ended."""
    _, mine = part(__doc__)
    relay = await mine.told("relay")
    source = Source(parse_pin(relay["pin"]), mine)
    await source.dial(parse_address(relay["quic"]))
    mine.tell("source", device=source.identity.number)
    await source.show()


if __name__ == "__main__":
    run(main())
