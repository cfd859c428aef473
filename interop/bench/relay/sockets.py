"""Sockets of the synthetic host and its viewers, which tell what only they know: when something left, and when the
system had received what a busy program reads later.

A viewer here is one of many on a machine that is busy with all of them; what it takes until its process is woken is no
delay of the relay's. The kernel notes the time of each datagram as it arrives (SO_TIMESTAMPNS).
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Sequence

from avl_protocol.endpoint.udp.network import Address, Batch, DatagramSocket
from avl_protocol.endpoint.udp.sockets import SOL_UDP, UDP_GRO, UdpNetwork
from interop.bench.relay.part import CLOCK

#: Linux's SO_TIMESTAMPNS, which Python does not name: CLOCK_REALTIME as seconds and nanoseconds.
TIMESTAMP = 35
_TIME = struct.Struct("=qq")
BUFFER, LARGEST, ROOM = 4 << 20, 65535, 128


class Leaving:
    """A network whose sockets call `sent(now)` when they have been given something; `now` is from before."""

    def __init__(self, sent: Callable[[float], None]) -> None:
        self._network = UdpNetwork()
        self._sent = sent

    def bind(self, address: Address) -> DatagramSocket:
        """See Network."""
        return _LeavingSocket(self._network.bind(address), self._sent)

    def source_for(self, target: Address) -> str | None:
        """See Network."""
        return self._network.source_for(target)

    async def resolve(self, host: str, port: int) -> list[Address]:
        """See Network."""
        return await self._network.resolve(host, port)


class _LeavingSocket:
    undivided = False

    def __init__(self, bound: DatagramSocket, sent: Callable[[float], None]) -> None:
        self._bound, self._sent = bound, sent
        self.set_receiver, self.tell_local, self.close = bound.set_receiver, bound.tell_local, bound.close

    @property
    def local_address(self) -> Address:
        return self._bound.local_address

    def send_batch(self, batch: Batch) -> Sequence[int]:
        now = CLOCK.monotonic()
        refused = self._bound.send_batch(batch)
        self._sent(now)
        return refused


class Arriving:
    """A network of sockets that note when the system received what they hand on; `at` is that time of what is being
    handled, on CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self.at = 0.0

    def bind(self, address: Address) -> DatagramSocket:
        """See Network."""
        return _ArrivingSocket(self, address)

    def source_for(self, target: Address) -> str | None:
        """See Network."""
        return None

    async def resolve(self, host: str, port: int) -> list[Address]:
        """See Network: literals only."""
        return [(host, port)]


class _ArrivingSocket:
    """One bound socket. Each call of the system's is handed on by itself: all of its datagrams arrived at once."""

    undivided = False

    def __init__(self, network: Arriving, address: Address) -> None:
        self._network = network
        self._socket = bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.setblocking(False)
        bound.bind(address)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        bound.setsockopt(socket.SOL_SOCKET, TIMESTAMP, 1)
        bound.setsockopt(SOL_UDP, UDP_GRO, 1)
        self._receiver: Callable[[Batch], None] = lambda batch: None
        host, port = bound.getsockname()
        self.local_address: Address = (host, port)

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        self._receiver = receiver
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        while self._socket.fileno() >= 0:
            try:
                data, ancillary, _, source = self._socket.recvmsg(LARGEST, ROOM)
            except OSError:
                return  # nothing more, or what was sent earlier found nobody
            size = len(data)
            for level, kind, value in ancillary:
                if level == SOL_UDP and kind == UDP_GRO:
                    size = int.from_bytes(value[:4], "little")
                elif level == socket.SOL_SOCKET and kind == TIMESTAMP:
                    seconds, nanoseconds = _TIME.unpack(value)
                    self._network.at = seconds + nanoseconds / 1e9 - (time.time() - time.monotonic())
            address: Address = (source[0], source[1])
            self._receiver([(data[start : start + size], address) for start in range(0, len(data), size)])

    def send_batch(self, batch: Batch) -> Sequence[int]:
        for data, address in batch:
            try:
                self._socket.sendto(data, (address[0], address[1]))
            except OSError:
                continue  # lost, as on any network
        return ()

    def tell_local(self) -> bool:
        return False

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
