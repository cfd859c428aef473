"""A small internet in network namespaces: a relay in the middle, a host and a viewer behind NAT gateways of the kernel.

What a simulated box does is what its author knew of NAT; these gateways are the code that runs in most homes. The
middle (RELAY, RELAY_TOO) routes between the gateways' public addresses; the host has one gateway, the viewer two, of
which its default route names one. IPv4 only, and no delays: this is about ports and addresses.

    relay ── gateway ── host
      ├───── gateway ──┐
      └───── gateway ── viewer
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from interop.bench.rig.netns import LinkImpossible, Namespace, Namespaces

#: Mapping as RFC 4787 (section 4.1) has it; filtering is address and port-dependent with both.
Kind = Literal["endpoint-independent", "symmetric"]

#: The middle's own addresses.
RELAY, RELAY_TOO = "198.51.100.1", "198.51.100.2"
#: External ports of datagrams after the first, second, ... rebinding, and then from the first again: above those that
#: Linux gives to sockets (up to 60999), since a port that fits is kept.
BLOCKS = ("61000-61999", "62000-62999", "63000-63999", "64000-64999")
#: Route metrics: of the preferred uplink, and of the first of all.
PREFERRED, FIRST = 50, 100

_ROUTE = "echo 1 >/proc/sys/net/ipv4/ip_forward"
#: Sources that are not of its own network have no way out of a gateway, as RFC 2827 asks.
_STRICT = "for each in all in; do echo 1 >/proc/sys/net/ipv4/conf/$each/rp_filter; done"
#: What nobody inside has asked for is dropped before it is an entry of the connection table. An entry would take the
#: port of the datagram that is about to leave for the same address, which would then leave from another.
_RULES = """
table ip box {
    chain wall { type filter hook prerouting priority raw; }
    chain stray { type filter hook prerouting priority mangle; iifname out ct state != { established, related } drop; }
    chain leave { type nat hook postrouting priority srcnat; }
}
"""


def _shell(inside: Namespace, *lines: str) -> None:
    """Run lines of shell inside, up to the first that fails. Raises LinkImpossible."""
    inside.run("sh", "-ec", "\n".join(lines))


class Gateway:
    """One NAT box: `public` outside, a /24 inside."""

    def __init__(self, inside: Namespace, kind: Kind, public: str) -> None:
        self.namespace = inside
        self.kind = kind
        self.public = public
        self._rebindings = 0
        inside.run("nft", _RULES)
        self._masquerade()

    def command(self, command: Sequence[str | Path]) -> list[str | Path]:
        """`command`, to be run on the gateway."""
        return self.namespace.command(command)

    def drop_udp(self, dropped: bool) -> None:
        """Be a firewall without UDP, or no longer."""
        wall = ["add rule ip box wall meta l4proto udp drop"] if dropped else []
        self.namespace.run("nft", "; ".join(["flush chain ip box wall", *wall]))

    def rebind(self) -> None:
        """Forget where datagrams go: those that go out next have another external port. TCP stays as it is."""
        self._rebindings += 1
        self._masquerade()
        command = self.namespace.command(["conntrack", "-D", "-p", "udp"])
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if "have been deleted" not in done.stderr:  # its status is 1 where there was nothing to forget
            raise LinkImpossible(f"conntrack: {done.stderr.strip()}")

    def _masquerade(self) -> None:
        how = " random,fully-random" if self.kind == "symmetric" else ""
        block = BLOCKS[(self._rebindings - 1) % len(BLOCKS)]
        ports = f" to :{block}" if self._rebindings else ""
        rules = [
            "flush chain ip box leave",
            f"add rule ip box leave oifname out meta l4proto udp masquerade{ports}{how}",
            f"add rule ip box leave oifname out masquerade{how}",
        ]
        self.namespace.run("nft", "; ".join(rules))


@dataclass(frozen=True, slots=True)
class Uplink:
    """A machine's interface and address in the private network of one gateway, whose address there is `router`."""

    device: str
    address: str
    router: str
    gateway: Gateway


class Machine:
    """Where a program of somebody behind NAT runs; `uplinks` are in the order of preference at the start."""

    def __init__(self, inside: Namespace, uplinks: Sequence[Uplink]) -> None:
        self.namespace = inside
        self.uplinks = tuple(uplinks)

    def command(self, command: Sequence[str | Path]) -> list[str | Path]:
        """`command`, to be run on the machine."""
        return self.namespace.command(command)

    def prefer(self, number: int) -> None:
        """Have the default route lead over this uplink, which is up."""
        _shell(self.namespace, self._default("replace", number, PREFERRED))

    def take_down(self, number: int) -> None:
        """Lose an uplink with its address, as when a cable is pulled; the other one is left."""
        device = self.uplinks[number].device
        _shell(self.namespace, f"ip address flush dev {device}", f"ip link set {device} down")

    def bring_up(self, number: int) -> None:
        """Have an uplink again, in its place of the start."""
        up = self.uplinks[number]
        lines = [f"ip address add {up.address}/24 dev {up.device}", f"ip link set {up.device} up"]
        _shell(self.namespace, *lines, self._default("add", number, FIRST + number))

    def _default(self, verb: str, number: int, metric: int) -> str:
        up = self.uplinks[number]
        return f"ip route {verb} default via {up.router} dev {up.device} metric {metric}"


class Natnet:
    """The whole of it, until it is closed or this process ends. Raises LinkImpossible."""

    def __init__(
        self,
        host: Kind = "endpoint-independent",
        viewer: tuple[Kind, Kind] = ("endpoint-independent", "endpoint-independent"),
    ) -> None:
        self._all = Namespaces("nft", "conntrack")
        self._gateways = 0
        try:
            self.relay = self._all.add()
            own = [f"ip address add {address}/32 dev lo" for address in (RELAY, RELAY_TOO)]
            _shell(self.relay, _ROUTE, *own)
            self.host = self._machine(host)
            self.viewer = self._machine(*viewer)
        except LinkImpossible:
            self.close()
            raise

    def close(self) -> None:
        """Take it all down; whatever runs inside has to be ended by who started it."""
        self._all.close()

    def __enter__(self) -> Natnet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _machine(self, *kinds: Kind) -> Machine:
        inside = self._all.add()
        made = Machine(inside, [self._uplink(inside, number, kind) for number, kind in enumerate(kinds)])
        for number in range(len(kinds)):
            made.bring_up(number)
        return made

    def _uplink(self, machine: Namespace, number: int, kind: Kind) -> Uplink:
        """A gateway, cabled to the middle and to a machine."""
        place, self._gateways = self._gateways, self._gateways + 1
        middle, public = (f"203.0.113.{4 * place + end}" for end in (1, 2))
        router, address, device = f"192.168.{place + 1}.1", f"192.168.{place + 1}.10", f"up{number}"
        box = self._all.add()
        _shell(
            self.relay,
            f"ip link add box{place} type veth peer name out netns {box.pid}",
            f"ip address add {middle}/30 dev box{place}",
            f"ip link set box{place} up",
        )
        _shell(
            box,
            f"ip link add in type veth peer name {device} netns {machine.pid}",
            f"ip address add {public}/30 dev out",
            f"ip address add {router}/24 dev in",
            "ip link set out up",
            "ip link set in up",
            f"ip route add default via {middle}",
            _ROUTE,
            _STRICT,
        )
        return Uplink(device, address, router, Gateway(box, kind, public))


def lacking() -> str:
    """Why this machine can't have such an internet, by trying; empty where it can."""
    try:
        Natnet().close()
    except LinkImpossible as impossible:
        return str(impossible)
    return ""
