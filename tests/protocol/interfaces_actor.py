"""A program that watches its machine's interfaces and writes a line for each call: for a network of its own.

    python -m tests.protocol.interfaces_actor asyncio|uvloop

It writes its addresses first, then again at each call, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import astuple

from avl_protocol.endpoint.addresses.interfaces import SystemInterfaces


async def watch() -> None:
    interfaces = SystemInterfaces()

    def tell() -> None:
        print(json.dumps([astuple(address) for address in interfaces.addresses()]), flush=True)

    watcher = interfaces.watch(tell)
    tell()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    watcher.close()


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.run(watch())
    else:
        asyncio.run(watch())
