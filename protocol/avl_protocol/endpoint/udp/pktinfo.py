"""Which of our addresses a datagram leaves from or came to: IP_PKTINFO and IPV6_PKTINFO (RFC 3542, section 6).

With it one socket uses two networks at once. The interface is named as well as the address: a packet that has the right
source and takes the default route would be dropped by the first router that checks (RFC 2827).
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from functools import lru_cache

import ifaddr

IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)
IPV6_RECVPKTINFO = getattr(socket, "IPV6_RECVPKTINFO", 49)
IPV6_PKTINFO = getattr(socket, "IPV6_PKTINFO", 50)
#: Bytes of ancillary data for one of them, its header included.
ROOM = 64
#: struct in_pktinfo, struct in6_pktinfo.
_FOUR, _SIX = struct.Struct("=i4s4s"), struct.Struct("=16si")

Ancillary = list[tuple[int, int, bytes]]


def enable(bound: socket.socket) -> bool:
    """Let a socket tell where datagrams came to; False where the system can't."""
    told = False
    for level, option in ((socket.IPPROTO_IP, IP_PKTINFO), (socket.IPPROTO_IPV6, IPV6_RECVPKTINFO)):
        if level == socket.IPPROTO_IPV6 and bound.family != socket.AF_INET6:
            continue
        try:
            bound.setsockopt(level, option, 1)
            told = True
        except OSError:
            continue
    return told


def local_address(ancillary: list[tuple[int, int, bytes]]) -> str | None:
    """The address that a datagram came to; None where its ancillary data does not say."""
    for level, kind, value in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(value) >= _FOUR.size:
            return socket.inet_ntop(socket.AF_INET, _FOUR.unpack_from(value)[2])
        if level == socket.IPPROTO_IPV6 and kind == IPV6_PKTINFO and len(value) >= _SIX.size:
            return _written(_SIX.unpack_from(value)[0])
    return None


@lru_cache(64)
def _written(packed: bytes) -> str:
    """One of our addresses, of which there are few and which comes with each datagram."""
    address = ipaddress.IPv6Address(packed)
    return str(address.ipv4_mapped or address)


def leaving_from(local: str, six: bool) -> Ancillary:
    """What makes a datagram leave from one of our addresses, over its interface. `six`: on a socket of IPv6."""
    return [_leaving(local, six)]


@lru_cache(64)
def _leaving(local: str, six: bool) -> tuple[int, int, bytes]:
    index = _interface_of(local)
    if ":" in local:
        packed = socket.inet_pton(socket.AF_INET6, local)
        return socket.IPPROTO_IPV6, IPV6_PKTINFO, _SIX.pack(packed, index)
    four = socket.inet_aton(local)
    if six:
        mapped = b"\x00" * 10 + b"\xff\xff" + four
        return socket.IPPROTO_IPV6, IPV6_PKTINFO, _SIX.pack(mapped, index)
    return socket.IPPROTO_IP, IP_PKTINFO, _FOUR.pack(index, four, b"\x00" * 4)


_known: dict[str, int] = {}


def forget_interfaces() -> None:
    """The machine's addresses have changed."""
    _known.clear()
    _leaving.cache_clear()


def _interface_of(local: str) -> int:
    """The index of the interface with an address; 0, the kernel's choice, where that is none to the outside."""
    if local not in _known:
        found = 0
        for adapter in ifaddr.get_adapters():
            if adapter.nice_name == "lo":
                continue
            if any((entry.ip if isinstance(entry.ip, str) else entry.ip[0]) == local for entry in adapter.ips):
                found = adapter.index or 0
        _known[local] = found
    return _known[local]
