"""Datagrams between addresses in memory, over links with delay, jitter, loss, duplication and a bottleneck.

Every datagram that meets a link adds (virtual time, link, size, verdict) to one running hash, and so does every one
that ends at a NAT box: two runs that agree on it saw the same network do the same things at the same times. A link lies
between the hosts' own addresses, whatever boxes (tests/simulator/nat.py) make of them on the way.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import heapq
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from avl_protocol.endpoint.udp.network import Address
from tests.simulator.host import SimulatedHost, SimulatedSocket
from tests.simulator.nat import NatBox, NatBoxes, NatShape

#: Bytes of IPv6 and UDP around a datagram.
HEADERS = 48


@dataclass(frozen=True, slots=True)
class LinkShape:
    """One direction of a path: seconds, bits per second and probabilities.

    `queue` is the longest wait at the bottleneck before datagrams are dropped; a reordered one is `reorder_by` late.
    `mtu`: bytes that a packet may have, headers of IPv6 and UDP included; a larger one is dropped.
    """

    delay: float = 0.010
    jitter: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_by: float = 0.005
    rate: float | None = None
    queue: float = 0.200
    mtu: int = 1500


class Link:
    """A shaped direction between two hosts; its shape may change while it is used."""

    def __init__(self, name: str, shape: LinkShape) -> None:
        self.name = name
        self.shape = shape
        self.sent = self.dropped = self.bytes = 0
        self._busy_until = 0.0

    def waits(self, now: float) -> float:
        """Seconds that a datagram sent now would wait at the bottleneck."""
        return max(0.0, self._busy_until - now)

    def deliveries(self, now: float, size: int, chance: random.Random) -> list[float]:
        """When copies of a datagram sent now arrive; none where it is dropped."""
        shape = self.shape
        draws = [chance.random() for _ in range(4)]
        self.sent += 1
        if size + HEADERS > shape.mtu:
            self.dropped += 1
            return []
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
        self._hosts: dict[str, SimulatedHost] = {}
        self._holders: dict[str, SimulatedHost] = {}
        self._boxes = NatBoxes(self._holders.__contains__, lambda: self._chance.getrandbits(64))
        self._flying: list[tuple[float, int, bytes, Address, Address]] = []
        self._count = 0
        self._next_port = 49152
        self._trace = hashlib.sha256()

    @property
    def trace(self) -> str:
        """The hash of everything that was sent so far."""
        return self._trace.hexdigest()

    @property
    def sent(self) -> int:
        """Datagrams that were put on a link so far."""
        return sum(link.sent for link in self._links.values())

    def at(self, ip: str, name: str | None = None) -> SimulatedHost:
        """The host that began with this address, made if need be; others may also resolve it by `name`."""
        if name is not None:
            self._names[name] = ip
        if ip not in self._hosts:
            self._hosts[ip] = SimulatedHost(self, ip)
        return self._hosts[ip]

    def nat(self, public_ip: str, inside: Iterable[str], shape: NatShape | None = None) -> NatBox:
        """Put hosts' addresses, or other boxes' public ones, behind a new box. Raises ValueError."""
        return self._boxes.add(public_ip, inside, shape or NatShape())

    def box(self, public_ip: str) -> NatBox:
        """The box with a public address. Raises KeyError."""
        return self._boxes.box(public_ip)

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

    def lose(self, source: str, target: str) -> None:
        """Lose all that goes in this one direction."""
        link = self.link(source, target)
        link.shape = dataclasses.replace(link.shape, loss=1.0)

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
        return self.at(ip).bind((ip, port))

    def free_port(self) -> int:
        """A port that no host has."""
        self._next_port += 1
        return self._next_port - 1

    def attach(self, host: SimulatedHost, addresses: Sequence[str]) -> None:
        """Know a host by these addresses instead of those it has. Raises ValueError when they are not to be had."""
        taken = [ip for ip in addresses if self._holders.get(ip, host) is not host or self._boxes.is_public(ip)]
        if taken:
            raise ValueError(f"somebody else has {', '.join(taken)}")
        for ip in host.addresses:
            del self._holders[ip]
        self._holders.update(dict.fromkeys(addresses, host))

    def together(self, one: str, other: str) -> bool:
        """Whether two addresses are behind the same NAT box."""
        return self._boxes.together(one, other)

    def send(self, data: bytes, source: Address, target: Address) -> None:
        """Put one datagram on its link, as the boxes on its way out leave it."""
        now = self._loop.time()
        seen = self._boxes.leave(source, target, now)
        if seen is None:
            self._note(f"{source[0]}>{target[0]}", len(data), "kept in")
            return
        link = self.link(source[0], self._boxes.behind(target))
        arrivals = link.deliveries(now, len(data), self._chance)
        self._note(link.name, len(data), len(arrivals))
        for arrival in arrivals:
            self._count += 1
            heapq.heappush(self._flying, (arrival, self._count, data, seen, target))
            self._loop.call_at(arrival, self._deliver_due)

    def _note(self, path: str, size: int, verdict: int | str) -> None:
        self._trace.update(f"{self._loop.time():.9f} {path} {size} {verdict}\n".encode())

    def _deliver_due(self) -> None:
        """Hand over what has arrived, in order of arrival: the loop does not keep timers of one instant in order.

        Boxes on the way in are asked now and not when it was sent: they may have been opened meanwhile.
        """
        now = self._loop.time()
        due: dict[Address, list[tuple[bytes, Address]]] = {}
        while self._flying and self._flying[0][0] <= now:
            _, _, data, source, target = heapq.heappop(self._flying)
            inside = self._boxes.enter(source, target, now)
            if inside is None:
                self._note(f"{source[0]}>{target[0]}", len(data), "kept out")
            else:
                due.setdefault(inside, []).append((data, source))
        for address, batch in due.items():
            holder = self._holders.get(address[0])
            if holder is not None:
                holder.receive(address, batch)
