"""One end of a relayed session, as a process of its own: a host or a viewer that neither encodes nor decodes.

It is told on stdin what to send, a line each, and answers on stdout. All that is sent holds the time at which it was
handed to the carrier; clocks of processes on one machine agree, so whoever receives it knows how long it took.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from random import Random

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.track import video
from avl_protocol.session.media.sender import SentFragment
from avl_protocol.wire import datagram
from avl_protocol.wire.messages import Accept, Admit, Attach, Attached, HopMessage, Incoming, Recover, Tracks
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, Channel, DatagramType, ObjectFlag
from avl_protocol.wire.target import parse_address, parse_pin
from interop.bench.attack.hops import CLOCK, FAILURES, Hop, endpoint_at, host, viewer

HERE = "127.0.0.1"
CARD = video(1)
#: Bytes of a small message, as a sealed batch of input has.
MESSAGE = 80
#: Seconds that acknowledgements wait, as the programs have it (`agent.py`, `client.py`).
ACK_DELAY = {"host": 0.005, "viewer": 0.010}
SEED = b"avl bench hops: the same device in all processes"[:32]
_TIME = struct.Struct(">d")


class End:
    """A host or a viewer at a relay."""

    def __init__(self, role: str, pin: bytes) -> None:
        self._role = role
        identity = Identity(SEED)
        self._device = identity.number.to_bytes(17, "big")
        self._hop: Hop = host(pin, identity) if role == "host" else viewer(pin)
        self._hop.on_message = self._message
        self._hop.on_media = self._media
        self._hop.on_channel = self._channel
        self._stream = -1
        self._pending = b""
        self._object = 0
        self._wants_key = True
        self._left = 0.0
        self.admitted = asyncio.get_running_loop().create_future()
        self.took: list[float] = []

    async def open(self, relay: tuple[str, int]) -> None:
        """Register or attach. Raises FAILURES."""
        await self._hop.dial(relay, await endpoint_at(HERE, ACK_DELAY[self._role]), 30.0)
        if self._role == "host":
            self._hop.hop.send(Tracks((CARD.row,)))
        else:
            self._hop.hop.send(Attach(self._device, entropy(16)))
            await asyncio.wait_for(self.admitted, 30.0)

    def _message(self, message: HopMessage) -> None:
        if isinstance(message, Incoming):
            self._hop.hop.send(Accept(message.handle))
            self._hop.hop.send(Admit(message.handle, (CARD.id,), (int(Channel.CONTROL),)))
            self._wants_key = True
        elif isinstance(message, Recover):
            self._wants_key = True
        elif isinstance(message, Attached):
            self._stream = self._hop.hop.open_channel(message.handle, Channel.CONTROL)
            self.admitted.set_result(None)

    # what is measured

    def _media(self, data: bytes) -> None:
        header, payload = datagram.decode(data)
        if header.type == DatagramType.MEDIA:
            self._note(payload[: _TIME.size])

    def _channel(self, handle: int, channel: int, stream: int, data: bytes) -> None:
        data = self._pending + data
        while len(data) >= MESSAGE:
            self._note(data[: _TIME.size])
            data = data[MESSAGE:]
        self._pending = data

    def _note(self, stamp: bytes | memoryview) -> None:
        now = CLOCK.monotonic()
        (left,) = _TIME.unpack(stamp)
        if left > self._left:  # of a picture in many datagrams the last one counts
            self.took.append(now - left)
            self._left = left
        elif self.took:
            self.took[-1] = now - left

    async def send(self, kind: str, count: int, pause: float, size: int) -> None:
        """Send so many messages or pictures of `size` bytes, about `pause` seconds apart, at no common beat."""
        random = Random(count)
        for _ in range(count):
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))
            if kind == "message":
                stamped = _TIME.pack(CLOCK.monotonic()) + bytes(MESSAGE - _TIME.size)
                self._hop.hop.carrier.send_stream(self._stream, stamped)
            else:
                self._picture(size)
        await asyncio.sleep(0.3)

    def _picture(self, size: int) -> None:
        """Every fragment of it tells the time."""
        now = CLOCK.monotonic()
        key, self._wants_key = self._wants_key, False
        flags = int(ObjectFlag.KEY) if key else 0
        piece = _TIME.pack(now) + bytes(MAX_FRAGMENT_PAYLOAD - _TIME.size)
        sealed = (piece * -(-size // MAX_FRAGMENT_PAYLOAD))[:size]
        pieces = packetize(sealed, self._hop.hop.media_handle, CARD.id, self._object, flags)
        self._object += 1
        cookies = [SentFragment(piece, CARD, now) for piece in pieces]
        self._hop.hop.carrier.send_datagrams(pieces, CARD.priority, now + CARD.lifetime, cookies)


async def serve(role: str, relay: str, pin: str) -> None:
    """Do what stdin says, until it ends."""
    end = End(role, parse_pin(pin))
    try:
        await end.open(parse_address(relay))
    except FAILURES as error:
        sys.exit(f"{role}: {error}")
    print(json.dumps({"ready": role}), flush=True)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        if "send" in order:
            await end.send(order["send"], order["count"], order["pause"], order["size"])
            print(json.dumps({"sent": order["count"]}), flush=True)
        else:
            print(json.dumps({"took": end.took}), flush=True)
            end.took = []


if __name__ == "__main__":
    run(serve(*sys.argv[1:4]))
