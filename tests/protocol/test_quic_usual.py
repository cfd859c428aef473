"""What reads and writes the usual packets does what aioquic does: the same packets at the same times, whatever the
network makes of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from random import Random

import pytest
from aioquic.quic.connection import QuicConnection
from aioquic.quic.stream import QuicStream

from avl_protocol.quic import pathmtu
from avl_protocol.quic.acknowledged import Acknowledged
from avl_protocol.quic.connection import Connection
from avl_protocol.quic.payload import Payload
from avl_protocol.quic.reading import Reader
from avl_protocol.quic.sentpackets import ONE_RTT
from avl_protocol.quic.shortheader import Damaged, protect, unprotect
from avl_protocol.quic.turns import Turn
from avl_protocol.quic.writing import Writer
from avl_protocol.wire.registry import DatagramType
from tests.protocol.pair import CLIENT, Pair
from tests.protocol.test_endpoint_connections import Joined, simulate
from tests.simulator.network import LinkShape

CALM = LinkShape()
ROUGH = LinkShape(jitter=0.004, loss=0.03, duplicate=0.02, reorder=0.05, rate=6e6)
THIN = LinkShape(delay=0.04, loss=0.01, rate=1e6)


async def conversation(both: Joined, seed: int) -> None:
    """Streams in both directions, some of them bulk and some reset, and media beside them."""
    receiver = await both.connect()
    random = Random(seed)
    carrier = receiver.carrier
    streams = [carrier.open_stream() for _ in range(3)]
    bulk = carrier.open_stream()
    carrier.set_stream_bulk(bulk)
    for number in range(120):
        what = random.random()
        if what < 0.4:
            carrier.send_stream(random.choice(streams), random.randbytes(random.choice((30, 80, 4000))))
        if what > 0.7:
            header = bytes((0, 1, DatagramType.MEDIA, 1)) + number.to_bytes(4, "big") + bytes(4)
            pieces = [header + random.randbytes(random.choice((100, 1100))) for _ in range(random.choice((1, 1, 12)))]
            sender = both.accepted[0].carrier if what > 0.85 else carrier
            sender.send_datagrams(pieces, 2, None, None)
        if number == 40:
            carrier.send_stream(bulk, random.randbytes(60_000), end=True)
        if number == 80:
            carrier.reset_stream(streams.pop(), 7)
        await asyncio.sleep(random.choice((0.0, 0.001, 0.007, 0.03)))
    await asyncio.sleep(1.0)


def trace(seed: int, shape: LinkShape) -> str:
    async def main(both: Joined) -> None:
        await conversation(both, seed)

    return simulate(main, seed=seed, shape=shape)


@pytest.mark.parametrize("shape", [CALM, ROUGH, THIN], ids=["calm", "rough", "thin"])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_packets_leave_as_where_aioquic_reads_and_writes_them_all(
    seed: int, shape: LinkShape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pathmtu, "WORTH", math.inf)  # only ours writes large packets
    here = trace(seed, shape)
    monkeypatch.setattr(Reader, "take", lambda *_arguments: False)
    assert trace(seed, shape) == here, "read by aioquic"
    monkeypatch.setattr(Writer, "asks_for_more", lambda *_arguments: True)
    assert trace(seed, shape) == here, "read and written by aioquic"


def test_most_packets_are_read_and_written_here(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"read": 0, "all": 0, "written": 0}
    take, write = Reader.take, Writer.write

    def taken(reader: Reader, data: bytes, address: tuple[str, int], now: float) -> bool:
        found = take(reader, data, address, now)
        counts["read"] += found
        counts["all"] += 1
        return found

    def written(writer: Writer, now: float, turns: Sequence[Turn[QuicStream]]) -> list[tuple[bytes, tuple[str, int]]]:
        out = write(writer, now, turns)
        counts["written"] += len(out)
        return out

    monkeypatch.setattr(Reader, "take", taken)
    monkeypatch.setattr(Writer, "write", written)
    trace(0, CALM)
    assert counts["read"] > 0.8 * counts["all"] and counts["written"] > 0.8 * counts["all"]


@pytest.mark.parametrize("shape", [CALM, ROUGH, THIN], ids=["calm", "rough", "thin"])
def test_the_timer_is_aioquics(shape: LinkShape, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, times = Connection._usual_timer, []

    def compared(connection: Connection) -> float | None:
        times.append((usual(connection), connection._loss_at))
        assert times[-1] == (QuicConnection.get_timer(connection), connection._loss_at)
        return times[-1][0]

    monkeypatch.setattr(Connection, "_usual_timer", compared)
    trace(1, shape)
    assert len(times) > 300


def usual_packet(pair: Pair) -> bytes:
    """A packet of the client's that holds one datagram."""
    pair.client.send_datagrams([b"\0" + bytes(40)], 2, None, None)
    (data,) = pair.flush(pair.client)
    return data


def test_a_packet_that_was_changed_on_the_way_is_dropped_and_changes_nothing() -> None:
    pair = Pair()
    data = bytearray(usual_packet(pair))
    data[-1] ^= 1
    pair.deliver(pair.client, [bytes(data)])
    assert pair.received(pair.server) == [] and not pair.server.ended
    data[-1] ^= 1
    pair.deliver(pair.client, [bytes(data), bytes(data)])
    assert len(pair.received(pair.server)) == 1, "once, although it came twice"


def test_a_packet_from_elsewhere_or_of_the_next_keys_is_left_to_aioquic() -> None:
    pair = Pair()
    told: list[tuple[Payload, float]] = []
    reader = Reader(
        pair.server,
        Acknowledged(pair.server, pair.server._datagrams),
        lambda kind, _size, now: told.append((kind, now)),
    )
    reader.begin(pair.server._spaces[ONE_RTT], pair.server._cryptos[ONE_RTT])
    data = usual_packet(pair)
    assert not reader.take(data, ("192.0.2.9", 9), pair.now) and told == []
    pair.deliver(pair.client, [data])
    pair.client.request_key_update()
    data = usual_packet(pair)
    assert not reader.take(data, CLIENT, pair.now) and told == []
    pair.deliver(pair.client, [data])
    assert len(pair.received(pair.server)) == 2 and pair.server.key_phase == 1
    data = usual_packet(pair)
    assert reader.take(data, CLIENT, pair.now) and told == [(Payload.CARRIED, pair.now)]


def test_what_is_protected_here_is_opened_here() -> None:
    pair = Pair()
    (ours, theirs) = (connection._cryptos[keys] for connection in (pair.client, pair.server) for keys in [ONE_RTT])
    data = protect(ours, bytes(8), spin=True, number=70_000, payload=b"\x01" * 30)
    opened = unprotect(theirs, data, cid_length=8, expected=69_990)
    assert opened is not None and opened[1:] == (70_000, b"\x01" * 30) and opened[0] & 0x20
    with pytest.raises(Damaged):
        unprotect(theirs, data[:-1], cid_length=8, expected=69_990)
    assert unprotect(theirs, data[:20], cid_length=8, expected=69_990) is None
