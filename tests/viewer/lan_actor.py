"""A host that announces itself, among others that announce nonsense: for a network of its own.

    python -m tests.viewer.lan_actor DEVICE-ID NAME

It writes `ready` once everybody has announced, and takes it all back when a line comes in; then it writes `gone`.
"""

from __future__ import annotations

import asyncio
import sys

from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from avl_host.paths.announce import SERVICE, Announcer
from avl_protocol.endpoint.addresses.interfaces import SystemInterfaces
from avl_protocol.endpoint.loop.runtime import run

#: What others claim: TXT record, addresses, port.
NONSENSE: list[tuple[dict[str, str | bytes], list[str], int]] = [
    ({}, ["10.77.0.1"], 1),
    ({"id": "not a device", "v": "1"}, ["10.77.0.1"], 1),
    ({"id": b"\xff" * 200, "v": "1", "name": b"\x1b[2J"}, ["10.77.0.1"], 1),
    ({"id": "DEVICE", "v": "2", "name": "tomorrow"}, ["10.77.0.1"], 1),
    ({"id": "DEVICE", "v": "1", "name": "elsewhere"}, ["8.8.8.8"], 1),
    ({"id": "DEVICE", "v": "1", "name": "no port"}, ["10.77.0.1"], 0),
]


async def announce(device_id: str, name: str) -> None:
    addresses = SystemInterfaces().addresses()
    announcer = Announcer()
    await announcer.start(device_id, name, 4433, addresses)
    await announcer.start(device_id, name, 4434, addresses)  # it moved
    others = AsyncZeroconf(interfaces=[address.ip for address in addresses])
    announced = []
    for number, (text, claimed, port) in enumerate(NONSENSE):
        filled = {key: device_id if value == "DEVICE" else value for key, value in text.items()}
        where = {"server": f"other-{number}.local.", "parsed_addresses": claimed}
        info = AsyncServiceInfo(SERVICE, f"other-{number}.{SERVICE}", port, properties=filled, **where)  # type: ignore[arg-type]
        announced.append(await others.async_register_service(info, cooperating_responders=True))
    await asyncio.gather(*announced)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await announcer.close()
    await announcer.close()
    await others.async_close()
    print("gone", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    run(announce(sys.argv[1], sys.argv[2]))
