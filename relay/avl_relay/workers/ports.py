"""Ports: the sockets of all workers, bound before there are any.

Each worker has a socket of each port. The kernel spreads TCP's connections over them, and steers UDP's datagrams
(endpoint/udp/steering.py). Who binds them keeps them open: what comes while a worker is down waits for the next one,
and no other gets what was not meant for it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from avl_protocol.endpoint.tcp.websocket import bind_tcp
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.endpoint.udp.steering import bind_group

#: How often another port is looked for when any will do and TCP has no twin of UDP's.
TRIES = 8
Ports = tuple[socket.socket, socket.socket | None, socket.socket]


def bind(listen: Address, page: Address, workers: int, tell: Callable[[str], None]) -> tuple[Ports, ...]:
    """UDP, its TCP twin (None where that number is taken, which is told) and the page's port, for each worker. Hosts
    are IP literals, or "" for every address of both families. Raises OSError."""
    pages = _bind_tcp(page, workers)
    for tries in range(TRIES):
        group = bind_group(listen, workers)
        port = group[0].getsockname()[1]
        twins: tuple[socket.socket | None, ...] = (None,) * workers
        if port != page[1]:  # the page's port takes WebSockets too
            try:
                twins = _bind_tcp((listen[0], port), workers)
            except OSError as error:
                if listen[1] == 0 and tries < TRIES - 1:
                    for bound in group:
                        bound.close()
                    continue
                tell(f"no WebSockets for programs: TCP port {port}: {error.strerror}")
        return tuple(zip(group, twins, pages, strict=True))
    raise OSError("no port was free")


def _bind_tcp(address: Address, workers: int) -> tuple[socket.socket, ...]:
    made: list[socket.socket] = []
    try:
        for _ in range(workers):
            made.append(bind_tcp(address, shared=True))
            address = (address[0], made[0].getsockname()[1])
    except OSError:
        for bound in made:
            bound.close()
        raise
    return tuple(made)
