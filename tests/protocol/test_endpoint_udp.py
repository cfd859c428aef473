"""Real sockets on this machine: with segmentation offload and without, on both families, with names verified."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import SystemClock, entropy
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.tls import TrustPinned, TrustPublic, self_signed
from avl_protocol.endpoint.udp.network import Address, Batch, DatagramSocket, Pinned
from avl_protocol.endpoint.udp.sockets import MAX_WAITING, UdpNetwork, UdpSocket
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.wire.errors import LocalProtocolError
from tests.protocol.carriers import RecordingReceiver

Received = list[tuple[bytes, Address | tuple[str, int, str]]]


def endpoint(*, offload: bool = True, on_raw: Callable[[bytes, Address], None] | None = None) -> Endpoint:
    return Endpoint(
        network=UdpNetwork(offload=offload),
        clock=SystemClock(),
        entropy=entropy,
        loop=asyncio.get_running_loop(),
        on_raw=on_raw,
    )


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


async def exchange(server: Endpoint, client: Endpoint, host: str, names: list[str]) -> None:
    """Connect, move 300 kB both ways and some datagrams, close."""
    accepted: list[RecordingReceiver] = []

    def on_carrier(carrier: QuicCarrier, _alpn: str) -> RecordingReceiver:
        accepted.append(RecordingReceiver(carrier, echo=True))
        return accepted[-1]

    await server.bind((host, 0))
    server.listen(self_signed(names, now=time.time(), entropy=entropy), on_carrier=on_carrier)
    await client.bind(("", 0))
    target = (names[0], server.local_address[1])
    carrier = await client.connect(target, trust=TrustPinned(), on_carrier=RecordingReceiver)
    receiver = carrier.receiver
    assert isinstance(receiver, RecordingReceiver)
    payload = bytes(range(256)) * 1200
    stream = carrier.open_stream()
    carrier.send_stream(stream, payload, end=True)
    await receiver.until(lambda: stream in receiver.ended)
    assert bytes(receiver.streams[stream]) == payload
    carrier.send_datagrams(
        [b"\0\0\0\1" + number.to_bytes(4, "big") + bytes(1100) for number in range(50)], 2, None, list(range(50))
    )
    await receiver.until(lambda: len(receiver.fates) == 50 and len(receiver.datagrams) > 40)
    await client.close(4, "done")
    await accepted[0].until(lambda: bool(accepted[0].lost))
    assert accepted[0].lost == [(4, "done")]
    await server.close()


@pytest.mark.parametrize("offload", [True, False])
@pytest.mark.parametrize("runner", [asyncio.run, run])
def test_endpoints_talk_with_and_without_offload_on_either_loop(
    offload: bool, runner: Callable[[Awaitable[None]], None]
) -> None:
    async def main() -> None:
        await exchange(endpoint(offload=offload), endpoint(offload=offload), "127.0.0.1", ["127.0.0.1"])

    runner(main())


async def test_an_endpoint_with_offload_talks_to_one_without() -> None:
    await exchange(endpoint(offload=True), endpoint(offload=False), "127.0.0.1", ["localhost"])
    await exchange(endpoint(offload=False), endpoint(offload=True), "127.0.0.1", ["localhost"])


async def test_one_socket_serves_both_families() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    for host in ("127.0.0.1", "::1"):
        await exchange(endpoint(), endpoint(), "", [host])


class NotingNetwork(UdpNetwork):
    """The real network; `sent` are the batches that were given to its sockets, which go nowhere while `lost`; `receive`
    is what the last socket calls with what arrived.
    """

    receive: Callable[[Batch], None]

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Batch] = []
        self.lost = False

    def bind(self, address: Address) -> DatagramSocket:
        bound = super().bind(address)
        send, listen = bound.send_batch, bound.set_receiver

        def set_receiver(receiver: Callable[[Batch], None]) -> None:
            self.receive = receiver
            listen(receiver)

        def note(batch: Batch) -> Sequence[int]:
            self.sent.append(batch)
            return () if self.lost else send(batch)

        bound.send_batch = note  # type: ignore[method-assign]
        bound.set_receiver = set_receiver  # type: ignore[method-assign]
        return bound


async def test_what_a_person_waits_for_leaves_before_the_loop_turns() -> None:
    network, server = NotingNetwork(), endpoint()
    client = Endpoint(network=network, clock=SystemClock(), entropy=entropy, loop=asyncio.get_running_loop())
    accepted: list[RecordingReceiver] = []

    def on_carrier(carrier: QuicCarrier, _alpn: str) -> RecordingReceiver:
        accepted.append(RecordingReceiver(carrier))
        return accepted[-1]

    await server.bind(("127.0.0.1", 0))
    server.listen(self_signed(["127.0.0.1"], now=time.time(), entropy=entropy), on_carrier=on_carrier)
    await client.bind(("", 0))
    target = ("127.0.0.1", server.local_address[1])
    carrier = await client.connect(target, trust=TrustPinned(), on_carrier=RecordingReceiver)
    await asyncio.sleep(0)
    network.sent.clear()
    client.leave()
    assert not network.sent, "nothing waited"
    stream = carrier.open_stream()
    carrier.send_stream(stream, b"a press")
    assert not network.sent
    client.leave()
    assert len(network.sent) == 1
    await eventually(lambda: any(bytes(receiver.streams.get(stream, b"")) == b"a press" for receiver in accepted))
    await client.close()
    await server.close()


async def test_who_sends_little_is_served_before_who_sends_much() -> None:
    network = NotingNetwork()
    server = Endpoint(network=network, clock=SystemClock(), entropy=entropy, loop=asyncio.get_running_loop())
    told: list[str] = []

    class Told(RecordingReceiver):
        """Says what came, in order."""

        def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
            super().stream_received(stream, data, end, now)
            told.append(bytes(data[:4]).decode())

    accepted: list[Told] = []

    def on_carrier(carrier: QuicCarrier, _alpn: str) -> Told:
        carrier.trust_peer()
        accepted.append(Told(carrier))
        return accepted[-1]

    await server.bind(("127.0.0.1", 0))
    server.listen(self_signed(["127.0.0.1"], now=time.time(), entropy=entropy), on_carrier=on_carrier)
    clients = []
    for _ in range(2):
        notes = NotingNetwork()
        client = Endpoint(network=notes, clock=SystemClock(), entropy=entropy, loop=asyncio.get_running_loop())
        await client.bind(("127.0.0.1", 0))
        target = ("127.0.0.1", server.local_address[1])
        carrier = await client.connect(target, trust=TrustPinned(), on_carrier=RecordingReceiver)
        clients.append((client, notes, carrier))
    await eventually(lambda: len(accepted) == 2)
    for _, notes, _ in clients:
        notes.lost = True
    batch: list[tuple[bytes, Address | Pinned]] = []
    for (client, notes, carrier), data in zip(clients, (b"film" * 1500, b"press"), strict=True):
        notes.sent.clear()
        carrier.send_stream(carrier.open_stream(), data)
        client.leave()
        batch += [(packet, client.local_address) for sent in notes.sent for packet, _ in sent]
    assert len(batch) > 5
    network.receive(batch)
    assert told[0] == "pres"
    assert set(told[1:]) >= {"film"}, "and the rest in the same wake-up"
    for client, _, _ in clients:
        await client.close()
    await server.close()


class Sockets:
    """Two UdpSockets on loopback and what the second received."""

    def __init__(self, *, offload: bool, sending: socket.socket | None = None) -> None:
        """`sending`: what the first one is made of."""
        self.loop = asyncio.get_running_loop()
        network = UdpNetwork(offload=offload)
        one, other = network.bind(("127.0.0.1", 0)), network.bind(("127.0.0.1", 0))
        if sending is not None:
            one.close()
            sending.bind(("127.0.0.1", 0))
            one = UdpSocket(self.loop, sending, offload=offload)
        assert isinstance(one, UdpSocket)
        assert isinstance(other, UdpSocket)
        self.one, self.other = one, other
        self.received: Received = []
        self.other.set_receiver(self.received.extend)

    def close(self) -> None:
        self.one.close()
        self.other.close()


@pytest.mark.parametrize("offload", [True, False])
async def test_batches_keep_their_order_sizes_and_sources(offload: bool) -> None:
    sockets = Sockets(offload=offload)
    sizes = [1200] * 100 + [700] + [1200] * 3 + [50, 60, 50] + [1200] * 70
    payloads = [bytes([index % 256]) * size for index, size in enumerate(sizes)]
    target = sockets.other.local_address
    sockets.one.send_batch([(payload, target) for payload in payloads])
    await eventually(lambda: len(sockets.received) == len(payloads))
    assert [data for data, _ in sockets.received] == payloads
    assert {source for _, source in sockets.received} == {sockets.one.local_address}
    sockets.close()


async def test_what_is_too_large_for_the_way_is_lost_and_not_divided() -> None:
    sockets = Sockets(offload=True)
    target = sockets.other.local_address
    batch = [(bytes(70_000), target), (bytes(65_507), target), (b"small", target), (bytes(65_508), target)]
    assert sockets.one.send_batch(batch) == (0, 3) and sockets.one.send_batch([]) == ()
    await eventually(lambda: len(sockets.received) == 2)
    assert [len(data) for data, _ in sockets.received] == [65_507, 5]
    sockets.close()
    if sys.platform.startswith("linux"):
        for address in ("127.0.0.1", ""):
            bound = UdpNetwork().bind((address, 0))
            assert isinstance(bound, UdpSocket) and bound.undivided
            told = bound._socket
            assert told.getsockopt(socket.IPPROTO_IP, 10) == 3, "IP_MTU_DISCOVER is IP_PMTUDISC_PROBE"
            assert told.family == socket.AF_INET or told.getsockopt(socket.IPPROTO_IPV6, 23) == 3
            bound.close()


async def test_a_run_too_large_for_the_way_costs_no_other_run_its_segments() -> None:
    class Narrow(socket.socket):
        """A socket on a way that takes no runs of more than 1,452 bytes a datagram."""

        def sendmsg(self, parts: Any, *more: Any) -> int:
            if len(parts[0]) > 1452:
                raise OSError(22, "Invalid argument")
            return super().sendmsg(parts, *more)

    sockets = Sockets(offload=True, sending=Narrow(socket.AF_INET, socket.SOCK_DGRAM))
    sockets.one.segmenting = True
    sockets.one.send_batch([(bytes(8952), sockets.other.local_address)] * 3)
    assert sockets.one.segmenting
    await eventually(lambda: len(sockets.received) == 3)
    sockets.close()


async def test_a_card_that_refuses_segments_gets_single_datagrams() -> None:
    tried: list[int] = []

    class Refusing(socket.socket):
        """A socket whose sendmsg fails as that of a card without checksum offload."""

        def sendmsg(self, parts: Any, *_more: object) -> int:
            tried.append(len(parts))
            raise OSError(5, "Input/output error")

    sockets = Sockets(offload=True, sending=Refusing(socket.AF_INET, socket.SOCK_DGRAM))
    sockets.one.segmenting = True
    sockets.one.send_batch([(bytes(1000), sockets.other.local_address)] * 10)
    sockets.one.send_batch([(bytes(1000), sockets.other.local_address)] * 10)
    await eventually(lambda: len(sockets.received) == 20)
    assert tried == [10]
    sockets.close()


async def test_a_full_socket_keeps_a_bounded_number_and_sends_them_later() -> None:
    full = [True]

    class Full(socket.socket):
        def sendto(self, *arguments: Any) -> int:
            if full[0]:
                raise BlockingIOError
            return super().sendto(*arguments)

    sockets = Sockets(offload=False, sending=Full(socket.AF_INET, socket.SOCK_DGRAM))
    for _ in range(3):
        sockets.one.send_batch([(b"x", sockets.other.local_address)] * 1000)
    assert sockets.one.waiting == MAX_WAITING
    full[0] = False
    await eventually(lambda: sockets.one.waiting == 0)
    await eventually(lambda: len(sockets.received) > 200)
    sockets.one.send_batch([(b"last", sockets.other.local_address)])
    await eventually(lambda: sockets.received[-1][0] == b"last")
    sockets.close()


async def test_nobody_listening_on_a_port_is_no_error_here() -> None:
    sockets = Sockets(offload=True)
    sockets.one.send_batch([(b"x", ("127.0.0.1", 9))])
    sockets.one.send_batch([(b"y", sockets.other.local_address)])
    await eventually(lambda: sockets.received == [(b"y", sockets.one.local_address)])
    sockets.close()
    sockets.one.send_batch([(b"z", sockets.other.local_address)])


async def test_a_port_in_use_is_said() -> None:
    first, second = endpoint(), endpoint()
    await first.bind(("127.0.0.1", 0))
    with pytest.raises(OSError, match="in use"):
        await second.bind(first.local_address)
    await first.close()


async def test_a_public_name_is_verified(tmp_path: Path) -> None:
    server, client = endpoint(), endpoint()
    mine = self_signed(["relay.test"], now=time.time(), entropy=entropy)
    trusted = tmp_path / "authorities.pem"
    trusted.write_bytes(mine.certificate.public_bytes(Encoding.PEM))
    await server.bind(("127.0.0.1", 0))
    await client.bind(("127.0.0.1", 0))
    server.listen(mine, on_carrier=lambda carrier, _alpn: RecordingReceiver(carrier))

    async def attempt(name: str) -> QuicCarrier:
        trust = TrustPublic(name, str(trusted))
        return await client.connect(server.local_address, trust=trust, on_carrier=RecordingReceiver)

    assert (await attempt("relay.test")).peer_certificate == mine.der
    with pytest.raises(Unreachable, match="refused the connection: "):
        await attempt("other.test")
    server.set_certificate(self_signed(["relay.test"], now=time.time(), entropy=entropy))
    with pytest.raises(Unreachable, match="refused the connection: "):
        await attempt("relay.test")
    await client.close()
    await server.close()


async def test_what_is_not_quic_shares_the_socket() -> None:
    raw: Received = []
    server = endpoint(on_raw=lambda data, address: raw.append((data, address)))
    client = endpoint()
    await server.bind(("127.0.0.1", 0))
    await client.bind(("127.0.0.1", 0))
    client.send_raw(b"\x01punch", server.local_address)
    await eventually(lambda: raw == [(b"\x01punch", client.local_address)])
    with pytest.raises(LocalProtocolError):
        client.send_raw(b"\xc0looks like QUIC", server.local_address)
    await client.close()
    await server.close()


async def test_the_first_datagram_of_a_wake_up_is_served_before_others_are_read_unless_several_came_before() -> None:
    batches: list[int] = []
    bound = UdpNetwork(offload=False).bind(("127.0.0.1", 0))
    bound.set_receiver(lambda batch: batches.append(len(batch)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        for burst, expected in ((5, [1, 4]), (5, [5]), (1, [1]), (3, [1, 2])):
            batches.clear()
            for number in range(burst):
                other.sendto(b"%d" % number, bound.local_address)
            await eventually(lambda burst=burst: sum(batches) == burst)  # type: ignore[misc]
            assert batches == expected
    bound.close()
