"""Sources: where a client comes from, as limits count it, without telling its address (spec 03-wire, INCOMING).

One machine may have many addresses of a network, and one attacker many machines: so both the address and its network
are counted, each under a keyed hash that means nothing to who lacks the key.
"""

from __future__ import annotations

import hmac
import ipaddress

from avl_protocol.session.handshakelimits import NETWORK_BYTES, TAG_BYTES

#: The network of an address that is counted too: its prefix's length, by version.
NETWORK_PREFIX = {4: 24, 6: 48}


def source(host: str) -> str:
    """The unit that is counted: an IPv4 address, or the /64 of an IPv6 one."""
    if ":" not in host:
        return host
    return str(ipaddress.ip_network((host.partition("%")[0], 64), strict=False).network_address)


def network(host: str) -> str:
    """The network of an IP literal: the /24 of an IPv4 address, the /48 of an IPv6 one; what is no literal, itself."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, NETWORK_PREFIX[address.version]), strict=False).network_address)


def source_tag(secret: bytes, host: str) -> bytes:
    """The tag of an IP literal: half of it names the network, the other the address (of IPv6: the /64)."""
    of_network = hmac.digest(secret, b"network" + network(host).encode(), "sha256")[:NETWORK_BYTES]
    return of_network + hmac.digest(secret, b"source" + _unit(host).encode(), "sha256")[: TAG_BYTES - NETWORK_BYTES]


def same_source(one: str, other: str) -> bool:
    """Whether two IP literals are one source."""
    return bool(one) and _unit(one) == _unit(other)


def _unit(host: str) -> str:
    try:
        return source(host)
    except ValueError:
        return host
