"""Tells the local network, by multicast DNS (RFC 6762, RFC 6763), that this host can be connected to.

Off unless a person asks for it: a device ID tells everybody on a café's Wi-Fi that the same machine is there again.
"""

from __future__ import annotations

from collections.abc import Sequence

from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from avl_protocol.endpoint.addresses.interfaces import LocalAddress

SERVICE = "_avl._udp.local."
VERSION = "1"
#: Bytes of the name that travel: as many as a label of DNS may have.
LONGEST_NAME = 63


class Announcer:
    """One host's announcement. It speaks on the interfaces of the addresses that it announces, and on no others."""

    def __init__(self) -> None:
        self._zeroconf: AsyncZeroconf | None = None

    async def start(self, device_id: str, name: str, port: int, addresses: Sequence[LocalAddress]) -> None:
        """Announce; again, to announce anew after a move, once the former announcement is taken back.

        Without addresses nothing is announced. Raises OSError where the system allows no multicast.
        """
        await self.close()
        announced = [address.ip for address in addresses if "%" not in address.ip]
        if not announced:
            return
        info = AsyncServiceInfo(
            SERVICE,
            f"{device_id}.{SERVICE}",
            port,
            properties={"id": device_id, "v": VERSION, "name": _cut(name)},
            server=f"avl-{device_id}.local.".lower(),
            parsed_addresses=announced,
        )
        # IPv4 carries both kinds of addresses; IPv6 is spoken where there is nothing else.
        spoken = [ip for ip in announced if ":" not in ip] or announced
        self._zeroconf = AsyncZeroconf(interfaces=spoken)
        # A device ID is unique: nobody needs to be asked whether the name is free, and nobody can claim it is not.
        await (await self._zeroconf.async_register_service(info, cooperating_responders=True))

    async def close(self) -> None:
        """Take the announcement back. Closing twice does nothing."""
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is not None:
            await zeroconf.async_close()


def _cut(name: str) -> str:
    return name.encode()[:LONGEST_NAME].decode(errors="ignore")
