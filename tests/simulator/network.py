"""Datagrams between addresses in memory, over links with delay, jitter, loss, duplication and a bottleneck.

Every datagram that meets a link adds (virtual time, link, size, verdict) to one running hash: two runs that agree
on it saw the same network do the same things at the same times.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from avl_protocol.endpoint.network import Address, Batch


@dataclass(frozen=True, slots=True)
class LinkShape:
    """One direction of a path: seconds, bits per second and probabilities.

    `queue` is the longest wait at the bottleneck before datagrams are dropped; a reordered one is `reorder_by` late.
    """

    delay: float = 0.010
    jitter: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_by: float = 0.005
    rate: float | None = None
    queue: float = 0.200


class Link:
    """A shaped direction between two hosts; its shape may change while it is used."""

    def __init__(self, name: str, shape: LinkShape) -> None:
        self.name = name
        self.shape = shape
        self.sent = self.dropped = self.bytes = 0
        self._busy_until = 0.0

    def deliveries(self, now: float, size: int, chance: random.Random) -> list[float]:
        """When copies of a datagram sent now arrive; none where it is dropped."""
        shape = self.shape
        draws = [chance.random() for _ in range(4)]
        self.sent += 1
        self.bytes += size
        departure = now
        if shape.rate is not None:
            start = max(now, self._busy_until)
            if start - now > shape.queue:
                self.dropped += 1
                return []
            departure = self._busy_until = start + size * 8 / shape.rate
        if draws[0] < shape.loss:
            self.dropped += 1
            return []
        arrival = departure + shape.delay + draws[1] * shape.jitter
        if draws[2] < shape.reorder:
            arrival += shape.reorder_by
        return [arrival, arrival + 0.001] if draws[3] < shape.duplicate else [arrival]


class SimulatedNetwork:
    """All hosts, links and bound addresses of one world; `at(ip)` is the network as one host sees it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int, shape: LinkShape | None = None) -> None:
        self._loop = loop
        self._chance = random.Random(seed)
        self._default = shape or LinkShape()
        self._links: dict[tuple[str, str], Link] = {}
        self._names: dict[str, str] = {}
        self._sockets: dict[Address, SimulatedSocket] = {}
        self._flying: list[tuple[float, int, bytes, Address, Address]] = []
        self._count = 0
        self._next_port = 49152
        self._trace = hashlib.sha256()

    @property
    def trace(self) -> str:
        """The hash of everything that was sent so far."""
        return self._trace.hexdigest()

    def at(self, ip: str, name: str | None = None) -> SimulatedHost:
        """A host with one address, which others may also resolve by `name`."""
        if name is not None:
            self._names[name] = ip
        return SimulatedHost(self, ip)

    def link(self, source: str, target: str) -> Link:
        """The direction between two addresses, as it is now."""
        found = self._links.get((source, target))
        if found is None:
            found = self._links[source, target] = Link(f"{source}>{target}", self._default)
        return found

    def shape(self, one: str, other: str, shape: LinkShape) -> None:
        """Shape both directions between two hosts from now on."""
        for source, target in ((one, other), (other, one)):
            self.link(source, target).shape = shape

    def change(self, one: str, other: str, **changes: float | None) -> None:
        """Change single figures of both directions."""
        for source, target in ((one, other), (other, one)):
            link = self.link(source, target)
            link.shape = dataclasses.replace(link.shape, **changes)  # type: ignore[arg-type]

    def schedule(self, one: str, other: str, steps: Sequence[tuple[float, LinkShape]]) -> None:
        """Shape both directions at given seconds from now."""
        for after, shape in steps:
            self._loop.call_later(after, self.shape, one, other, shape)

    def resolve(self, name: str) -> str:
        """The address of a name or address. Raises OSError."""
        if name in self._names:
            return self._names[name]
        if name[:1].isdigit() or ":" in name:
            return name
        raise OSError(f"no host {name}")

    def bind(self, ip: str, port: int) -> SimulatedSocket:
        """A socket of a host. Raises OSError when the port is taken."""
        if port == 0:
            port, self._next_port = self._next_port, self._next_port + 1
        if (ip, port) in self._sockets:
            raise OSError(f"{ip}:{port} is in use")
        made = self._sockets[ip, port] = SimulatedSocket(self, (ip, port))
        return made

    def unbind(self, address: Address) -> None:
        """Free an address; what is under way to it is lost."""
        self._sockets.pop(address, None)

    def send(self, data: bytes, source: Address, target: Address) -> None:
        """Put one datagram on its link."""
        link = self.link(source[0], target[0])
        now = self._loop.time()
        arrivals = link.deliveries(now, len(data), self._chance)
        self._trace.update(f"{now:.9f} {link.name} {len(data)} {len(arrivals)}\n".encode())
        for arrival in arrivals:
            self._count += 1
            heapq.heappush(self._flying, (arrival, self._count, data, source, target))
            self._loop.call_at(arrival, self._deliver_due)

    def _deliver_due(self) -> None:
        """Hand over what has arrived, in order of arrival: the loop does not keep timers of one instant in order."""
        now = self._loop.time()
        due: dict[Address, list[tuple[bytes, Address]]] = {}
        while self._flying and self._flying[0][0] <= now:
            _, _, data, source, target = heapq.heappop(self._flying)
            due.setdefault(target, []).append((data, source))
        for target, batch in due.items():
            found = self._sockets.get(target)
            if found is not None and found.receiver is not None:
                found.receiver(batch)


class SimulatedHost:
    """What a program on one host takes for the network (avl_protocol.endpoint.network.Network)."""

    def __init__(self, network: SimulatedNetwork, ip: str) -> None:
        self._network = network
        self.ip = ip

    def bind(self, address: Address) -> SimulatedSocket:
        """Bind a port; every bindable host means this one."""
        return self._network.bind(self.ip, address[1])

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Addresses of a name."""
        if host in ("0.0.0.0", "::"):
            return [(self.ip, port)]
        return [(self._network.resolve(host), port)]


class SimulatedSocket:
    """A bound address (avl_protocol.endpoint.network.DatagramSocket)."""

    def __init__(self, network: SimulatedNetwork, address: Address) -> None:
        self._network = network
        self.local_address = address
        self.receiver: Callable[[Batch], None] | None = None

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        self.receiver = receiver

    def send_batch(self, batch: Batch) -> None:
        for data, target in batch:
            self._network.send(data, self.local_address, target)

    def close(self) -> None:
        self._network.unbind(self.local_address)
