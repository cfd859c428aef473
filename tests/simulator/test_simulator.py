"""The simulator itself: time jumps, links do what their figures say, and a seed repeats to the last bit."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avl_protocol.endpoint.udp.network import Batch
from tests.simulator.loop import Deadlock
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation, run

ROOT = Path(__file__).resolve().parents[2]

#: A lossy session of two endpoints, whose trace hash is printed.
PROGRAM = """
import asyncio
from avl_protocol.endpoint.tls import TrustPinned
from tests.protocol.carriers import RecordingReceiver
from tests.simulator.network import LinkShape
from tests.simulator.run import run

async def main(sim):
    server, client = sim.endpoint("10.0.0.1", name="relay"), sim.endpoint("10.0.0.2")
    await server.bind(("0.0.0.0", 4433))
    await client.bind(("0.0.0.0", 0))
    server.listen(sim.certificate(), on_carrier=lambda carrier, alpn: RecordingReceiver(carrier, echo=True))
    carrier = await client.connect(("relay", 4433), trust=TrustPinned(), on_carrier=RecordingReceiver)
    streams = [carrier.open_stream() for _ in range(5)]
    for turn in range(60):
        for stream in streams:
            carrier.send_stream(stream, bytes(3000))
        named = [bytes((0, 0, 0, 1)) + (4 * turn + at).to_bytes(4, "big") + bytes(992) for at in range(4)]
        carrier.send_datagrams(named, 2, sim.clock.monotonic() + 0.05)
        await asyncio.sleep(1 / 60)
    await asyncio.sleep(5)
    await client.close()
    await server.close()
    return len(carrier.receiver.datagrams), sum(map(len, carrier.receiver.streams.values()))

print(run(main, 11, LinkShape(delay=0.02, jitter=0.01, loss=0.03, reorder=0.05, duplicate=0.02, rate=12e6)))
"""


def test_one_seed_is_one_trace_in_two_processes_with_different_hash_seeds() -> None:
    seen = set()
    for hash_seed in ("1", "2", "77"):
        environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1
    assert "900000" in seen.pop(), "every stream byte came back"


def test_an_hour_passes_in_no_time() -> None:
    async def main(sim: Simulation) -> float:
        await asyncio.sleep(3600)
        return sim.clock.monotonic()

    began = time.perf_counter()
    assert run(main)[0] == pytest.approx(3600)
    assert time.perf_counter() - began < 1


def test_waiting_for_nothing_is_said() -> None:
    async def main(_sim: Simulation) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock):
        run(main)


def test_threads_are_refused() -> None:
    async def main(_sim: Simulation) -> None:
        await asyncio.to_thread(time.sleep, 0)

    with pytest.raises(AssertionError, match="threads"):
        run(main)


def arrivals(shape: LinkShape, sizes: list[int], spacing: float = 0.0) -> list[tuple[float, int]]:
    """When datagrams sent `spacing` apart arrive, and the index that each carries."""
    got: list[tuple[float, int]] = []

    async def main(sim: Simulation) -> None:
        sender, receiver = sim.network.bind("10.0.0.1", 1), sim.network.bind("10.0.0.2", 2)

        def keep(batch: Batch) -> None:
            got.extend((sim.clock.monotonic(), int.from_bytes(data[:4], "big")) for data, _ in batch)

        receiver.set_receiver(keep)
        for index, size in enumerate(sizes):
            sender.send_batch([(index.to_bytes(4, "big").ljust(size, b"\0"), ("10.0.0.2", 2))])
            await asyncio.sleep(spacing)
        await asyncio.sleep(5)

    run(main, 5, shape)
    return got


def test_a_link_delays_keeps_order_and_has_a_rate() -> None:
    got = arrivals(LinkShape(delay=0.1), [100] * 50)
    assert [index for _, index in got] == list(range(50))
    assert {round(when, 6) for when, _ in got} == {0.1}
    got = arrivals(LinkShape(delay=0.1, rate=1e6, queue=10), [1250] * 10)
    assert [when for when, _ in got] == pytest.approx([0.1 + 0.01 * (index + 1) for index in range(10)])


def test_a_full_queue_drops_the_tail() -> None:
    got = arrivals(LinkShape(delay=0.01, rate=1e6, queue=0.05), [1250] * 20)
    assert [index for _, index in got] == list(range(6))


def test_loss_jitter_duplicates_and_reordering_happen_as_often_as_said() -> None:
    assert 60 < len(arrivals(LinkShape(loss=0.3), [50] * 100, 0.01)) < 80
    doubled = arrivals(LinkShape(duplicate=0.5), [50] * 100, 0.01)
    assert 130 < len(doubled) < 170
    late = arrivals(LinkShape(reorder=0.2, reorder_by=0.05), [50] * 100, 0.01)
    assert sorted(late, key=lambda item: item[1]) != late
    spread = [when - index * 0.01 for when, index in arrivals(LinkShape(delay=0.1, jitter=0.05), [50] * 100, 0.01)]
    assert 0.1 <= min(spread) < 0.11
    assert 0.14 < max(spread) <= 0.1501


def test_a_link_changes_when_it_was_scheduled_to() -> None:
    times: list[float] = []

    async def main(sim: Simulation) -> None:
        sender, receiver = sim.network.bind("10.0.0.1", 1), sim.network.bind("10.0.0.2", 2)
        receiver.set_receiver(lambda _batch: times.append(sim.clock.monotonic()))
        sim.network.schedule("10.0.0.1", "10.0.0.2", [(1.0, LinkShape(delay=0.3)), (2.0, LinkShape(loss=1.0))])
        for _ in range(3):
            await asyncio.sleep(0.9)
            sender.send_batch([(b"x", ("10.0.0.2", 2))])
        await asyncio.sleep(1)

    run(main)
    assert times == pytest.approx([0.91, 2.1])
