"""The real network: one non-blocking UDP socket with segmentation offload in both directions where the kernel has it.

With UDP_SEGMENT one system call sends up to 64 equal datagrams, with UDP_GRO one returns as many; that is most of
what sending costs. Kernels and network cards without it fall back to one call a datagram.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Sequence

from avl_protocol.endpoint.udp import pktinfo
from avl_protocol.endpoint.udp.network import Address, Batch, DatagramSocket, Pinned

SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104
MAX_SEGMENTS, MAX_SEGMENTED = 64, 64000
#: A run of datagrams no larger than this fits any path: the system refuses it where it can't join runs at all.
USUAL = 1200
BUFFER = 4 << 20
LARGEST = 65535
#: Receive calls in one wake-up, and datagrams after which there is no other: sending is not starved by a flood, and the
#: system's buffer is emptied faster than a flood fills it, lest what friends send waits there behind garbage.
RECEIVES, RECEIVED = 256, 2048
#: Datagrams kept while the socket's buffer is full; later ones are lost, as on any full link.
MAX_WAITING = 2048
MAPPED = "::ffff:"
#: By system and family, (level, option, value) that forbids fragments, and keeps what the system believes of the path
#: out of it (RFC 8899, section 4.4): IP_MTU_DISCOVER with IP_PMTUDISC_PROBE; IP_DONTFRAG; IP_DONTFRAGMENT.
_UNDIVIDED = {
    "linux": {socket.AF_INET: (socket.IPPROTO_IP, 10, 3), socket.AF_INET6: (socket.IPPROTO_IPV6, 23, 3)},
    "darwin": {socket.AF_INET: (socket.IPPROTO_IP, 28, 1), socket.AF_INET6: (socket.IPPROTO_IPV6, 62, 1)},
    "win32": {socket.AF_INET: (socket.IPPROTO_IP, 14, 1), socket.AF_INET6: (socket.IPPROTO_IPV6, 14, 1)},
}


class UdpSocket:
    """A bound UDP socket on an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bound: socket.socket, *, offload: bool = True) -> None:
        self._loop = loop
        self._socket = bound
        self._six = bound.family == socket.AF_INET6
        self._waiting: deque[tuple[bytes, Address | Pinned]] = deque()
        self._tells_local = False
        #: Where in the batch that is being sent those are that were too large.
        self._refused: list[int] = []
        #: Whether the last wake-up found more than one call's worth.
        self._several = False
        self._receiver: Callable[[Batch], None] | None = None
        bound.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            bound.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        self.segmenting = self.coalescing = False
        if offload:
            self.segmenting = _accepts(bound, UDP_SEGMENT, 0)
            self.coalescing = _accepts(bound, UDP_GRO, 1)
        #: Whether what is too large for the path is lost.
        self.undivided = _undivided(bound)
        host, port = bound.getsockname()[:2]
        self.local_address: Address = (host, port)

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        """Begin to receive."""
        self._receiver = receiver
        self._loop.add_reader(self._socket.fileno(), self._readable)

    @property
    def waiting(self) -> int:
        """Datagrams that the system did not take yet."""
        return len(self._waiting)

    def tell_local(self) -> bool:
        """Say of each datagram to which of our addresses it came."""
        pktinfo.forget_interfaces()
        self._tells_local = self._tells_local or pktinfo.enable(self._socket)
        return self._tells_local

    def close(self) -> None:
        """Close the socket; what waits is lost."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket.fileno())
        if self._waiting:
            self._loop.remove_writer(self._socket.fileno())
            self._waiting.clear()
        self._socket.close()

    def _readable(self) -> None:
        """Hand on what is there. Most wake-ups are for one datagram: it is served before the system is asked for more,
        unless the wake-up before had more."""
        received: list[tuple[bytes, Address | Pinned]] = []
        more = self._receive(received)
        if more and not self._several:
            self._hand_on(received)
            received = []
            more = self._receive(received)
            self._several = bool(received)
        else:
            self._several = False
        for _ in range(RECEIVES):
            if not more or len(received) >= RECEIVED:
                break
            more = self._receive(received)
            self._several = self._several or more
        self._hand_on(received)

    def _hand_on(self, received: list[tuple[bytes, Address | Pinned]]) -> None:
        if received and self._receiver is not None and self._socket.fileno() >= 0:
            self._receiver(received)

    def _receive(self, received: list[tuple[bytes, Address | Pinned]]) -> bool:
        """Append what one call returns, several datagrams where the system has joined them; whether to ask again."""
        room = (64 if self.coalescing else 0) + (pktinfo.ROOM if self._tells_local else 0)
        try:
            data, ancillary, _, source = self._socket.recvmsg(LARGEST, room)
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionRefusedError:
            return True  # a datagram sent earlier found nobody: that is its sender's affair
        except OSError:
            return False
        address: Address | Pinned = self._from_kernel(source)
        if self._tells_local and (local := pktinfo.local_address(ancillary)) is not None:
            address = (address[0], address[1], local)
        size = len(data)
        for level, kind, value in ancillary:
            if level == SOL_UDP and kind == UDP_GRO:
                size = int.from_bytes(value[:4], "little")
        if 0 < size < len(data):
            received.extend((data[start : start + size], address) for start in range(0, len(data), size))
        elif data:
            received.append((data, address))
        return True

    def send_batch(self, batch: Batch) -> Sequence[int]:
        """Send in order; runs of equal size to one address leave in one call. Tells what was refused as too large, of
        what the system took now."""
        if self._socket.fileno() < 0:
            return ()
        if self._waiting:
            self._keep(batch)
            return ()
        self._refused.clear()
        start = 0
        while start < len(batch):
            stop = self._run(batch, start)
            if not self._send(batch, start, stop):
                self._keep(batch[start:])
                self._loop.add_writer(self._socket.fileno(), self._writable)
                break
            start = stop
        return tuple(self._refused)

    def _run(self, batch: Batch, start: int) -> int:
        """The end of the run that begins at `start`: equal sizes, of which only the last may be shorter."""
        if not self.segmenting:
            return start + 1
        data, address = batch[start]
        size = total = len(data)
        stop = start + 1
        while stop < len(batch) and stop - start < MAX_SEGMENTS and batch[stop][1] == address:
            following = len(batch[stop][0])
            total += following
            if following > size or total > MAX_SEGMENTED:
                break
            stop += 1
            if following < size:
                break
        return stop

    def _send(self, batch: Batch, start: int, stop: int) -> bool:
        """Send one run; False when the socket is full."""
        data, address = batch[start]
        target = self._to_kernel((address[0], address[1]))
        try:
            if stop - start == 1 and len(address) == 2:
                self._socket.sendto(data, target)
            else:
                ancillary = [] if len(address) == 2 else pktinfo.leaving_from(address[2], self._six)
                if stop - start > 1:
                    ancillary.append((SOL_UDP, UDP_SEGMENT, struct.pack("=H", len(data))))
                self._socket.sendmsg([part for part, _ in batch[start:stop]], ancillary, 0, target)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                return False
            if stop - start > 1:
                # The kernel takes the option and the card refuses the packet: never ask again. A run of larger ones
                # may be too large for the path.
                self.segmenting = self.segmenting and len(data) > USUAL
                return all(self._send(batch, index, index + 1) for index in range(start, stop))
            # Anything else concerns this datagram alone (unreachable, not permitted, too large): the network lost it.
            if error.errno == errno.EMSGSIZE:
                self._refused.append(start)
        return True

    def _keep(self, batch: Batch) -> None:
        room = MAX_WAITING - len(self._waiting)
        self._waiting.extend(batch[:room])

    def _writable(self) -> None:
        while self._waiting:
            if not self._send([self._waiting[0]], 0, 1):
                return
            self._waiting.popleft()
        self._loop.remove_writer(self._socket.fileno())

    def _from_kernel(self, source: tuple[str, int]) -> Address:
        host = source[0]
        if self._six and host.startswith(MAPPED):
            host = host[len(MAPPED) :]
        return host, source[1]

    def _to_kernel(self, address: Address) -> Address:
        if self._six and ":" not in address[0]:
            return MAPPED + address[0], address[1]
        return address


class UdpNetwork:
    """The operating system's network, on the event loop that runs when it is made."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, *, offload: bool = True) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._offload = offload

    def bind(self, address: Address) -> DatagramSocket:
        """Bind to an IP literal, or with "" to both families where the machine has IPv6. Raises OSError."""
        host, port = address
        if host:
            six = ipaddress.ip_address(host).version == 6
            return self._bind(socket.AF_INET6 if six else socket.AF_INET, host, port, both=host == "::")
        try:
            return self._bind(socket.AF_INET6, "::", port, both=True)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise
            return self._bind(socket.AF_INET, "0.0.0.0", port, both=False)

    def source_for(self, target: Address) -> str | None:
        """The address that the kernel would send from, asked without sending anything."""
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asked:
                asked.connect(target)
                return str(asked.getsockname()[0])
        except OSError:
            return None

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Addresses of a name, IPv4 and IPv6 as the system's resolver orders them. Raises OSError."""
        found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        return list(dict.fromkeys((str(entry[4][0]), int(entry[4][1])) for entry in found))

    def _bind(self, family: int, host: str, port: int, *, both: bool) -> DatagramSocket:
        bound = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
            bound.bind((host, port))
            return UdpSocket(self._loop, bound, offload=self._offload)
        except OSError:
            bound.close()
            raise


def _undivided(bound: socket.socket) -> bool:
    """Have a socket send nothing in fragments; False where the system can't."""
    options = _UNDIVIDED.get(sys.platform, {})
    both = bound.family == socket.AF_INET6 and not bound.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    families = (socket.AF_INET6, socket.AF_INET) if both else (bound.family,)
    try:
        for family in families:
            bound.setsockopt(*options[socket.AddressFamily(family)])
    except (KeyError, OSError):
        return False
    return True


def _accepts(bound: socket.socket, option: int, value: int) -> bool:
    try:
        bound.setsockopt(SOL_UDP, option, value)
    except OSError:
        return False
    return True
