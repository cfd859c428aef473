"""Messages with which a router is asked for an outside port: PCP's MAP (RFC 6887) and NAT-PMP (RFC 6886), UDP only.

Of NAT-PMP all is here, of PCP what a mapping of one's own IPv4 port takes. None if the message can't be understood or
answers another question: the caller goes on waiting.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

#: Where routers listen.
PORT = 5351
NONCE_BYTES = 12
#: Result codes, both protocols.
SUCCESS = 0
PCP_RESULTS = {
    1: "it does not speak this version",
    2: "it does not allow mappings (NOT_AUTHORIZED)",
    3: "it could not read the request",
    4: "it makes no mappings",
    7: "its own network is down",
    8: "it has no port left",
    9: "it maps no UDP",
    10: "this machine has as many mappings as it allows",
    11: "it can't give that outside port",
    12: "there is another NAT between this machine and it (ADDRESS_MISMATCH)",
}
NAT_PMP_RESULTS = {
    1: "it does not speak this version",
    2: "it does not allow mappings",
    3: "its own network is down",
    4: "it has no port left",
    5: "it makes no mappings",
}

_UDP, _ANSWER, _MAP = 17, 0x80, 1
_PCP_REQUEST = struct.Struct("!BBxxI16s12sB3xHH16s")
_PCP_ANSWER = struct.Struct("!BBxBII12x12sB3xHH16s")
_PCP_HEADER = struct.Struct("!BBxB")
_PMP_HEADER = struct.Struct("!BBH")
_PMP_ADDRESS = struct.Struct("!BBHI4s")
_PMP_REQUEST = struct.Struct("!BBxxHHI")
_PMP_MAPPING = struct.Struct("!BBHIHHI")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a router answered. Lifetime in seconds; `ip` is "" where the protocol tells it apart. `result` is a code."""

    result: int
    ip: str = ""
    port: int = 0
    lifetime: int = 0


def pcp_request(own: str, nonce: bytes, internal: int, lifetime: int, ip: str = "0.0.0.0", port: int = 0) -> bytes:
    """Ask for a mapping to this machine's address `own` and port `internal`; with a lifetime of 0 it is given up.

    `ip` and `port` are what one would like to have outside (RFC 6887, 11.1)."""
    return _PCP_REQUEST.pack(2, _MAP, lifetime, _mapped(own), nonce, _UDP, internal, port, _mapped(ip))


def pcp_answer(data: bytes, nonce: bytes, internal: int) -> Grant | None:
    """The answer to a request of that nonce and port. A refusal may be cut short (RFC 6887, 7.4)."""
    if len(data) < _PCP_HEADER.size:
        return None
    version, opcode, result = _PCP_HEADER.unpack_from(data)
    if version != 2 or opcode != _ANSWER | _MAP:
        return None
    if len(data) < _PCP_ANSWER.size:
        return Grant(result) if result != SUCCESS else None
    _, _, _, lifetime, _, named, protocol, inside, port, ip = _PCP_ANSWER.unpack_from(data)
    if (named, protocol, inside) != (nonce, _UDP, internal):
        return None
    outside = ipaddress.IPv6Address(ip)
    return Grant(result, str(outside.ipv4_mapped or outside), port, lifetime)


def speaks_nat_pmp(data: bytes) -> bool:
    """Whether a request of PCP was answered by a router that knows NAT-PMP alone (RFC 6887, 9)."""
    return len(data) >= _PMP_HEADER.size and data[0] == 0


def address_request() -> bytes:
    """NAT-PMP: ask for the outside address."""
    return bytes(2)


def address_answer(data: bytes) -> Grant | None:
    """NAT-PMP: the outside address, in a Grant without a port."""
    if len(data) < _PMP_HEADER.size:
        return None
    version, opcode, result = _PMP_HEADER.unpack_from(data)
    if version != 0 or opcode != _ANSWER:
        return None
    if result != SUCCESS:
        return Grant(result)
    if len(data) < _PMP_ADDRESS.size:
        return None
    return Grant(result, str(ipaddress.IPv4Address(_PMP_ADDRESS.unpack_from(data)[4])))


def mapping_request(internal: int, lifetime: int, port: int = 0) -> bytes:
    """NAT-PMP: ask for a mapping, if possible of that outside port; with a lifetime of 0 it is given up."""
    return _PMP_REQUEST.pack(0, _MAP, internal, port, lifetime)


def mapping_answer(data: bytes, internal: int) -> Grant | None:
    """NAT-PMP: the mapping of that port, in a Grant without an address."""
    if len(data) < _PMP_HEADER.size:
        return None
    version, opcode, result = _PMP_HEADER.unpack_from(data)
    if version != 0 or opcode != _ANSWER | _MAP:
        return None
    if len(data) < _PMP_MAPPING.size:
        return Grant(result) if result != SUCCESS else None
    _, _, _, _, inside, port, lifetime = _PMP_MAPPING.unpack_from(data)
    return Grant(result, "", port, lifetime) if inside == internal else None


def _mapped(ip: str) -> bytes:
    return ipaddress.IPv6Address(f"::ffff:{ip}").packed
