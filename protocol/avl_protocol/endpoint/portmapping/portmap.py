"""An outside port from the router, so that others can connect to a machine behind its NAT: by PCP, else by NAT-PMP;
endpoint/portmapping/upnp.py asks by UPnP.

Off unless a person asks for it: it opens a way in. Only the default gateway is ever asked, a few times and no more.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from avl_protocol.endpoint.portmapping import pcp
from avl_protocol.endpoint.portmapping.gateway import read_gateway

T = TypeVar("T")

#: Seconds that are asked for, and the most that are believed.
LIFETIME, LONGEST_LIFETIME = 3600, 86400
#: Seconds that each try waits for its answer. RFC 6886 would wait a minute: nobody does, for a host to begin.
TRIES = (0.25, 0.5, 1.0)
BY_HAND = "forward a UDP port to this machine in the router's settings, and give it with --listen 0.0.0.0:PORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """An outside address and port that lead to a port here, for `lifetime` seconds from when it was given."""

    ip: str
    port: int
    lifetime: float
    internal_port: int
    gateway: str
    method: str
    nonce: bytes = field(default=b"", repr=False)

    @property
    def renew_after(self) -> float:
        """Seconds after which to renew: half of the lifetime (RFC 6886, 3.3; RFC 6887, 11.2.1)."""
        return self.lifetime / 2

    @property
    def public(self) -> bool:
        """Whether the internet reaches the address. If not, the router is behind another NAT itself."""
        return ipaddress.ip_address(self.ip).is_global


class PortMapper(Protocol):
    """Who gives outside ports."""

    @property
    def reason(self) -> str:
        """Why the last call gave nothing, and what to do instead; "" if it did."""

    async def map(self, internal_port: int) -> Mapping | None:
        """An outside port for a UDP port here, or None."""

    async def renew(self, mapping: Mapping) -> Mapping | None:
        """The mapping for another lifetime. Its address may be another; None: it is gone, and `map` may be tried."""

    async def release(self, mapping: Mapping) -> None:
        """Give it up. A router that does not answer forgets it when its lifetime is over."""


class GatewayMapper:
    """Asks the default gateway, by PCP, then by NAT-PMP. The answer that comes first decides which is spoken."""

    def __init__(
        self,
        entropy: Callable[[int], bytes],
        *,
        gateway: Callable[[], str | None] = read_gateway,
        port: int = pcp.PORT,
        tries: tuple[float, ...] = TRIES,
        lifetime: int = LIFETIME,
    ) -> None:
        self._entropy = entropy
        self._gateway = gateway
        self._port = port
        self._tries = tries
        self._lifetime = lifetime
        self.reason = ""

    async def map(self, internal_port: int) -> Mapping | None:
        gateway = self._gateway()
        if gateway is None:
            self.reason = f"No router was found that could be asked for a port: {BY_HAND}."
            return None
        line = await self._call(gateway)
        if line is None:
            return None
        try:
            nonce = self._entropy(pcp.NONCE_BYTES)
            mapping = await self._pcp(line, gateway, internal_port, nonce)
            if mapping is None and line.speaks_nat_pmp:
                mapping = await self._nat_pmp(line, gateway, internal_port)
        finally:
            line.close()
        return mapping

    async def renew(self, mapping: Mapping) -> Mapping | None:
        line = await self._again(mapping)
        if line is None:
            return None
        try:
            if mapping.method == "PCP":
                return await self._pcp(
                    line, mapping.gateway, mapping.internal_port, mapping.nonce, mapping.ip, mapping.port
                )
            return await self._nat_pmp(line, mapping.gateway, mapping.internal_port, mapping.port)
        finally:
            line.close()

    async def release(self, mapping: Mapping) -> None:
        line = await self._again(mapping)
        if line is None:
            return
        inside = mapping.internal_port
        try:
            if mapping.method == "PCP":
                request = pcp.pcp_request(line.own, mapping.nonce, inside, 0)
                await line.ask(request, lambda data: pcp.pcp_answer(data, mapping.nonce, inside), self._tries)
            else:
                request = pcp.mapping_request(inside, 0)
                await line.ask(request, lambda data: pcp.mapping_answer(data, inside), self._tries)
        finally:
            line.close()

    async def _call(self, gateway: str) -> _Line | None:
        try:
            _, line = await asyncio.get_running_loop().create_datagram_endpoint(
                _Line, remote_addr=(gateway, self._port)
            )
        except OSError as error:
            self.reason = f"The router {gateway} can't be reached ({error.strerror}): {BY_HAND}."
            return None
        return line

    async def _again(self, mapping: Mapping) -> _Line | None:
        """A line to the router that gave a mapping, unless this machine was moved to another one's network."""
        if self._gateway() != mapping.gateway:
            self.reason = f"This machine is no longer behind the router {mapping.gateway}: ask its new one for a port."
            return None
        return await self._call(mapping.gateway)

    async def _pcp(
        self, line: _Line, gateway: str, inside: int, nonce: bytes, ip: str = "0.0.0.0", port: int = 0
    ) -> Mapping | None:
        def understand(data: bytes) -> pcp.Grant | None:
            if pcp.speaks_nat_pmp(data):
                line.speaks_nat_pmp = True
                return pcp.Grant(1)
            return pcp.pcp_answer(data, nonce, inside)

        request = pcp.pcp_request(line.own, nonce, inside, self._lifetime, ip, port or inside)
        grant = await line.ask(request, understand, self._tries)
        if grant is None:
            line.speaks_nat_pmp = not line.refused  # some routers say nothing to a version that they don't know
        return self._mapping(grant, gateway, inside, "PCP", nonce, pcp.PCP_RESULTS)

    async def _nat_pmp(self, line: _Line, gateway: str, inside: int, port: int = 0) -> Mapping | None:
        address = await line.ask(pcp.address_request(), pcp.address_answer, self._tries)
        if address is None or address.result != pcp.SUCCESS:
            return self._mapping(address, gateway, inside, "NAT-PMP", b"", pcp.NAT_PMP_RESULTS)
        request = pcp.mapping_request(inside, self._lifetime, port or inside)
        grant = await line.ask(request, lambda data: pcp.mapping_answer(data, inside), self._tries)
        if grant is not None:
            grant = pcp.Grant(grant.result, address.ip, grant.port, grant.lifetime)
        return self._mapping(grant, gateway, inside, "NAT-PMP", b"", pcp.NAT_PMP_RESULTS)

    def _mapping(
        self,
        grant: pcp.Grant | None,
        gateway: str,
        inside: int,
        method: str,
        nonce: bytes,
        results: dict[int, str],
    ) -> Mapping | None:
        if grant is None:
            self.reason = f"The router {gateway} gives no ports (no answer to {method}): {BY_HAND}."
        elif grant.result != pcp.SUCCESS:
            why = results.get(grant.result, f"result {grant.result}")
            self.reason = f"The router {gateway} gave no port by {method}, {why}: {BY_HAND}."
        elif not grant.port or not grant.lifetime or ipaddress.ip_address(grant.ip).is_unspecified:
            self.reason = f"The router {gateway} gave a port by {method} that leads nowhere: {BY_HAND}."
        else:
            self.reason = ""
            lifetime = float(min(grant.lifetime, LONGEST_LIFETIME))
            return Mapping(
                ip=grant.ip,
                port=grant.port,
                lifetime=lifetime,
                internal_port=inside,
                gateway=gateway,
                method=method,
                nonce=nonce,
            )
        return None


class EitherMapper:
    """Asks one mapper after another until one gives a port; what one gave is renewed and given up with that one."""

    def __init__(self, *mappers: PortMapper) -> None:
        self._mappers = mappers
        self._gave: dict[str, PortMapper] = {}
        self.reason = ""

    async def map(self, internal_port: int) -> Mapping | None:
        for mapper in self._mappers:
            mapping = await mapper.map(internal_port)
            self.reason = mapper.reason
            if mapping is not None:
                self._gave[mapping.method] = mapper
                return mapping
        return None

    async def renew(self, mapping: Mapping) -> Mapping | None:
        mapper = self._gave[mapping.method]
        renewed = await mapper.renew(mapping)
        self.reason = mapper.reason
        return renewed

    async def release(self, mapping: Mapping) -> None:
        await self._gave[mapping.method].release(mapping)


class FixedMapper:
    """A double of GatewayMapper: gives `ip` and the port asked for, or nothing while `reason` is set."""

    def __init__(self, ip: str = "203.0.113.1", *, lifetime: float = 3600.0, reason: str = "") -> None:
        self.ip = ip
        self.lifetime = lifetime
        self.reason = reason
        self.mapped: list[Mapping] = []

    async def map(self, internal_port: int) -> Mapping | None:
        if self.reason:
            return None
        self.mapped.append(
            Mapping(
                ip=self.ip,
                port=internal_port,
                lifetime=self.lifetime,
                internal_port=internal_port,
                gateway="192.0.2.1",
                method="fixed",
            )
        )
        return self.mapped[-1]

    async def renew(self, mapping: Mapping) -> Mapping | None:
        await self.release(mapping)
        return await self.map(mapping.internal_port)

    async def release(self, mapping: Mapping) -> None:
        self.mapped = [kept for kept in self.mapped if kept != mapping]


class _Line(asyncio.DatagramProtocol):
    """A socket that is connected to the router, so that the kernel drops what others send."""

    def __init__(self) -> None:
        self.own = ""
        self.refused = False
        self.speaks_nat_pmp = False
        self._transport: asyncio.DatagramTransport | None = None
        self._take: Callable[[bytes], None] = lambda data: None
        self._give_up: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.own = transport.get_extra_info("sockname")[0]

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._take(data)

    def error_received(self, exc: Exception) -> None:
        self.refused = True
        self._give_up()

    async def ask(self, request: bytes, understand: Callable[[bytes], T | None], tries: tuple[float, ...]) -> T | None:
        """Send until an answer is understood; None when none came, or there is nobody to give it."""
        answer: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()

        def settle(value: T | None) -> None:
            if not answer.done():
                answer.set_result(value)

        def take(data: bytes) -> None:
            understood = understand(data)
            if understood is not None:
                settle(understood)

        self._take, self._give_up = take, lambda: settle(None)
        assert self._transport is not None
        for seconds in tries:
            if self.refused:
                return None
            self._transport.sendto(request)
            await asyncio.wait([answer], timeout=seconds)
            if answer.done():
                return answer.result()
        return None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
