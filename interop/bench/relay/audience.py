"""Cheap viewers: they connect, acknowledge, report and ask for what they lack as every viewer does, and neither open
nor decode what comes."""

from __future__ import annotations

import asyncio

from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.wire.messages import Attach, Attached, HopMessage, Recover
from avl_protocol.wire.registry import T_KEEPALIVE, T_KEY_SPACING, T_REPORT, Channel
from avl_protocol.wire.target import parse_address, parse_pin
from avl_viewer.client import ACK_DELAY
from interop.bench.attack.hops import viewer
from interop.bench.relay.marks import Marks
from interop.bench.relay.part import CLOCK, FILM, HERE, Receipt, part
from interop.bench.relay.sockets import Arriving

#: Bytes of a report of the pictures shown in T_REPORT, as one record.
REPORT = 220
#: Viewers that come in at once.
AT_ONCE = 4


class Watcher:
    """One viewer."""

    def __init__(self, pin: bytes, marks: Marks, place: int) -> None:
        self._network = Arriving()
        self._receipt = Receipt(marks, place, lambda: self._network.at)
        self._hop = viewer(pin)
        self._hop.on_message, self._hop.on_media = self._message, self._receipt.take
        self._attached: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def enter(self, relay: Address, device: int) -> None:
        """Come in. Raises what a dial raises."""
        endpoint = Endpoint(
            network=self._network,
            clock=CLOCK,
            entropy=entropy,
            loop=asyncio.get_running_loop(),
            options=ConnectionOptions(ack_delay=ACK_DELAY, keepalive=T_KEEPALIVE),
        )
        await endpoint.bind((HERE, 0))
        await self._hop.dial(relay, endpoint)
        self._hop.hop.send(Attach(device.to_bytes(17, "big"), entropy(16)))
        self._handle = await self._attached
        self._stream = self._hop.hop.open_channel(self._handle, int(Channel.CONTROL))

    async def report(self) -> None:
        """Report what was shown, until the hop is lost."""
        while not self._hop.lost.done():
            await asyncio.sleep(T_REPORT)
            self._hop.hop.carrier.send_stream(self._stream, bytes(REPORT))

    async def recover(self) -> None:
        """Ask for a picture that stands alone where one is given up, until the hop is lost."""
        while not self._hop.lost.done():
            await asyncio.sleep(T_KEY_SPACING)
            if (late := self._receipt.given_up()) is not None:
                self._hop.hop.send(Recover(self._handle, FILM.id, late))

    def _message(self, message: HopMessage) -> None:
        if isinstance(message, Attached):
            self._attached.set_result(message.handle)


async def main() -> None:
    """Until the process is ended."""
    _, mine = part(__doc__)
    relay, source, marks = await mine.told("relay"), await mine.told("source"), mine.marks()
    watchers = [Watcher(parse_pin(relay["pin"]), marks, place) for place in range(mine.viewers)]
    for first in range(0, len(watchers), AT_ONCE):
        coming = watchers[first : first + AT_ONCE]
        await asyncio.gather(*(one.enter(parse_address(relay["quic"]), source["device"]) for one in coming))
    mine.tell("audience", viewers=len(watchers))
    await asyncio.gather(*(work for one in watchers for work in (one.report(), one.recover())))


if __name__ == "__main__":
    run(main())
