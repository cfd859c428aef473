"""NAT boxes: which address a datagram carries outside of its network, and who may answer to it.

The terms are those of RFC 4787: a mapping is an external port of one inside address, and filtering decides which
outside addresses may send to it. A box is hard on programs where the RFC leaves a choice: ports are never preserved,
only what goes out keeps a mapping or the permission of one outside address alive (section 4.3), and an inside host that
writes to the box's public address is seen with its external address (section 6).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from avl_protocol.endpoint.udp.network import Address

Mapping = Literal["endpoint-independent", "address-dependent", "symmetric"]
Filtering = Literal["endpoint-independent", "address-dependent", "port-restricted"]

#: External ports, and how many may have been used before those that were forgotten are given again.
FIRST_PORT, LAST_PORT, MANY = 1024, 65535, 30_000


@dataclass(frozen=True, slots=True)
class NatShape:
    """How a box behaves (RFC 4787, sections 4.1, 5, 6 and 4.3).

    `symmetric` is the RFC's "address and port-dependent mapping", `port-restricted` its "address and port-dependent
    filtering"; `idle` is seconds without an outbound datagram after which a mapping or a permission is forgotten.
    """

    mapping: Mapping = "endpoint-independent"
    filtering: Filtering = "port-restricted"
    hairpin: bool = True
    idle: float = 30.0


@dataclass(slots=True)
class _Held:
    """One mapping: the inside address, what of the outside it is for, and when something last went out to whom."""

    inside: Address
    outside: tuple[str | int, ...]
    contacts: dict[Address, float] = field(default_factory=dict)


class NatBox:
    """One box with one public address; made by NatBoxes.add.

    `block_udp` makes it a firewall that lets no datagram through. `dropped` counts what ended here.
    """

    def __init__(self, boxes: NatBoxes, public_ip: str, shape: NatShape, chance: random.Random) -> None:
        self.public_ip = public_ip
        self.shape = shape
        self.block_udp = False
        self.dropped = 0
        self._boxes = boxes
        self._chance = chance
        self._held: dict[int, _Held] = {}
        self._ports: dict[tuple[Address, tuple[str | int, ...]], int] = {}
        self._spent: set[int] = set()

    def rebind(self) -> None:
        """Forget all mappings: what goes out next gets another external port, and nobody is told."""
        self._held.clear()
        self._ports.clear()

    def move(self, public_ip: str) -> None:
        """Get another public address, as after a new dial-in. Raises ValueError when it is in use."""
        self._boxes.moved(self, public_ip)
        self.public_ip = public_ip
        self.rebind()

    def outward(self, inside: Address, target: Address, now: float) -> Address | None:
        """The external source of a datagram that leaves for `target`, mapped if need be; None: it is dropped."""
        if self.block_udp or (target[0] == self.public_ip and not self.shape.hairpin):
            return self._drop()
        key = (inside, self._outside(target))
        port = self._ports.get(key)
        if port is None or not self._alive(port, now):
            port = self._ports[key] = self._fresh_port()
            self._held[port] = _Held(*key)
        self._held[port].contacts[target] = now
        return self.public_ip, port

    def inward(self, source: Address, port: int, now: float) -> Address | None:
        """Where a datagram that came to an external port goes; None: it is dropped."""
        if self.block_udp or not self._alive(port, now):
            return self._drop()
        held = self._held[port]
        fresh = [who for who, at in held.contacts.items() if now - at < self.shape.idle]
        allowed = {
            "endpoint-independent": True,
            "address-dependent": source[0] in [who[0] for who in fresh],
            "port-restricted": source in fresh,
        }[self.shape.filtering]
        return held.inside if allowed else self._drop()

    def inside_of(self, port: int) -> Address | None:
        """Which inside address an external port belongs to at the moment."""
        held = self._held.get(port)
        return held.inside if held else None

    def _outside(self, target: Address) -> tuple[str | int, ...]:
        """The part of a target that makes a mapping of its own."""
        return {"endpoint-independent": (), "address-dependent": target[:1], "symmetric": target}[self.shape.mapping]

    def _alive(self, port: int, now: float) -> bool:
        """Whether a port is mapped, after forgetting it when it was not used for too long."""
        held = self._held.get(port)
        if held is not None and now - max(held.contacts.values()) >= self.shape.idle:
            del self._held[port], self._ports[held.inside, held.outside]
            held = None
        return held is not None

    def _fresh_port(self) -> int:
        """A port that nobody outside can still take for somebody else's."""
        if len(self._spent) > MANY:
            self._spent = set(self._held)
        while (port := self._chance.randint(FIRST_PORT, LAST_PORT)) in self._spent:
            continue
        self._spent.add(port)
        return port

    def _drop(self) -> Address | None:
        self.dropped += 1
        return None


class NatBoxes:
    """All boxes of a network, and the way through them.

    An address inside a box can be reached from inside the same box, and from further inside; from anywhere else only
    the box's public address can. `is_host` says which addresses no box can have; `entropy` seeds each box's ports.
    """

    def __init__(self, is_host: Callable[[str], bool], entropy: Callable[[], int]) -> None:
        self._is_host = is_host
        self._entropy = entropy
        self._inside: dict[str, NatBox] = {}
        self._public: dict[str, NatBox] = {}

    def add(self, public_ip: str, inside: Iterable[str], shape: NatShape) -> NatBox:
        """Put addresses, or the public addresses of other boxes, behind a new box. Raises ValueError."""
        inside = list(inside)
        taken = [ip for ip in inside if ip in self._inside]
        if public_ip in self._public or self._is_host(public_ip) or taken:
            raise ValueError(f"in use already: {', '.join(taken) or public_ip}")
        made = NatBox(self, public_ip, shape, random.Random(self._entropy()))
        outer = self._inside.get(public_ip)
        while outer is not None and outer.public_ip not in inside:
            outer = self._inside.get(outer.public_ip)
        if outer is not None or public_ip in inside:
            raise ValueError(f"{public_ip} would be behind itself")
        self._public[public_ip] = made
        self._inside.update(dict.fromkeys(inside, made))
        return made

    def box(self, public_ip: str) -> NatBox:
        """The box with a public address. Raises KeyError."""
        return self._public[public_ip]

    def moved(self, box: NatBox, public_ip: str) -> None:
        """Know a box by another address from now on. Raises ValueError when that is taken."""
        if public_ip in self._public or public_ip in self._inside or self._is_host(public_ip):
            raise ValueError(f"in use already: {public_ip}")
        self._public[public_ip] = self._public.pop(box.public_ip)
        outer = self._inside.pop(box.public_ip, None)
        if outer is not None:
            self._inside[public_ip] = outer

    def is_public(self, ip: str) -> bool:
        """Whether an address is a box's."""
        return ip in self._public

    def together(self, one: str, other: str) -> bool:
        """Whether two addresses are in one private network."""
        box = self._inside.get(one)
        return box is not None and box is self._inside.get(other)

    def leave(self, source: Address, target: Address, now: float) -> Address | None:
        """The source that is seen where `target` is an address of the network; None: dropped, or no way there."""
        box = self._inside.get(source[0])
        there = self._inside.get(target[0])
        while box is not there:
            if box is None:
                return None
            outside = box.outward(source, target, now)
            if outside is None:
                return None
            source, box = outside, self._inside.get(box.public_ip)
        return source

    def enter(self, source: Address, target: Address, now: float) -> Address | None:
        """The host's own address behind the boxes at `target`; None: a box lets nothing from `source` in."""
        while (box := self._public.get(target[0])) is not None:
            inside = box.inward(source, target[1], now)
            if inside is None:
                return None
            target = inside
        return target

    def behind(self, target: Address) -> str:
        """The host's own address that `target` stands for, or the last box's where nothing is mapped."""
        while (box := self._public.get(target[0])) is not None:
            inside = box.inside_of(target[1])
            if inside is None:
                break
            target = inside
        return target[0]
