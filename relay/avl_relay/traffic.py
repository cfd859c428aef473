"""Traffic: what passes a relay's UDP sockets, counted by the batch and beside the code that does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from avl_protocol.endpoint.udp.network import Address, Batch, DatagramSocket, Network
from avl_protocol.session.snapshot import Snapshot

_data = itemgetter(0)


class Traffic:
    """Bytes of UDP payload, and datagrams, in both directions."""

    def __init__(self) -> None:
        self.bytes_in = self.bytes_out = self.datagrams_in = self.datagrams_out = 0

    def received(self, batch: Batch) -> None:
        """A batch came."""
        self.datagrams_in += len(batch)
        self.bytes_in += sum(map(len, map(_data, batch)))

    def sent(self, batch: Batch) -> None:
        """A batch leaves."""
        self.datagrams_out += len(batch)
        self.bytes_out += sum(map(len, map(_data, batch)))

    def snapshot(self) -> Snapshot:
        """All so far."""
        return Snapshot(
            "traffic so far",
            {
                "bytes in": self.bytes_in,
                "bytes out": self.bytes_out,
                "datagrams in": self.datagrams_in,
                "datagrams out": self.datagrams_out,
            },
        )


class CountedNetwork:
    """A Network whose sockets tell `traffic` of every batch."""

    def __init__(self, network: Network, traffic: Traffic) -> None:
        self._network, self._traffic = network, traffic

    def bind(self, address: Address) -> DatagramSocket:
        """See Network."""
        return _Counted(self._network.bind(address), self._traffic)

    def source_for(self, target: Address) -> str | None:
        """See Network."""
        return self._network.source_for(target)

    async def resolve(self, host: str, port: int) -> list[Address]:
        """See Network."""
        return await self._network.resolve(host, port)


class _Counted:
    """One socket of it."""

    def __init__(self, bound: DatagramSocket, traffic: Traffic) -> None:
        self._bound, self._traffic = bound, traffic

    @property
    def local_address(self) -> Address:
        return self._bound.local_address

    @property
    def undivided(self) -> bool:
        return self._bound.undivided

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        count = self._traffic.received

        def counted(batch: Batch) -> None:
            count(batch)
            receiver(batch)

        self._bound.set_receiver(counted)

    def send_batch(self, batch: Batch) -> Sequence[int]:
        self._traffic.sent(batch)
        return self._bound.send_batch(batch)

    def tell_local(self) -> bool:
        return self._bound.tell_local()

    def close(self) -> None:
        self._bound.close()
