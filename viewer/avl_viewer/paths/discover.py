"""Finds hosts that announce themselves on the local network, by multicast DNS (RFC 6762, RFC 6763).

Anybody on the network may answer, with anything: what is found is a hint where to knock, and the handshake decides who
opens. So each answer is held to bounds, and what does not fit is left out without a word.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zeroconf import ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from avl_protocol.endpoint.addresses.interfaces import Interfaces, LocalAddress, SystemInterfaces
from avl_protocol.wire import device_id
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.target import join

SERVICE = "_avl._udp.local."
VERSION = b"1"
#: Announcements looked at, addresses of each, bytes of an ID with its dashes, characters of a name.
MOST_ANSWERS, MOST_ADDRESSES, LONGEST_ID, LONGEST_NAME = 256, 16, 40, 63


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """One announcement: device ID, the name that its host gives itself, IP literal and UDP port."""

    device_id: str
    name: str
    host: str
    port: int

    @property
    def target(self) -> str:
        """The TARGET to connect to."""
        return f"avl://{join(self.host, self.port)}/{self.device_id}"


async def hosts_on_lan(seconds: float, interfaces: Interfaces | None = None) -> list[Found]:
    """Ask, and listen for `seconds`: the hosts that answered, sorted, each announcement once.

    `interfaces` are asked on (default: the system's, without loopback). Raises OSError where the system allows no
    multicast.
    """
    local = (interfaces or SystemInterfaces()).addresses()
    everything = [address.ip for address in local if "%" not in address.ip]
    if not everything:
        return []
    # As a host speaks: IPv4 wherever there is any.
    zeroconf = AsyncZeroconf(interfaces=[ip for ip in everything if ":" not in ip] or everything)
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    answers: dict[str, tuple[AsyncServiceInfo, asyncio.Task[bool]]] = {}

    def heard(*, name: str, state_change: ServiceStateChange, **_: Any) -> None:
        if state_change is ServiceStateChange.Removed or name in answers or len(answers) >= MOST_ANSWERS:
            return
        info = AsyncServiceInfo(SERVICE, name)
        left = max(1.0, (until - loop.time()) * 1000)
        answers[name] = info, loop.create_task(info.async_request(zeroconf.zeroconf, left))

    try:
        browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE, handlers=[heard])
        await asyncio.sleep(seconds)
        await browser.async_cancel()
    finally:
        for _, request in answers.values():
            request.cancel()
        await asyncio.gather(*(request for _, request in answers.values()), return_exceptions=True)
        await zeroconf.async_close()
    read = (
        understand(info.properties, info.parsed_addresses(), info.port, local)
        for info, request in answers.values()
        if not request.cancelled() and request.exception() is None
    )
    return sorted({found for found in read if found is not None})


def understand(
    properties: Mapping[bytes, bytes | None],
    addresses: Sequence[str],
    port: int | None,
    local: Sequence[LocalAddress],
) -> Found | None:
    """The content of an announcement, or None if it holds nothing useful."""
    if properties.get(b"v") != VERSION or port is None or not 0 < port < 65536:
        return None
    written = properties.get(b"id") or b""
    if len(written) > LONGEST_ID:
        return None
    try:
        device = device_id.to_text(device_id.from_text(written.decode("ascii")))
    except ValueError:
        return None
    host = _best(addresses[:MOST_ADDRESSES], local)
    return None if host is None else Found(device, _name(properties.get(b"name") or b""), host, port)


def _best(addresses: Sequence[str], local: Sequence[LocalAddress]) -> str | None:
    """The address to connect to: one in a network of ours, before one that is private at least, IPv4 first.

    Any other would let a stranger here send our packets anywhere.
    """
    networks = [address.network for address in local]
    usable: list[tuple[bool, int, str]] = []
    for text in addresses:
        try:
            ip = ipaddress.ip_address(text)
        except ValueError:
            continue
        near = any(ip.version == network.version and ip in network for network in networks)
        unfit = ip.is_loopback or ip.is_multicast or ip.is_unspecified or ip.is_link_local or ip.is_reserved
        if near or (ip.is_private and not unfit):
            usable.append((not near, ip.version, str(ip)))
    return min(usable, default=(False, 0, None))[2]


def _name(written: bytes) -> str:
    return for_dialog(written.decode("utf-8", "replace"), LONGEST_NAME)
