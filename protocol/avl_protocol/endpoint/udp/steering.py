"""Steering: one UDP port for several worker processes, each datagram to the one that its connection lives in.

The kernel picks a socket of the port's group by a classic BPF program that looks at one byte: the first of the
destination connection ID, or of the nonce of a raw datagram, which both stand in fixed places (RFC 9000, section 17;
spec 08-paths, 8.2). Workers begin these names with their number, modulo how many there are, so that a client's new
address changes nothing. A client's first packet has a name of the client's choice: that spreads connections.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import sys
from collections.abc import Callable, Sequence

from avl_protocol.endpoint.udp.network import Address, Batch, DatagramSocket, Network

#: Linux, asm-generic/socket.h and linux/filter.h; Python's socket module has no names for them.
SO_ATTACH_REUSEPORT_CBPF = 51
_LOAD_BYTE, _JUMP, _JUMP_IF_SET, _MODULO, _RETURN = 0x30, 0x05, 0x45, 0x94, 0x16
#: The highest bit of a datagram's first byte tells long headers; where the name begins in those, and in all others.
LONG, LONG_NAME, NAME = 0x80, 6, 1
#: A name's first byte tells no more workers apart.
MOST = 256

Instruction = tuple[int, int, int, int]


def program(workers: int) -> tuple[Instruction, ...]:
    """The BPF program: (code, jump if true, jump if false, operand) each. A datagram too short has index 0."""
    return (
        (_LOAD_BYTE, 0, 0, 0),
        (_JUMP_IF_SET, 0, 2, LONG),
        (_LOAD_BYTE, 0, 0, LONG_NAME),
        (_JUMP, 0, 0, 1),
        (_LOAD_BYTE, 0, 0, NAME),
        (_MODULO, 0, 0, workers),
        (_RETURN, 0, 0, 0),
    )


def worker_of(data: bytes, workers: int) -> int:
    """What the program answers: the worker that a datagram is for."""
    place = LONG_NAME if data[0] & LONG else NAME
    return data[place] % workers if len(data) > place else 0


def names_for(entropy: Callable[[int], bytes], worker: int, workers: int) -> Callable[[int], bytes]:
    """A maker of names of so many bytes that lead to a worker: unpredictable, but for what they say of it."""

    def name(size: int) -> bytes:
        made = entropy(size)
        first = made[0] - made[0] % workers + worker
        return bytes((first if first < MOST else first - workers,)) + made[1:]

    return name


def unable() -> str | None:
    """Why this system can't steer; None where it can."""
    if not sys.platform.startswith("linux"):
        return f"one port for several workers takes Linux, and this is {sys.platform}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            _group((asked,), ("127.0.0.1", 0))
        except OSError as error:
            return f"this system can't steer datagrams between workers: {error.strerror}"
    return None


def bind_group(address: Address, workers: int) -> tuple[socket.socket, ...]:
    """One socket for each worker, in their order, all on one port: an IP literal, or "" for every address of both
    families. They have to stay open as long as the port is used: who closes one moves another into its place. Raises
    OSError."""
    host, port = address
    six = host == "" or ":" in host
    made: list[socket.socket] = []
    try:
        for _ in range(workers):
            bound = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
            made.append(bound)
            if six:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host in ("", "::") else 1)
        return _group(tuple(made), (host or "::", port))
    except OSError as error:
        for bound in made:
            bound.close()
        if host == "" and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            return bind_group(("0.0.0.0", port), workers)
        raise


def _group(made: tuple[socket.socket, ...], address: Address) -> tuple[socket.socket, ...]:
    """Bind sockets to one port, in order, and steer between them."""
    for bound in made:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
        address = bound.getsockname()[:2]
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in program(len(made)))
    held = ctypes.create_string_buffer(packed)
    count, where = len(packed) // 8, ctypes.addressof(held)
    made[0].setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, struct.pack("@HP", count, where))
    return made


class SteeredSocket:
    """The socket of one worker. A run of datagrams that the system received as one is steered by its first: what of it
    is for others is handed to them with `hand_over(worker, data, source)`, and what they hand over is taken with
    `take`."""

    def __init__(
        self, bound: DatagramSocket, worker: int, workers: int, hand_over: Callable[[int, bytes, Address], None]
    ) -> None:
        self._bound = bound
        self._worker, self._workers, self._hand_over = worker, workers, hand_over
        self._receiver: Callable[[Batch], None] | None = None

    @property
    def local_address(self) -> Address:
        """See DatagramSocket."""
        return self._bound.local_address

    @property
    def undivided(self) -> bool:
        """See DatagramSocket."""
        return self._bound.undivided

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        """See DatagramSocket."""
        self._receiver = receiver
        self._bound.set_receiver(self._received)

    def take(self, data: bytes, source: Address) -> None:
        """A datagram that another worker has received for us."""
        if self._receiver is not None:
            self._receiver([(data, source)])

    def _received(self, batch: Batch) -> None:
        assert self._receiver is not None
        worker, workers = self._worker, self._workers
        if len(batch) > 1 and any(worker_of(data, workers) != worker for data, _ in batch):
            ours = []
            for data, source in batch:
                if (owner := worker_of(data, workers)) == worker:
                    ours.append((data, source))
                else:
                    self._hand_over(owner, data, (source[0], source[1]))
            batch = ours
        if batch:
            self._receiver(batch)

    def send_batch(self, batch: Batch) -> Sequence[int]:
        """See DatagramSocket."""
        return self._bound.send_batch(batch)

    def tell_local(self) -> bool:
        """See DatagramSocket."""
        return self._bound.tell_local()

    def close(self) -> None:
        """See DatagramSocket."""
        self._bound.close()


class OnePort:
    """A network whose port of `first` is there already, and is bound once; all else is that of `network`."""

    def __init__(self, network: Network, first: DatagramSocket) -> None:
        self._network = network
        self._first: DatagramSocket | None = first

    def bind(self, address: Address) -> DatagramSocket:
        """See Network. The first one is the port."""
        first, self._first = self._first, None
        return self._network.bind(address) if first is None else first

    def source_for(self, target: Address) -> str | None:
        """See Network."""
        return self._network.source_for(target)

    async def resolve(self, host: str, port: int) -> list[Address]:
        """See Network."""
        return await self._network.resolve(host, port)
