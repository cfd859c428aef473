"""A router on loopback that speaks PCP, NAT-PMP, both or neither, and what is remembered of it."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Router(asyncio.DatagramProtocol):
    """Answers as RFC 6887 and RFC 6886 say. `deaf`: requests that it does not hear first."""

    pcp: bool = True
    nat_pmp: bool = True
    says_version: bool = True
    deaf: int = 0
    ip: str = "8.8.4.4"
    result: int = 0
    lifetime: int = 600
    lies: bool = False
    asked: list[bytes] = field(default_factory=list)
    mappings: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    _next: int = 40000

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked.append(data)
        if len(self.asked) <= self.deaf:
            return
        if data[0] == 2 and self.pcp:
            answer = self._pcp(data, addr[0])
        elif data[0] == 0 and self.nat_pmp:
            answer = self._nat_pmp(data)
        elif self.nat_pmp and self.says_version:
            answer = struct.pack("!BBHI", 0, 128 + data[1], 1, 7)
        else:
            return
        if self.lies:
            self.transport.sendto(bytes([answer[0], answer[1] ^ 1]) + answer[2:], addr)
            self.transport.sendto(answer[:40] + bytes(len(answer) - 40), addr)
            self.transport.sendto(b"", addr)
        self.transport.sendto(answer, addr)

    def _pcp(self, data: bytes, source: str) -> bytes:
        _, opcode, lifetime, own, nonce, protocol, inside, wanted, _ = struct.unpack("!BBxxI16s12sB3xHH16s", data)
        assert (opcode, protocol) == (1, 17)
        result = self.result
        if own != ipaddress.IPv6Address(f"::ffff:{source}").packed:
            result = 12
        if inside in self.mappings and self.mappings[inside][1] != nonce:
            result = 2
        port = self._keep(inside, wanted, lifetime, nonce) if not result else 0
        outside = ipaddress.IPv6Address(f"::ffff:{self.ip}").packed
        given = min(lifetime, self.lifetime)
        head = struct.pack("!BBBBII12x", 2, 0x81, 0, result, given, 7)
        return head + struct.pack("!12sB3xHH16s", nonce, protocol, inside, port, outside)

    def _nat_pmp(self, data: bytes) -> bytes:
        if data[1] == 0:
            return struct.pack("!BBHI4s", 0, 128, self.result, 7, ipaddress.IPv4Address(self.ip).packed)
        _, _, inside, wanted, lifetime = struct.unpack("!BBxxHHI", data)
        port = self._keep(inside, wanted, lifetime, b"") if not self.result else 0
        return struct.pack("!BBHIHHI", 0, 129, self.result, 7, inside, port, min(lifetime, self.lifetime))

    def _keep(self, inside: int, wanted: int, lifetime: int, nonce: bytes) -> int:
        if lifetime == 0:
            self.mappings.pop(inside, None)
            return 0
        if inside not in self.mappings:
            taken = wanted == 4433
            self._next += 1
            self.mappings[inside] = self._next if taken or not wanted else wanted, nonce
        return self.mappings[inside][0]
