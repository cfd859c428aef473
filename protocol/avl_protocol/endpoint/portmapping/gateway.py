"""The default gateway: the router that packets to the rest of the world go to first, from Linux's table of routes."""

from __future__ import annotations

import ipaddress
from pathlib import Path

_TABLE = Path("/proc/net/route")
_UP, _GATEWAY = 0x1, 0x2


def read_gateway() -> str | None:
    """The default gateway's IPv4 address; None where there is none or the system keeps its routes elsewhere."""
    try:
        return default_gateway(_TABLE.read_text("ascii"))
    except OSError:
        return None


def default_gateway(table: str) -> str | None:
    """The gateway of the default route with the least metric, of a table as in proc_pid_net(5), `/proc/net/route`.

    Its addresses are in the byte order of this machine, which every Linux of today has the little end first.
    """
    found: list[tuple[int, str]] = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        try:
            destination, gateway, flags, mask = (int(fields[at], 16) for at in (1, 2, 3, 7))
            metric = int(fields[6])
        except (IndexError, ValueError):
            continue
        if destination == mask == 0 and gateway and flags & (_UP | _GATEWAY) == _UP | _GATEWAY:
            found.append((metric, str(ipaddress.IPv4Address(gateway.to_bytes(4, "little")))))
    return min(found, default=(0, None))[1]
