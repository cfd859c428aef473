"""An outside port from a router that speaks UPnP alone: WANIPConnection and WANPPPConnection of its Internet Gateway
Device.

UPnP trusts any answer and follows any address that a description names. Here only the default gateway is asked, by
unicast, and no address but its own is ever called, redirected or not; what it says is held to bounds.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from async_upnp_client.client import UpnpRequester, UpnpService
from async_upnp_client.client_factory import UpnpFactory
from async_upnp_client.const import HttpRequest, HttpResponse
from async_upnp_client.exceptions import UpnpActionError, UpnpCommunicationError, UpnpError
from async_upnp_client.search import SsdpSearchListener

from avl_protocol.endpoint.portmapping.gateway import read_gateway
from avl_protocol.endpoint.portmapping.portmap import BY_HAND, LIFETIME, TRIES, Mapping
from avl_protocol.wire.foreign import for_terminal

PORT = 1900
DEVICE = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
#: Services that map ports, preferred first.
SERVICES = (
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
)
#: Error of AddPortMapping: another machine has this outside port. So many further ones are tried.
CONFLICT, FURTHER = 718, 3
#: Seconds that the router has for one answer, and bytes that it may have.
LIMIT, LARGEST = 5.0, 1 << 18
_FAILURES = (UpnpError, ValueError, LookupError, OSError)


class UpnpMapper:
    """Asks the default gateway by UPnP.

    A router that gives ports without an end is not asked for one: nobody would close it after a crash.
    """

    def __init__(
        self,
        *,
        gateway: Callable[[], str | None] = read_gateway,
        port: int = PORT,
        tries: tuple[float, ...] = TRIES,
        lifetime: int = LIFETIME,
    ) -> None:
        self._gateway = gateway
        self._port = port
        self._tries = tries
        self._lifetime = lifetime
        self.reason = ""

    async def map(self, internal_port: int) -> Mapping | None:
        return await self._map(internal_port, list(range(internal_port, internal_port + FURTHER + 1)))

    async def renew(self, mapping: Mapping) -> Mapping | None:
        if not self._still(mapping):
            return None
        return await self._map(mapping.internal_port, [mapping.port])

    async def release(self, mapping: Mapping) -> None:
        if not self._still(mapping):
            return
        try:
            service, _ = await self._connection(mapping.gateway)
            await service.action("DeletePortMapping").async_call(
                NewRemoteHost="", NewExternalPort=mapping.port, NewProtocol="UDP"
            )
        except _FAILURES as error:
            self.reason = f"The router {mapping.gateway} did not take its port back ({_words(error)})."

    async def _map(self, inside: int, wanted: list[int]) -> Mapping | None:
        gateway = self._gateway()
        if gateway is None:
            self.reason = f"No router was found that could be asked for a port: {BY_HAND}."
            return None
        try:
            service, ip = await self._connection(gateway)
            port = await self._add(service, _own_address(gateway), inside, [port for port in wanted if port < 65536])
        except _FAILURES as error:
            self.reason = f"The router {gateway} gave no port by UPnP ({_words(error)}): {BY_HAND}."
            return None
        self.reason = ""
        return Mapping(
            ip=ip, port=port, lifetime=float(self._lifetime), internal_port=inside, gateway=gateway, method="UPnP"
        )

    async def _add(self, service: UpnpService, own: str, inside: int, wanted: list[int]) -> int:
        """Add a mapping; its outside port. Raises UpnpError."""
        for port in wanted:
            try:
                await service.action("AddPortMapping").async_call(
                    NewRemoteHost="",
                    NewExternalPort=port,
                    NewProtocol="UDP",
                    NewInternalPort=inside,
                    NewInternalClient=own,
                    NewEnabled=True,
                    NewPortMappingDescription="avl",
                    NewLeaseDuration=self._lifetime,
                )
            except UpnpActionError as error:
                if error.error_code != CONFLICT or port == wanted[-1]:
                    raise
            else:
                return port
        raise UpnpError(message="no port is left to try")

    async def _connection(self, gateway: str) -> tuple[UpnpService, str]:
        """The router's connection that has an outside address, and that address. Raises as _FAILURES say."""
        location = await self._find(gateway)
        device = await UpnpFactory(OnlyTheRouter(gateway), non_strict=True).async_create_device(location)
        services = {service.service_type: service for service in device.all_services}
        for kind in SERVICES:
            if kind in services:
                answer = await services[kind].action("GetExternalIPAddress").async_call()
                ip = ipaddress.IPv4Address(str(answer.get("NewExternalIPAddress")))
                if not ip.is_unspecified:
                    return services[kind], str(ip)
        raise UpnpError(message="it has no connection to give ports of")

    async def _find(self, gateway: str) -> str:
        """Where the router's description is. Raises UpnpError when it does not say."""
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def heard(headers: Any) -> None:
            location = str(headers.get("location", ""))
            if not found.done() and _is_at(location, gateway):
                found.set_result(location)

        listener = SsdpSearchListener(callback=heard, target=(gateway, self._port), timeout=1, search_target=DEVICE)
        await listener.async_start()
        try:
            for seconds in self._tries:
                # Some systems say at once that nobody listens; the library then only writes it to its log.
                listener.async_search()
                await asyncio.wait([found], timeout=seconds)
                if found.done():
                    return found.result()
        finally:
            listener.async_stop()
        raise UpnpError(message="no answer")

    def _still(self, mapping: Mapping) -> bool:
        if self._gateway() == mapping.gateway:
            return True
        self.reason = f"This machine is no longer behind the router {mapping.gateway}: ask its new one for a port."
        return False


class OnlyTheRouter(UpnpRequester):
    """Fetches from one address, follows no redirection and reads no more than LARGEST bytes."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway

    async def async_http_request(self, http_request: HttpRequest) -> HttpResponse:
        """As UpnpRequester says. Raises UpnpCommunicationError."""
        if not _is_at(http_request.url, self._gateway):
            raise UpnpCommunicationError(message="it points to another machine")
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT)) as session,
                session.request(
                    http_request.method,
                    http_request.url,
                    headers=http_request.headers,
                    data=http_request.body,
                    allow_redirects=False,
                ) as response,
            ):
                body = bytearray()
                async for part in response.content.iter_chunked(1 << 14):
                    body += part
                    if len(body) > LARGEST:
                        raise UpnpCommunicationError(message="its answer is too long")
                return HttpResponse(response.status, response.headers, body.decode("utf-8", "replace"))
        except TimeoutError:
            raise UpnpCommunicationError(message=f"no answer within {LIMIT:g} s") from None
        except aiohttp.ClientError as error:
            raise UpnpCommunicationError(message=str(error)) from error


def _is_at(url: str, gateway: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname == gateway and parts.port != 0
    except ValueError:
        return False


def _own_address(gateway: str) -> str:
    """The address of this machine that the router sees; asking the kernel sends nothing. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect((gateway, PORT))
        return str(asked.getsockname()[0])


def _words(error: BaseException) -> str:
    """An error in one short line, whatever the router put into it."""
    # The library's errors print as the tuple of their arguments, of which the last is the message.
    said = str(error.args[-1]) if error.args else str(error)
    return for_terminal(said, 120) or type(error).__name__
