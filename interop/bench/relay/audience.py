"""Cheap viewers: they connect, acknowledge, report and ask for what they lack as every viewer does, and neither open
nor decode what comes.

`python -m interop.bench.relay.audience QUIC-ADDRESS PIN MARKS --device N --viewers N --ready-file FILE`. What they
receive is put together by the viewer's own reassembler, which fills gaps from parity; the time at which an object is
whole goes into the marks.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.program.state import write_ready
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.media.reassembler import Reassembler
from avl_protocol.wire import datagram
from avl_protocol.wire.messages import Attach, Attached, HopMessage, Recover
from avl_protocol.wire.registry import T_KEY_SPACING, T_REPORT, Channel
from avl_protocol.wire.target import parse_address, parse_pin
from interop.bench.attack.hops import CLOCK, endpoint_at, viewer
from interop.bench.relay.marks import Marks
from interop.bench.relay.source import FILM, HERE

#: The native viewer's delay of acknowledgements (viewer/avl_viewer/client.py).
ACK_DELAY = 0.010
#: Bytes of a report of the pictures shown in T_REPORT, as one record.
REPORT = 220
#: Viewers that come in at once.
AT_ONCE = 4


class Watcher:
    """One viewer: row `place` of the marks."""

    def __init__(self, pin: bytes, marks: Marks, place: int) -> None:
        self._hop = viewer(pin)
        self._hop.on_message, self._hop.on_media = self._message, self._media
        self._attached: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._came, self._datagrams, self._place = marks.came[place], marks.datagrams, place
        self._objects = Reassembler()
        self._newest = -1

    async def enter(self, relay: Address, device: int) -> None:
        """Come in. Raises what a dial raises."""
        await self._hop.dial(relay, await endpoint_at(HERE, ACK_DELAY))
        self._hop.hop.send(Attach(device.to_bytes(17, "big"), entropy(16)))
        self._handle = await self._attached
        self._stream = self._hop.hop.open_channel(self._handle, int(Channel.CONTROL))

    async def report(self) -> None:
        """Report what was shown, and ask for a picture where one can't be shown, until cancelled."""
        while not self._hop.lost.done():
            await asyncio.sleep(T_REPORT)
            self._hop.hop.carrier.send_stream(self._stream, bytes(REPORT))

    async def recover(self) -> None:
        """Ask for a picture that others do not depend on where one is given up, until cancelled."""
        while not self._hop.lost.done():
            await asyncio.sleep(T_KEY_SPACING)
            if late := self._objects.incomplete(CLOCK.monotonic()):
                self._hop.hop.send(Recover(self._handle, FILM.id, late[0]))

    def _message(self, message: HopMessage) -> None:
        if isinstance(message, Attached):
            self._attached.set_result(message.handle)

    def _media(self, data: bytes) -> None:
        self._datagrams[self._place] += 1
        header, payload = datagram.decode(data)
        if header.type < 3 and self._objects.add(header, payload, now := CLOCK.monotonic()) is not None:
            self._came[header.object] = now


async def main() -> None:
    """Until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("relay", type=parse_address)
    parser.add_argument("pin", type=parse_pin)
    parser.add_argument("marks", type=Path)
    parser.add_argument("--device", type=int, required=True)
    parser.add_argument("--viewers", type=int, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    chosen = parser.parse_args()
    marks = Marks(chosen.marks, chosen.viewers)
    watchers = [Watcher(chosen.pin, marks, place) for place in range(chosen.viewers)]
    for first in range(0, len(watchers), AT_ONCE):
        await asyncio.gather(*(one.enter(chosen.relay, chosen.device) for one in watchers[first : first + AT_ONCE]))
    write_ready(chosen.ready_file, {"viewers": len(watchers)})
    await asyncio.gather(*(work for one in watchers for work in (one.report(), one.recover())))


if __name__ == "__main__":
    run(main())
