"""The distance between two network namespaces, for every protocol: a TUN device each, and packets that cross late.

`python -m interop.bench.rig.distance --delay MS NEAR FAR`. `shaper` delays the datagrams of one socket; a benchmark
that compares products with each other has to delay TCP as well, and not every kernel has a qdisc for that. The devices
are made here and moved into their namespaces by who starts this, which reads "up" first: a TUN device stays with
whoever opened it, wherever it is moved to. It runs until its standard input ends.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass, field

#: linux/if_tun.h: set a device's name and kind; a device of whole packets without a header.
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
#: Bytes of the largest packet, and packets taken from one device before the other gets its turn.
LARGEST, TAKEN = 65536, 64
#: Before the programs between which it stands, where the system allows it: a late packet would be a longer distance.
PRIORITY = -15


@dataclass(slots=True)
class Way:
    """Packets on their way in one direction; `delay` in seconds. Order is kept."""

    delay: float
    _waiting: deque[tuple[float, bytes]] = field(default_factory=deque)

    def put(self, packet: bytes, now: float) -> None:
        """A packet has set out."""
        self._waiting.append((now + self.delay, packet))

    def take(self, now: float) -> bytes | None:
        """A packet that has arrived by now, if there is one."""
        return self._waiting.popleft()[1] if self._waiting and self._waiting[0][0] <= now else None

    def due(self) -> float | None:
        """When the next one arrives; None while nothing is on its way."""
        return self._waiting[0][0] if self._waiting else None


def device(name: str) -> int:
    """A new TUN device of this network, as a file descriptor. Raises OSError where that is not allowed."""
    opened = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(opened, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return opened


def carry(one: int, other: int, delay: float) -> None:
    """Carry packets both ways until standard input ends."""
    across = {one: other, other: one}
    ways = {one: Way(delay), other: Way(delay)}
    while True:
        now = time.monotonic()
        for source, way in ways.items():
            while (packet := way.take(now)) is not None:
                try:
                    os.write(across[source], packet)
                except OSError:
                    continue  # that end is down or full: the packet is lost, as packets are
        due = [at for way in ways.values() if (at := way.due()) is not None]
        left = max(0.0, min(due) - time.monotonic()) if due else None
        heard: list[int] = select.select([one, other, sys.stdin.fileno()], [], [], left)[0]
        if sys.stdin.fileno() in heard:
            return
        now = time.monotonic()
        for source in heard:
            for _ in range(TAKEN):
                try:
                    ways[source].put(os.read(source, LARGEST), now)
                except OSError:
                    break  # nothing more, or not up yet


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--delay", type=float, required=True, help="milliseconds each way")
    parser.add_argument("near")
    parser.add_argument("far")
    chosen = parser.parse_args()
    one, other = device(chosen.near), device(chosen.far)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    except PermissionError:
        pass
    print("up", flush=True)
    carry(one, other, chosen.delay / 1000)


if __name__ == "__main__":
    main()
