"""The interim controller in virtual time: it fills a path, keeps its queue short, and is not fooled by noise."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.rate.interim import INITIAL_PACKETS, InterimController
from avl_protocol.rate.pacer import Pacer
from avl_protocol.rate.window import MinimumFilter
from tests.protocol.carriers import RecordingReceiver
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation, run

PACKET = 1200


@dataclass
class Result:
    """Figures of a run after its first seconds: Mbit/s arrived, delays in ms, the controller's last word."""

    rate: float
    median: float
    worst: float
    offered: float | None


class Viewer(RecordingReceiver):
    """Notes when each datagram left and arrived."""

    def __init__(self, carrier: QuicCarrier) -> None:
        super().__init__(carrier)
        self.arrivals: list[tuple[float, float, int]] = []

    def datagram_received(self, data: bytes, now: float) -> None:
        self.arrivals.append((struct.unpack_from("!d", data, 1)[0], now, len(data)))


def video(shape: LinkShape, *, wanted: float = 8e6, seconds: float = 8, then: LinkShape | None = None) -> Result:
    """60 frames a second at what the controller offers, never more than one frame waiting."""

    async def main(sim: Simulation) -> Result:
        host, viewer = sim.endpoint("10.0.0.1"), sim.endpoint("10.0.0.2")
        await host.bind(("0.0.0.0", 1))
        await viewer.bind(("0.0.0.0", 2))
        watching: list[Viewer] = []

        def on_carrier(carrier: QuicCarrier, _alpn: str) -> Viewer:
            watching.append(Viewer(carrier))
            return watching[0]

        viewer.listen(sim.certificate(), on_carrier=on_carrier)
        carrier = await host.connect(("10.0.0.2", 2), trust=TrustPinned(), on_carrier=RecordingReceiver)
        if then is not None:
            sim.network.schedule("10.0.0.1", "10.0.0.2", [(seconds / 2, then)])
        end = sim.clock.monotonic() + seconds
        while (now := sim.clock.monotonic()) < end:
            size = int(min(wanted, carrier.rate or wanted) / 480)
            if carrier.datagram_backlog < size:
                parts = [min(1140, size - start) for start in range(0, size, 1140)]
                carrier.send_datagrams([b"\0" + struct.pack("!d", now) + bytes(part) for part in parts], 2, now + 1)
            await asyncio.sleep(1 / 60)
        late = [arrival for arrival in watching[0].arrivals if arrival[1] > end - seconds / 3]
        delays = sorted((arrived - left) * 1000 for left, arrived, _ in late)
        bits = sum(size for _, _, size in late) * 8
        result = Result(bits / (seconds / 3) / 1e6, delays[len(delays) // 2], delays[-1], carrier.rate)
        await host.close()
        await viewer.close()
        return result

    return run(main, 3, shape)[0]


def test_a_wide_path_is_left_alone() -> None:
    result = video(LinkShape(0.005, rate=100e6), seconds=3)
    assert result.rate > 7.5
    assert result.worst < 10
    assert result.offered is None


def test_a_narrow_path_is_filled_with_a_short_queue() -> None:
    result = video(LinkShape(0.02, rate=4e6))
    assert result.rate > 3
    assert result.median < 75
    assert result.worst < 200


def test_light_random_loss_is_no_congestion() -> None:
    result = video(LinkShape(0.02, rate=30e6, loss=0.02))
    assert result.rate > 7


def test_a_path_that_narrows_is_followed_down() -> None:
    result = video(LinkShape(0.02, rate=30e6), then=LinkShape(0.02, rate=2e6))
    assert 1.0 < result.rate < 2.1
    assert result.median < 120


def acked_round(controller: InterimController, now: float, rtt: float, packets: int, *, used: int) -> float:
    """One round trip of acknowledgements; returns when it is over."""
    for step in range(packets):
        controller.on_sent(used)
        controller.on_rtt(now + rtt * step / packets, rtt)
        controller.on_acked(now + rtt * step / packets, PACKET)
    controller.on_acked(now + rtt * 1.01, PACKET)
    return now + rtt * 1.02


def test_the_first_window_doubles_only_while_it_is_used() -> None:
    controller = InterimController(PACKET)
    first = controller.congestion_window
    assert first == INITIAL_PACKETS * PACKET
    assert controller.pacing_rate is None
    now = 10.0
    for _ in range(20):
        now = acked_round(controller, now, 0.05, 20, used=first // 10)
    assert controller.congestion_window == first, "an application that sends little proves nothing"
    now = acked_round(controller, now, 0.05, 20, used=first)
    assert controller.congestion_window == 2 * first


def test_heavy_loss_shrinks_and_light_loss_does_not() -> None:
    controller = InterimController(PACKET)
    before = controller.congestion_window
    controller.on_lost(10.0, 1)
    now = acked_round(controller, 10.0, 0.05, 60, used=PACKET)
    assert controller.congestion_window == before
    controller.on_lost(now, 20)
    acked_round(controller, now, 0.05, 60, used=PACKET)
    assert before / 2 <= controller.congestion_window < before
    assert controller.target_bitrate is not None


def test_a_path_that_became_longer_is_not_taken_for_a_queue_for_ever() -> None:
    controller = InterimController(PACKET)
    now = acked_round(controller, 10.0, 0.02, 60, used=PACKET)
    for _ in range(60):
        now = acked_round(controller, now, 0.12, 30, used=controller.congestion_window)
    assert controller.congestion_window > 10 * PACKET


def test_persistent_congestion_begins_again_with_two_packets() -> None:
    controller = InterimController(PACKET)
    controller.on_persistent_congestion()
    assert controller.congestion_window == 2 * PACKET


def test_the_pacer_keeps_its_rate_in_bursts_of_a_millisecond_or_more() -> None:
    pacer = Pacer(1000)
    assert pacer.next_send_time(5.0) is None
    pacer.rate = 1_000_000.0
    now, sent, pauses = 5.0, 0, []
    while now < 6.0:
        again = pacer.next_send_time(now)
        if again is None:
            pacer.sent(now)
            sent += 1
        else:
            pauses.append(again - now)
            now = again
    assert 1000 <= sent <= 1004
    assert min(pauses) >= 0.00099


def test_a_minimum_is_forgotten_after_its_window() -> None:
    least = MinimumFilter(10.0)
    assert least.value is None
    least.add(0.0, 1.0)
    for second in range(1, 10):
        least.add(float(second), 5.0)
        assert least.value == 1.0
    for second in range(10, 30):
        least.add(float(second), 5.0)
    assert least.value == 5.0
