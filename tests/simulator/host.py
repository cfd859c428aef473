"""SimulatedHost: one machine's addresses and sockets, which come and go as they do on a laptop.

The machine sends from the first of its addresses, as the route with the best metric would have it. Programs keep their
sockets when the addresses change, and learn of it from `on_change`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from avl_protocol.endpoint.addresses.interfaces import LocalAddress, Watch
from avl_protocol.endpoint.udp.network import Address, Batch, Pinned

#: What binds every address of a host, now and later.
EVERY = ("", "0.0.0.0", "::")


class Medium(Protocol):
    """What a host is attached to."""

    def send(self, data: bytes, source: Address, target: Address) -> None:
        """Carry one datagram."""

    def attach(self, host: SimulatedHost, addresses: Sequence[str]) -> None:
        """Know a host by these addresses instead of those it has. Raises ValueError when another has one."""

    def together(self, one: str, other: str) -> bool:
        """Whether two addresses are in one private network."""

    def resolve(self, name: str) -> str:
        """The address of a name or address. Raises OSError."""

    def free_port(self) -> int:
        """A port that no host has."""


class SimulatedHost:
    """What a program on one host takes for the network (avl_protocol.endpoint.udp.network.Network).

    `ip` is the address that the host began with and is known by to `SimulatedNetwork.at`. `card`: bytes of a UDP
    payload that its network card takes; it refuses a larger one at once. While it is `asleep`, as with its lid closed,
    it neither sends nor receives; its timers go on.
    """

    def __init__(self, medium: Medium, ip: str) -> None:
        self.ip = ip
        self.addresses: list[str] = []
        self.asleep = False
        self.card = 1 << 16
        self.on_change: list[Callable[[], None]] = []
        self._medium = medium
        self._sockets: dict[Address, SimulatedSocket] = {}
        self.set_addresses([ip])

    def local_addresses(self) -> list[str]:
        """Its addresses now, the preferred one first."""
        return list(self.addresses)

    def set_addresses(self, addresses: Sequence[str]) -> None:
        """Have these addresses from now on, and tell those who asked. Raises ValueError when another host has one."""
        self._medium.attach(self, addresses)
        self.addresses = list(addresses)
        for changed in list(self.on_change):
            changed()

    def preferred_source(self, target_ip: str) -> str:
        """The address that a datagram to `target_ip` leaves from: one of the same private network if there is one, else
        the first of the family. Raises OSError when no route leads there."""
        same = [ip for ip in self.addresses if (":" in ip) == (":" in target_ip)]
        if not same:
            raise OSError(f"no route from {self.ip} to {target_ip}")
        return next((ip for ip in same if self._medium.together(ip, target_ip)), same[0])

    def bind(self, address: Address) -> SimulatedSocket:
        """Bind a port of one address of the host, or of every one. Raises OSError."""
        ip, port = address
        if ip in EVERY:
            ip = ""
        elif ip not in self.addresses:
            raise OSError(f"{ip} is no address of {self.ip}")
        port = port or self._medium.free_port()
        if any(taken == port and (not ip or other in ("", ip)) for other, taken in self._sockets):
            raise OSError(f"{ip or self.ip}:{port} is in use")
        made = self._sockets[ip, port] = SimulatedSocket(self, (ip, port))
        return made

    def unbind(self, address: Address) -> None:
        """Free an address; what is under way to it is lost."""
        self._sockets.pop(address, None)

    def source_for(self, target: Address) -> str | None:
        """The address that a datagram to `target` leaves from; None where no route leads there."""
        try:
            return self.preferred_source(target[0])
        except OSError:
            return None

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Addresses of a name."""
        if host in ("0.0.0.0", "::"):
            return [(self.addresses[0] if self.addresses else self.ip, port)]
        return [(self._medium.resolve(host), port)]

    def send(self, data: bytes, bound: Address, target: Address | Pinned) -> None:
        """Send what a socket bound to `bound` was given, unless the host can't."""
        to = (target[0], target[1])
        if len(target) == 3:
            source = target[2]
        elif bound[0]:
            source = bound[0]
        else:
            try:
                source = self.preferred_source(to[0])
            except OSError:
                return
        if not self.asleep and source in self.addresses and bound[0] in ("", source):
            self._medium.send(data, (source, bound[1]), to)

    def receive(self, target: Address, batch: Batch) -> None:
        """Hand what came to one of the host's addresses to the socket that is bound there."""
        found = self._sockets.get(target) or self._sockets.get(("", target[1]))
        if found is not None and found.receiver is not None and not self.asleep:
            if found.tells_local:
                batch = [(data, (source[0], source[1], target[0])) for data, source in batch]
            found.receiver(batch)


class SimulatedSocket:
    """A bound address (avl_protocol.endpoint.udp.network.DatagramSocket); targets may be pinned to a source."""

    def __init__(self, host: SimulatedHost, bound: Address) -> None:
        self._host = host
        self._bound = bound
        self.receiver: Callable[[Batch], None] | None = None
        self.tells_local = False
        self.undivided = True

    def tell_local(self) -> bool:
        self.tells_local = True
        return True

    @property
    def local_address(self) -> Address:
        """Where it is bound; for every address the preferred one stands."""
        addresses = self._host.addresses
        return self._bound[0] or (addresses[0] if addresses else self._host.ip), self._bound[1]

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        self.receiver = receiver

    def send_batch(self, batch: Batch) -> Sequence[int]:
        refused = []
        for index, (data, target) in enumerate(batch):
            if len(data) > self._host.card:
                refused.append(index)
            else:
                self._host.send(data, self._bound, target)
        return refused

    def close(self) -> None:
        self._host.unbind(self._bound)


class SimulatedInterfaces:
    """A host's addresses as a program asks for them (avl_protocol.endpoint.addresses.interfaces.Interfaces): networks
    of 256."""

    def __init__(self, host: SimulatedHost) -> None:
        self._host = host

    def addresses(self) -> list[LocalAddress]:
        """Its addresses now."""
        return sorted(LocalAddress(ip, 64 if ":" in ip else 24, "eth0") for ip in self._host.addresses)

    def watch(self, callback: Callable[[], None]) -> Watch:
        """Call at each change."""
        self._host.on_change.append(callback)
        return _Watch(self._host, callback)


class _Watch:
    """A wish to be called when a simulated host's addresses change."""

    def __init__(self, host: SimulatedHost, callback: Callable[[], None]) -> None:
        self._host, self._callback = host, callback

    def close(self) -> None:
        """Never call again."""
        if self._callback in self._host.on_change:
            self._host.on_change.remove(self._callback)
