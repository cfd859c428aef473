"""Verdicts on a measured network, for a person: whether connections will be direct, and what would help if not.

The measuring is the programs' affair; here are the conclusions. Kinds of NAT are those of RFC 4787: how an outgoing
flow is given an outside port (mapping), and what may come in through it (filtering).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from avl_protocol.endpoint.addresses.interfaces import LocalAddress
from avl_protocol.endpoint.diagnosis.finding import Finding
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.wire.target import join

#: Bytes of UDP payload that every path of QUIC must carry (RFC 9000, section 14).
LEAST_DATAGRAM = 1200


class NatKind(Enum):
    """What stands between this machine and the others, as far as UDP is concerned."""

    NONE = "no NAT"
    FIREWALL = "no NAT, but a firewall"
    OPEN = "endpoint-independent mapping, open filtering"
    RESTRICTED = "endpoint-independent mapping, port-restricted filtering"
    SYMMETRIC = "symmetric"
    BLOCKED = "UDP is blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether something answered (None: it was not tried), and its round trip in seconds."""

    ok: bool | None = None
    rtt: float | None = None

    def __str__(self) -> str:
        return "yes" if self.rtt is None else f"yes, {self.rtt * 1000:.0f} ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetFacts:
    """What was measured, from one UDP socket of this machine. None: it was not, or could not be.

    `observed`: this socket's address as each destination saw it. `mapping`: whether destinations on two ports or
    addresses saw the same; None: to be told from `observed`. `filtering`: whether a packet came in that the relay had
    sent from its second port, to which this socket never sent. `ipv6`: the relay's answer over IPv6. `largest`: bytes
    of the largest UDP payload that got through.
    """

    relay: Address
    udp: Reach
    tcp: Reach = Reach()
    observed: tuple[Address, ...] = ()
    local: tuple[LocalAddress, ...] = ()
    mapping: bool | None = None
    filtering: bool | None = None
    ipv6: Reach = Reach()
    largest: int | None = None


def classify(facts: NetFacts) -> NatKind:
    """The kind of NAT that explains the facts."""
    if facts.udp.ok is False:
        return NatKind.BLOCKED
    seen = _seen(facts)
    if not seen:
        return NatKind.UNKNOWN
    own = {ipaddress.ip_address(address.ip.partition("%")[0]) for address in facts.local}
    if all((seen_as := ipaddress.ip_address(ip)) in own or seen_as.is_loopback for ip, _ in seen):
        return NatKind.FIREWALL if facts.filtering is False else NatKind.NONE
    same = facts.mapping
    if same is None and len(seen) > 1:
        same = len(set(seen)) == 1
    if same is None:
        return NatKind.UNKNOWN
    if not same:
        return NatKind.SYMMETRIC
    return NatKind.OPEN if facts.filtering else NatKind.RESTRICTED


def verdicts(facts: NetFacts, *, host: bool = True) -> list[Finding]:
    """The facts in a person's words, each with the next step where there is one. `host`: this machine is to be
    connected to, so that an open port is its own to give."""
    return [*_relay(facts), *_addresses(facts), *_nat(facts, host), *_six(facts), *_size(facts)]


def _seen(facts: NetFacts) -> list[Address]:
    """The addresses that destinations saw: IPv4 where it was used, since that family has NATs."""
    four = [address for address in facts.observed if ":" not in address[0]]
    return four or list(facts.observed)


def _relay(facts: NetFacts) -> Iterator[Finding]:
    where, port = join(*facts.relay), facts.relay[1]
    if facts.udp.ok:
        yield Finding(True, "UDP out", f"{facts.udp} to {where}")
        if facts.tcp.ok:
            yield Finding(True, "TCP out", f"{facts.tcp}; used only where UDP fails")
        elif facts.tcp.ok is False:
            yield Finding(True, "TCP out", f"no answer on TCP port {port}; not needed while UDP works")
    elif facts.udp.ok is False and facts.tcp.ok:
        yield Finding(
            False,
            "UDP out",
            f"UDP is blocked: {where} answers over TCP only ({facts.tcp}). avl uses TCP through the relay, and "
            "stutters where packets are lost.",
            f"ask who runs this network for UDP port {port} outbound",
        )
    elif facts.udp.ok is False:
        tried = "neither over UDP nor over TCP" if facts.tcp.ok is False else "over UDP"
        yield Finding(
            False,
            "relay",
            f"{where} does not answer, {tried}.",
            f"check the address; on the relay's machine, that avl-relay runs and its firewall lets in UDP and TCP "
            f"port {port}; here, that other places on the internet can be reached",
        )


def _addresses(facts: NetFacts) -> Iterator[Finding]:
    if not facts.local:
        yield Finding(
            False,
            "addresses",
            "This machine has no address but its own loopback.",
            "connect it to a network: plug in a cable or join a Wi-Fi",
        )
        return
    own = ", ".join(f"{address.ip} ({address.interface})" for address in facts.local)
    outside = ", ".join(join(*address) for address in dict.fromkeys(facts.observed))
    yield Finding(True, "addresses", f"{own}; seen from outside as {outside}" if outside else own)


def _nat(facts: NetFacts, host: bool) -> Iterator[Finding]:
    kind = classify(facts)
    if kind is NatKind.NONE:
        text = "none: the relay sees this machine's own address; direct connections work"
        yield Finding(True, "NAT", text)
    elif kind is NatKind.FIREWALL:
        text = (
            "none, but a firewall lets in answers only: direct connections work unless the other side is behind a "
            "symmetric NAT"
        )
        yield Finding(True, "NAT", text)
    elif kind is NatKind.OPEN:
        text = "endpoint-independent mapping, filtering lets in other ports: direct connections work"
        yield Finding(True, "NAT", text)
    elif kind is NatKind.RESTRICTED:
        how = "port-restricted filtering" if facts.filtering is False else "filtering not known"
        text = f"endpoint-independent mapping, {how}: direct connections work unless the other side is symmetric"
        yield Finding(True, "NAT", text)
    elif kind is NatKind.SYMMETRIC:
        text = (
            "symmetric: each destination sees another port of this machine. Sessions with machines behind a symmetric "
            "or port-restricted NAT are relayed, which works and is slower."
        )
        yield Finding(False, "NAT", text, _open_port(host))
    elif kind is NatKind.UNKNOWN:
        text = "not known: too few answers came to compare. Whether connections are direct shows when one is tried."
        yield Finding(True, "NAT", text)


def _open_port(host: bool) -> str:
    if host:
        return (
            "open a UDP port: avl-host run --map-port asks the router for one; or forward one in the router's settings "
            "and give it with --listen 0.0.0.0:PORT"
        )
    return (
        "try another network; or open a UDP port at the host, with avl-host run --map-port or --listen 0.0.0.0:PORT: "
        "then the NAT on this side does not matter"
    )


def _six(facts: NetFacts) -> Iterator[Finding]:
    if not any(_global_six(address) for address in facts.local):
        yield Finding(True, "IPv6", "none; IPv4 is used")
    elif facts.ipv6.ok:
        yield Finding(True, "IPv6", f"{facts.ipv6} to the relay")
    elif facts.ipv6.ok is False:
        yield Finding(True, "IPv6", "this machine has it, but the relay does not answer over it; IPv4 is used")
    else:
        yield Finding(
            True, "IPv6", "this machine has it, and the relay has no IPv6 address; used between machines only"
        )


def _global_six(address: LocalAddress) -> bool:
    ip = ipaddress.ip_address(address.ip.partition("%")[0])
    return ip.version == 6 and ip.is_global


def _size(facts: NetFacts) -> Iterator[Finding]:
    if facts.largest is None:
        return
    if facts.largest >= LEAST_DATAGRAM:
        yield Finding(True, "MTU", f"datagrams of {facts.largest} bytes get through")
        return
    yield Finding(
        False,
        "MTU",
        f"Only datagrams of up to {facts.largest} bytes get through; QUIC needs {LEAST_DATAGRAM}, so that UDP is of no "
        "use here and TCP is used.",
        "set an MTU of at least 1280 on this machine's VPN or network interface (ip link set dev NAME mtu 1280)",
    )
