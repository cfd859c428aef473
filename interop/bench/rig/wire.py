"""What lies between the host's side and the viewer's, and how many bytes have crossed it.

With a link, the host's side (host, relay, servers of other products) and the viewer's are two network namespaces, so
that the bytes of a product and nothing else are counted, in whatever protocol, and all products can be shaped alike.
Without, both are on this machine's loopback.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from interop.bench.rig.netns import FAR_DEVICE, NEAR, NEAR_DEVICE, Bottleneck, Cable, LinkImpossible, Namespace

Command = Sequence[str | Path]
#: Milliseconds of queue before a bottleneck.
QUEUE = 200.0


class Wire(Protocol):
    """What is between the two sides."""

    @property
    def address(self) -> str:
        """Where the host's side is reached by the viewer's."""

    def host_side(self, command: Command) -> list[str | Path]:
        """A command, to be run on the host's side."""

    def viewer_side(self, command: Command) -> list[str | Path]:
        """A command, to be run on the viewer's side."""

    def carried(self) -> int:
        """Bytes that have crossed so far, both directions together, headers included."""

    def close(self) -> None:
        """Take it down; what runs on its sides has been ended."""


def counted(table: Path, device: str) -> int:
    """Bytes that a device has received and sent so far, by a network's table (/proc/net/dev); 0 where it has none."""
    for line in table.read_text().splitlines():
        name, _, counters = line.partition(":")
        if name.strip() == device:
            fields = counters.split()
            return int(fields[0]) + int(fields[8])
    return 0


class Loopback:
    """This machine. What comes from the host goes through the relay, so that it crosses twice, and is counted by the
    sender and by the receiver each time."""

    @property
    def address(self) -> str:
        """See Wire."""
        return "127.0.0.1"

    def host_side(self, command: Command) -> list[str | Path]:
        """See Wire."""
        return list(command)

    def viewer_side(self, command: Command) -> list[str | Path]:
        """See Wire."""
        return list(command)

    def carried(self) -> int:
        """See Wire: the mean of the two hops."""
        return counted(Path("/proc/net/dev"), "lo") // 4

    def close(self) -> None:
        """See Wire."""


class Link:
    """A cable between two namespaces. `rate`: Mbit/s each way (0: as fast as it goes); `delay`: milliseconds each way.

    Raises LinkImpossible.
    """

    def __init__(self, rate: float = 0.0, delay: float = 0.0) -> None:
        self._cable = Cable(delay)
        self._bottlenecks: list[Bottleneck] = []
        if rate:
            ends: list[tuple[Namespace, str]] = [(self._cable.near, NEAR_DEVICE), (self._cable.far, FAR_DEVICE)]
            try:
                for end, device in ends:
                    self._bottlenecks.append(Bottleneck(end, device))
                    self._bottlenecks[-1].shape(rate * 1e6, round(rate * 1e6 / 8 * QUEUE / 1000))
            except LinkImpossible:
                self.close()
                raise
        self._table = Path("/proc", str(self._cable.near.pid), "net", "dev")

    @property
    def address(self) -> str:
        """See Wire."""
        return NEAR

    @property
    def distance(self) -> int | None:
        """The process that delays; None where nothing is delayed."""
        return self._cable.distance

    def host_side(self, command: Command) -> list[str | Path]:
        """See Wire."""
        return self._cable.near.command(command)

    def viewer_side(self, command: Command) -> list[str | Path]:
        """See Wire."""
        return self._cable.far.command(command)

    def carried(self) -> int:
        """See Wire."""
        return counted(self._table, NEAR_DEVICE)

    def close(self) -> None:
        """See Wire."""
        while self._bottlenecks:
            self._bottlenecks.pop().close()
        self._cable.close()
