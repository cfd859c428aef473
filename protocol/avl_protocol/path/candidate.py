"""Candidates: addresses at which a peer might be reached, and which of them may be sent anything (spec 08-paths, 8.3).

What a peer names is a wish. Nothing is sent to groups of machines, to this machine itself, or into private networks
that the peer can't be on: a session must not become a path to knock on doors at home.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from avl_protocol.wire.registry import MAX_CANDIDATES, CandidateKind

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Address = tuple[str, int]

#: Networks whose addresses mean another machine at every site (RFC 1918, RFC 6598, RFC 3927, RFC 4193).
PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7")
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One address, and how its owner knows it."""

    kind: CandidateKind
    host: str
    port: int

    @property
    def address(self) -> Address:
        """Where to send."""
        return self.host, self.port


@dataclass(frozen=True, slots=True)
class Site:
    """Where we are: our own networks ("192.168.1.7/24") and the addresses that relays see of us."""

    networks: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()


def to_rows(candidates: Sequence[Candidate]) -> tuple[tuple[Any, ...], ...]:
    """Candidates as they travel; those over the limit are left out."""
    return tuple((int(c.kind), c.host, c.port) for c in candidates[:MAX_CANDIDATES])


def from_rows(rows: Iterable[Sequence[Any]]) -> list[Candidate]:
    """The candidates of a peer's rows; what is no address is left out, and so is what exceeds the limit."""
    found: dict[Address, Candidate] = {}
    for row in list(rows)[:MAX_CANDIDATES]:
        if len(row) != 3 or [type(value) for value in row] != [int, str, int]:
            continue
        kind, host, port = row[0], _literal(row[1]), row[2]
        if kind in CandidateKind._value2member_map_ and host is not None and 0 < port < 65536:
            found.setdefault((str(host), port), Candidate(CandidateKind(kind), str(host), port))
    return list(found.values())


def reachable(candidates: Sequence[Candidate], site: Site, *, near: bool = False) -> list[Candidate]:
    """Those that may be sent punches, the nearest first (R-PATH-4).

    `near`: our own relay has said that it sees both ends at one address; what the peer says of that is no evidence.
    """
    own = [ipaddress.ip_interface(text) for text in site.networks]
    ranked = []
    for candidate in candidates:
        address = _literal(candidate.host)
        if address is None or not _single(address, own):
            continue
        ours = any(address in interface.network for interface in own)
        if _private(address) and not ours and not near:
            continue
        ranked.append((not ours, candidate.kind != CandidateKind.LOCAL, candidate))
    return [candidate for _, _, candidate in sorted(ranked, key=lambda row: row[:2])]


def is_lan(host: str, site: Site) -> bool:
    """Whether an address lies in one of our own networks, or is private and so somewhere near."""
    address = _literal(host)
    return address is not None and (_private(address) or in_own_network(host, site))


def in_own_network(host: str, site: Site) -> bool:
    """Whether an address lies in one of our own networks."""
    address = _literal(host)
    return address is not None and any(address in ipaddress.ip_interface(text).network for text in site.networks)


def observed_address(text: str) -> Address | None:
    """Read "IP port" of WELCOME and OBSERVED; None when it is none."""
    host, _, port = text.rpartition(" ")
    address = _literal(host)
    if address is None or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        return None
    return str(address), int(port)


def _literal(text: str) -> IP | None:
    """The address of a literal; one with a zone ("fe80::1%eth0") means something to its own machine only."""
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _private(address: IP) -> bool:
    return any(address.version == network.version and address in network for network in PRIVATE)


def _single(address: IP, own: Sequence[ipaddress.IPv4Interface | ipaddress.IPv6Interface]) -> bool:
    """Whether an address means one machine, and another than this one."""
    if address.is_multicast or address.is_unspecified or address.is_loopback or address.is_reserved:
        return False
    if address.version == 6 and address.is_link_local:
        return False  # it names no machine without its interface
    for interface in own:
        if address == interface.ip:
            return False
        network = interface.network
        ends = (network.network_address, network.broadcast_address)  # old systems broadcast to the former
        if network.version == 4 and network.num_addresses > 2 and address in ends:
            return False
    return str(address) != "255.255.255.255"
