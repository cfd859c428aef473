"""What strangers get from an endpoint: an answer no larger than their packet, and never a crash."""

from __future__ import annotations

import asyncio
import random

import pytest
from aioquic.buffer import Buffer  # type: ignore[attr-defined]
from aioquic.quic.packet import pull_quic_header
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.endpoint.accept.acceptor import Acceptor
from avl_protocol.endpoint.accept.admission import ConnectionAdmission, Decision
from avl_protocol.endpoint.accept.quota import Claim
from avl_protocol.endpoint.accept.sources import source
from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.endpoint.udp.demux import Demultiplexer, Known, NewConnection, NotQuic, ResetOf, Stray
from avl_protocol.endpoint.udp.network import Address, Batch
from avl_protocol.quic.identifiers import reset_token
from avl_protocol.rate.limits import DEFAULT, Bucket, Limits
from tests.protocol.carriers import RecordingReceiver
from tests.simulator.run import Simulation, run

HERE: Address = ("10.0.0.9", 5)


def initial(version: int, destination: bytes = b"12345678", size: int = 1200) -> bytes:
    head = bytes([0xC0]) + version.to_bytes(4, "big") + bytes([len(destination)]) + destination + b"\x08abcdefgh\0"
    return (head + b"\x44\x00").ljust(size, b"\x5a")


def test_an_unknown_version_is_answered_with_those_we_speak() -> None:
    answers: list[bytes] = []

    async def main(sim: Simulation) -> None:
        server = sim.endpoint("10.0.0.1")
        await server.bind(("0.0.0.0", 1))
        server.listen(sim.certificate(), on_carrier=lambda carrier, _alpn: RecordingReceiver(carrier))
        stranger = sim.network.bind(HERE[0], HERE[1])

        def keep(batch: Batch) -> None:
            answers.extend(data for data, _ in batch)

        stranger.set_receiver(keep)
        stranger.send_batch([(initial(0x1A2A3A4A), ("10.0.0.1", 1)), (initial(0x1A2A3A4A, size=600), ("10.0.0.1", 1))])
        await asyncio.sleep(0.1)
        assert server.connections == 0
        await server.close()

    run(main)
    assert len(answers) == 1, "a small packet earns no answer"
    header = pull_quic_header(Buffer(data=answers[0]), host_cid_length=8)
    assert (header.destination_cid, header.source_cid) == (b"abcdefgh", b"12345678")
    assert header.supported_versions[0] == 1


def test_garbage_of_every_kind_leaves_the_endpoint_working() -> None:
    async def main(sim: Simulation) -> None:
        server, client = sim.endpoint("10.0.0.1"), sim.endpoint("10.0.0.2")
        await server.bind(("0.0.0.0", 1))
        await client.bind(("0.0.0.0", 2))
        server.listen(sim.certificate(), on_carrier=lambda carrier, _alpn: RecordingReceiver(carrier, echo=True))
        stranger = sim.network.bind(*HERE)
        noise = random.Random(7)
        for _ in range(400):
            size = noise.choice((1, 2, 6, 7, 20, 21, 43, 100, 1199, 1200, 1400))
            stranger.send_batch([(noise.randbytes(size), ("10.0.0.1", 1))])
        for _ in range(60):
            damaged = bytearray(initial(1, noise.randbytes(8)))
            for _ in range(noise.randrange(20)):
                damaged[noise.randrange(len(damaged))] = noise.randrange(256)
            stranger.send_batch([(bytes(damaged), ("10.0.0.1", 1))])
        await asyncio.sleep(0.1)
        carrier = await client.connect(("10.0.0.1", 1), trust=TrustPinned(), on_carrier=RecordingReceiver)
        receiver = carrier.receiver
        assert isinstance(receiver, RecordingReceiver)
        carrier.send_datagrams([b"\0still here"], 2, None)
        await receiver.until(lambda: receiver.datagrams == [b"\0still here"])
        await asyncio.sleep(8)
        assert server.connections == 1, "what never became a connection is forgotten"
        await client.close()
        await server.close()

    run(main)


def test_packets_are_routed_by_id_token_and_kind() -> None:
    routes: Demultiplexer[str] = Demultiplexer()
    routes.add(b"ABCDEFGH", "link")
    routes.add_token(b"t" * 16, "other")
    assert routes.route(b"\x40ABCDEFGH" + bytes(20)) == Known("link")
    assert routes.route(initial(1, b"ABCDEFGH")) == Known("link")
    assert routes.route(initial(1)) == NewConnection(1, b"12345678", b"abcdefgh")
    assert routes.route(b"\x40zzzzzzzz" + bytes(20)) == Stray(b"zzzzzzzz")
    assert routes.route(b"\x40" + bytes(20) + b"t" * 16) == ResetOf("other")
    assert routes.route(b"\x00anything") == NotQuic()
    assert routes.route(initial(1, b"short")) is None
    assert routes.route(initial(1, size=1199)) is None
    assert routes.route(initial(0)) is None
    routes.remove(b"ABCDEFGH")
    assert routes.route(b"\x40ABCDEFGH" + bytes(20)) == Stray(b"ABCDEFGH")


@given(st.binary(min_size=1, max_size=1500))
def test_any_bytes_have_a_route(data: bytes) -> None:
    routes: Demultiplexer[str] = Demultiplexer()
    acceptor = Acceptor(bytes(32), bytes, 0.0)
    route = routes.route(data)
    if isinstance(route, NewConnection):
        acceptor.judge(route, data, HERE, 0.0)


@pytest.mark.parametrize("size", [22, 30, 43, 1200])
def test_a_stateless_reset_is_shorter_than_its_cause_and_carries_the_token(size: int) -> None:
    acceptor = Acceptor(b"k" * 32, lambda count: b"\xff" * count, 0.0)
    answer = acceptor.reset(b"ABCDEFGH", size, 0.0)
    assert answer is not None
    assert 21 <= len(answer) < size
    assert answer[0] & 0xC0 == 0x40
    assert answer[-16:] == reset_token(b"k" * 32, b"ABCDEFGH")


def test_resets_are_not_sent_to_tiny_packets_nor_without_limit() -> None:
    acceptor = Acceptor(bytes(32), bytes, 0.0)
    assert acceptor.reset(b"ABCDEFGH", 21, 0.0) is None
    sent = sum(acceptor.reset(b"ABCDEFGH", 100, 0.0) is not None for _ in range(500))
    assert sent == 100
    assert acceptor.reset(b"ABCDEFGH", 100, 0.5) is not None


def test_a_source_that_opens_many_must_prove_itself_and_then_wait() -> None:
    admission = ConnectionAdmission()
    verdicts = [admission.decide("192.0.2.1", proved=False, now=0.0) for _ in range(60)]
    assert verdicts.count(Decision.ACCEPT) == DEFAULT.unproved.burst
    assert verdicts[-1] is Decision.RETRY
    verdicts = [admission.decide("192.0.2.1", proved=True, now=0.0) for _ in range(300)]
    assert verdicts.count(Decision.ACCEPT) == DEFAULT.proved.burst
    assert verdicts[-1] is Decision.DROP
    assert admission.decide("192.0.2.2", proved=False, now=0.0) is Decision.ACCEPT
    assert admission.decide("192.0.2.1", proved=False, now=1.0) is Decision.ACCEPT


def test_half_open_handshakes_are_bounded_by_source_and_in_total() -> None:
    admission = ConnectionAdmission()
    gone: list[str] = []

    def opened(host: str, now: float = 0.0) -> Claim | None:
        return admission.open(host, now, lambda: gone.append(host))

    first = [opened("2001:db8::1") for _ in range(32)]
    assert opened("2001:db8::2") is None
    assert admission.decide("2001:db8:1::2", proved=False, now=0.0) is Decision.ACCEPT
    for index in range(32):
        assert opened(f"10.0.0.{index}")
    assert admission.decide("192.0.2.1", proved=False, now=0.0) is Decision.RETRY
    assert admission.decide("192.0.2.1", proved=True, now=0.0) is Decision.ACCEPT
    for index in range(DEFAULT.half_open.total - 64):
        assert opened(f"10.1.{index // 100}.{index % 100}")
    assert admission.half_open == DEFAULT.half_open.total and not gone
    for claim in first:
        assert claim is not None
        claim.release()
    assert admission.half_open == DEFAULT.half_open.total - 32
    assert opened("192.0.2.1")


def test_however_many_handshakes_are_slow_a_newcomer_gets_the_place_of_one_of_theirs() -> None:
    admission = ConnectionAdmission()
    gone: list[str] = []
    for index in range(DEFAULT.half_open.total):
        host = f"10.{index % 8}.0.{index // 8}"
        assert admission.open(host, 0.0, lambda host=host: gone.append(host))  # type: ignore[misc]
    for index in range(20):
        assert admission.open(f"192.0.{index}.1", 0.1, lambda: None)
    assert gone[0] == "10.0.0.0" and len(gone) == 20
    assert admission.half_open == DEFAULT.half_open.total


def test_a_source_with_all_its_places_waits_for_one_that_is_slow() -> None:
    admission = ConnectionAdmission()
    gone: list[int] = []
    for index in range(32):
        assert admission.open("10.0.0.1", 0.0, lambda index=index: gone.append(index))  # type: ignore[misc]
    assert admission.open("10.0.0.1", 1.9, lambda: None) is None and not gone
    assert admission.open("10.0.0.1", 2.0, lambda: None) and gone == [0]


def test_many_who_begin_at_once_prove_their_addresses_whoever_they_are() -> None:
    admission = ConnectionAdmission()
    verdicts = [admission.decide(f"10.{n % 100}.{n // 100}.1", proved=False, now=0.0) for n in range(200)]
    assert verdicts.count(Decision.ACCEPT) == DEFAULT.unproved_in_all.burst
    assert verdicts[-1] is Decision.RETRY
    assert admission.decide("192.0.2.1", proved=True, now=0.0) is Decision.ACCEPT
    assert admission.decide("192.0.2.1", proved=False, now=0.1) is Decision.ACCEPT


def test_a_network_opens_no_more_than_some_of_its_sources_could() -> None:
    admission = ConnectionAdmission(Limits(network_openings=3))
    verdicts = [admission.decide(f"10.0.0.{n % 200}", proved=True, now=0.0) for n in range(2000)]
    assert verdicts.count(Decision.ACCEPT) == 3 * DEFAULT.proved.burst
    assert admission.decide("10.0.1.1", proved=True, now=0.0) is Decision.ACCEPT
    wide = [admission.decide(f"2001:db8:0:{n:x}::1", proved=True, now=0.0) for n in range(2000)]
    assert wide.count(Decision.ACCEPT) == 3 * DEFAULT.proved.burst


def test_sources_are_whole_ipv4_addresses_and_ipv6_networks() -> None:
    assert source("192.0.2.7") == "192.0.2.7"
    assert source("2001:db8:0:1::7") == source("2001:db8:0:1:ffff::1") != source("2001:db8:0:2::7")
    assert source("fe80::1%eth0") == "fe80::"


def test_a_bucket_refills_to_its_brim_and_no_further() -> None:
    bucket = Bucket(2.0, 3.0, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(0.5), bucket.take(0.5)] == [True, False]
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
