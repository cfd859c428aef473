"""What an endpoint needs of a network: sockets that move batches of datagrams, and names turned into addresses.

`endpoint/udp/sockets.py` is the real one; a simulated one satisfies the same protocols. Addresses are (IP literal,
port); one with a third part, a local IP literal, says which of our addresses a datagram leaves from, or came to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Address = tuple[str, int]
Pinned = tuple[str, int, str]
Batch = Sequence[tuple[bytes, Address | Pinned]]


class DatagramSocket(Protocol):
    """One bound UDP socket."""

    @property
    def local_address(self) -> Address:
        """Where it is bound; the port is never 0."""

    @property
    def undivided(self) -> bool:
        """Whether a datagram that is too large for the path is lost, and not sent in fragments (RFC 9000, section
        14): its size can then be found out."""

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        """Who is given the datagrams of each wake-up, in order of arrival, with their sources."""

    def send_batch(self, batch: Batch) -> Sequence[int]:
        """Send datagrams in order. Never blocks and never raises for what a network may do: it drops. Where in the
        batch those were that this machine's own network card is known to refuse as too large."""

    def tell_local(self) -> bool:
        """Say of each datagram from now on to which of our addresses it came; False where the system does not know."""

    def close(self) -> None:
        """Stop receiving and free the address."""


class Network(Protocol):
    """Where sockets and names come from."""

    def bind(self, address: Address) -> DatagramSocket:
        """A socket bound to an IP literal, or to "" for every address of both families. Raises OSError."""

    def source_for(self, target: Address) -> str | None:
        """The local address from which a socket of every address would send there now; None where there is no way."""

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Addresses of a host name or IP literal, preferred first. Raises OSError when there are none."""
