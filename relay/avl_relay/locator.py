"""Locator: tells clients the address they are seen at, by which they classify their NAT (spec 08-paths, 8.2).

Everything is told on the hop, to whom it concerns, and nothing is sent to an address that a client merely names: so a
relay can't be made to send anybody anything.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from avl_protocol.endpoint.udp.network import Address, Batch, DatagramSocket, Network
from avl_protocol.session.hop.server import HopServer, HopServerState
from avl_protocol.wire.messages import NatTested, Observed
from avl_protocol.wire.registry import RawType

NONCE_BYTES = TOKEN_BYTES = 16
#: Seconds for which the second port of a test is open, and tests at a time.
OPEN, MOST = 3.0, 32


class Locator:
    """All clients of a relay by the nonce that WELCOME gave each."""

    def __init__(self, network: Network, loop: asyncio.AbstractEventLoop) -> None:
        self._network = network
        self._loop = loop
        self._clients: WeakValueDictionary[bytes, HopServer] = WeakValueDictionary()
        self._open: dict[DatagramSocket, asyncio.TimerHandle] = {}

    def know(self, peer: HopServer) -> None:
        """Somebody has connected."""
        self._clients[peer.nonce] = peer

    def raw(self, data: bytes, address: Address) -> None:
        """A datagram that is not QUIC: LOCATE of a client that is still there, or nothing."""
        if len(data) != 1 + NONCE_BYTES or data[0] != RawType.LOCATE:
            return
        peer = self._clients.get(bytes(data[1:]))
        if peer is not None and peer.state in (HopServerState.HOST, HopServerState.VIEWER):
            peer.send(Observed(f"{address[0]} {address[1]}"))

    def test(self, peer: HopServer, token: bytes) -> None:
        """Send FILTER from another port to where the client is, and hear LOCATE there for a while."""
        if len(token) != TOKEN_BYTES or len(self._open) >= MOST:
            return
        try:
            bound = self._network.bind(("", 0))
        except OSError:
            return
        bound.set_receiver(self._hear)
        self._open[bound] = self._loop.call_later(OPEN, self._shut, bound)
        peer.send(NatTested(token, bound.local_address[1]))
        bound.send_batch([(bytes((RawType.FILTER,)) + token, peer.carrier.peer_address)])

    def _hear(self, batch: Batch) -> None:
        for data, address in batch:
            self.raw(data, (address[0], address[1]))

    def _shut(self, bound: DatagramSocket) -> None:
        del self._open[bound]
        bound.close()

    def close(self) -> None:
        """Close what is open."""
        for bound, timer in list(self._open.items()):
            timer.cancel()
            self._shut(bound)
